// Every wait has an end, and says what it waited for. The end is for what hangs: a slow machine is not late.
export const PATIENCE = 180_000;

/** The promise's value, or an error that names what did not happen. */
export async function before(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(inVain(what)), PATIENCE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again, some ten times a second, until the answer is true; for what cannot call back. */
export async function until(what, holds) {
  const end = Date.now() + PATIENCE;
  let trouble;
  do {
    try {
      if (await holds()) {
        return;
      }
    } catch (error) {
      trouble = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  } while (Date.now() < end);
  throw inVain(what, trouble);
}

function inVain(what, cause) {
  return new Error(`Waited ${PATIENCE / 1000} s for ${typeof what === 'function' ? what() : what}`, { cause });
}

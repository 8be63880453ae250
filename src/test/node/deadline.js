// Every wait has an end, and says what it waited for.

/** The promise's value, or an error that names what did not happen. */
export async function before(milliseconds, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Waited ${milliseconds} ms for ${typeof what === 'function' ? what() : what}`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again, some ten times a second, until the answer is true; for what cannot call back. */
export async function until(milliseconds, what, holds) {
  const end = Date.now() + milliseconds;
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
  throw new Error(`Waited ${milliseconds} ms for ${typeof what === 'function' ? what() : what}`, { cause: trouble });
}

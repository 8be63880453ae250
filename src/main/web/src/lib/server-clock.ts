// What time it is for the server, whatever this device's clock says: each answer carries the server's time in its header Date.

/** Milliseconds to add to this device's clock; null until an answer has told. */
let ahead: number | null = null;

/** As fetch, and keeps what the answer says of the time. */
export const fetchAndHearTime: typeof fetch = async (request, options) => {
  const asked = Date.now();
  const answer = await fetch(request, options);
  const told = Date.parse(answer.headers.get('date') ?? '');
  if (!Number.isNaN(told)) {
    // The header has whole seconds.
    ahead = told + 500 - (asked + Date.now()) / 2;
  }
  return answer;
};

/** Milliseconds to add to this device's clock for the server's; null while that is unknown. */
export function clockDifference(): number | null {
  return ahead;
}

/** The server's time as far as it is known, in milliseconds. */
export function serverNow(): number {
  return Date.now() + (ahead ?? 0);
}

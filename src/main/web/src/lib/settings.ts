// The specification's three switches, under its names without the framework's prefix; set when the page is built.
// The database has the last word on the second and third (chat.settings).
const environment = import.meta.env as Record<string, string | undefined>;

function number(text: string | undefined, otherwise: number): number {
  const value = Number(text);
  return Number.isFinite(value) && value > 0 ? value : otherwise;
}

export const ENABLE_USER_CHAT = environment.VITE_ENABLE_USER_CHAT !== 'false';
/** Characters in a message. */
export const MAX_MESSAGE_LENGTH = number(environment.VITE_MAX_MESSAGE_LENGTH, 1000);
/** Milliseconds after which typing that was not renewed has ended. */
export const TYPING_TIMEOUT = number(environment.VITE_TYPING_TIMEOUT, 3000);
/** Messages loaded at once. */
export const PAGE_SIZE = 50;

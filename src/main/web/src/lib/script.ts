// What a text's script asks of the page.

/** Letters that are written from right to left: Hebrew, Arabic, Syriac, Thaana, N'Ko and others, and the marks for it. */
const RIGHT_TO_LEFT =
  /[\u0590-\u08FF\u200F\uFB1D-\uFDFF\uFE70-\uFEFC\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;
const LETTER = /[\p{L}\u200E\u200F\u061C]/u;

/** The direction of a text's last paragraph, as browsers find it: by its first letter, and from the left without one. */
export function lastDirection(text: string): 'ltr' | 'rtl' {
  const letter = LETTER.exec(text.slice(text.lastIndexOf('\n') + 1))?.[0] ?? '';
  return RIGHT_TO_LEFT.test(letter) ? 'rtl' : 'ltr';
}

const EMOJI =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|\p{RI}\p{RI}|[\d#*]\uFE0F?\u20E3)/u;
const graphemes =
  'Segmenter' in Intl ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : null;

/** Whether a text is one to three emoji and nothing else, which are shown large. */
export function isFewEmoji(text: string): boolean {
  if (!graphemes || text.length > 64) {
    return false;
  }
  const parts = [...graphemes.segment(text)]
    .map(({ segment }) => segment)
    .filter((part) => part.trim() !== '');
  return parts.length > 0 && parts.length <= 3 && parts.every((part) => EMOJI.test(part));
}

/** Whether a key belongs to an input method that composes a word. Safari tells by the code alone when Enter ends it. */
export function isComposing(event: { nativeEvent: KeyboardEvent }): boolean {
  return event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229;
}

// Where addresses are in a text, by the rules of linkify-it.
import { LinkifyIt } from 'linkify-it';

const linkify = new LinkifyIt({ fuzzyLink: true, urlAuth: true });
linkify.add('ftp:', null).add('//', null);

/** Without www. and https://, a name with one of these endings is a file more often than an address. */
const FILE_ENDING = /\.(?:cc|id|md|ml|mm|pl|pm|ps|py|rs|sh|so|ws)$/i;
/** Where words are not parted by spaces, an address may follow a letter. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}](?=https?:\/\/|www\.)/giu;
/** Marks of emphasis and of code where words begin and end; inside of an address the same characters are its own. */
const OPENING_MARKS =
  /(?:^|\s)[\p{Ps}\p{Pi}"'*_~`]*[*_~`](?=\S)|(?<=\p{Lo})[*_~`]+(?=https?:\/\/|www\.)/giu;
const CLOSING_MARKS = /[*_~`][\p{P}~`]*(?=\s|$|(?![\x20-\x7E])\p{P})/gu;
const OPENS = /^(?:https?|mailto):$/;

export interface FoundLink {
  from: number;
  to: number;
  raw: string;
  address: string;
}

/** http, https, www. and e-mail; everything else stays text. */
export function linksIn(text: string): FoundLink[] {
  return (linkify.match(spaced(text)) ?? [])
    .map(({ schema, index, lastIndex, raw, url }) => ({
      from: index,
      to: lastIndex,
      raw,
      address: schema === '' ? url.replace(/^http:/, 'https:') : url,
      isFile: schema === '' && FILE_ENDING.test(raw) && !/^www\./i.test(raw),
    }))
    .filter(
      ({ address, isFile }) =>
        !isFile && URL.canParse(address) && OPENS.test(new URL(address).protocol),
    );
}

/** As long as the text, with spaces in place of what stands around an address without being part of it. */
function spaced(text: string): string {
  let opened = '';
  return text
    .replace(OPENING_MARKS, (marks) => {
      opened += marks;
      return marks.replace(/[*_~`]/g, ' ');
    })
    .replace(CLOSING_MARKS, (marks) =>
      marks.replace(/[*_~`]/g, (mark) => (opened.includes(mark) ? ' ' : mark)),
    )
    .replace(UNSPACED, (letter) => ' '.repeat(letter.length));
}

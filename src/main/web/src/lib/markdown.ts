// The marks that people write in messages, as CommonMark reads them: bold, italic, strike, code, quotes and lists. No HTML, no
// headings, no images, no links by Markdown.
import MarkdownIt, { type Token } from 'markdown-it';
import { linksIn, type FoundLink } from './links';

const DEEPEST = 50; // markdown-it leaves out what is nested deeper

const markdown = MarkdownIt('zero', { maxNesting: DEEPEST }).enable([
  'fence',
  'blockquote',
  'list',
  'backticks',
  'strikethrough',
  'emphasis',
]);

// A line without its mark ends a quote or a list; CommonMark would take it in.
markdown.block.ruler.before(
  'paragraph',
  'outside',
  (state, line, _end, silent) =>
    silent &&
    (state.parentType === 'blockquote' ||
      (state.sCount[line]! >= 0 && state.sCount[line]! < state.blkIndent)),
  { alt: ['blockquote', 'paragraph'] },
);

// A backslash takes a mark's meaning away, and stays: people write ¯\_(ツ)_/¯ and paths.
markdown.inline.ruler.before('backticks', 'escaped', (state, silent) => {
  const escaped = /^\\[*_~`]/.test(state.src.slice(state.pos - 1, state.pos + 1));
  if (escaped && !silent) {
    state.pending += state.src[state.pos];
  }
  if (escaped) {
    state.pos++;
  }
  return escaped;
});

// 2*3*4 is no emphasis.
markdown.inline.ruler.before('emphasis', 'product', (state, silent) => {
  const product = /^[a-z0-9]\*(?=[a-z0-9])/i.test(state.src.slice(state.pos - 1, state.pos + 2));
  if (product && !silent) {
    state.pending += '*';
  }
  if (product) {
    state.pos++;
  }
  return product;
});

export interface Marked {
  tokens: Token[];
  /** Whether there is more than one paragraph's text: a quote, a list, lines of code. */
  isBlocks: boolean;
  /** Text, and links in their places. */
  pieces: (text: string) => (string | FoundLink)[];
}

/** Addresses are found first, and stand aside as signs that no mark can part. */
export function marked(text: string): Marked {
  const links = linksIn(text);
  let sign = '\uE000';
  while (text.includes(sign)) {
    sign = String.fromCharCode(sign.charCodeAt(0) + 1);
  }
  let source = '';
  let end = 0;
  links.forEach(({ from, to }, i) => {
    source += `${text.slice(end, from)}${sign}${i}${sign}`;
    end = to;
  });
  source += text.slice(end);

  const place = new RegExp(`${sign}(\\d+)${sign}`);
  const pieces = (part: string) =>
    part.split(place).map((piece, i) => (i % 2 === 0 ? piece : links[Number(piece)]!));

  const blocks = markdown.parse(source, {});
  const isBlocks = blocks.some(
    ({ type }) => !/^(?:paragraph_open|paragraph_close|inline)$/.test(type),
  );
  const tooDeep = blocks.some(({ level }) => level >= DEEPEST - 1);
  return isBlocks && !tooDeep
    ? { tokens: blocks, isBlocks, pieces }
    : { tokens: markdown.parseInline(source, {}), isBlocks: false, pieces }; // every space and line as it was written
}

/** What is said, without its marks and on one line: for a quote of it. */
export function withoutMarks(text: string): string {
  const { tokens, pieces } = marked(text);
  const said = tokens
    .map(({ content, children }) => children?.map((child) => child.content).join('') ?? content)
    .filter((part) => part !== '')
    .join(' ');
  return pieces(said)
    .map((piece) => (typeof piece === 'string' ? piece : piece.raw))
    .join('');
}

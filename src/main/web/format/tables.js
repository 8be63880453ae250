// Prettier pads every cell of a table to the widest one of its column; a table with one long cell can then be read nowhere.
// Here a table keeps one blank around each cell.
import * as markdown from 'prettier/plugins/markdown';

const { mdast } = markdown.printers;

export const parsers = markdown.parsers; // whoever parses prints

export const printers = {
  mdast: {
    ...mdast,
    print(path, options, print, args) {
      if (path.node.type !== 'table') {
        return mdast.print(path, options, print, args);
      }
      // Without wrapping, prettier keeps both forms at hand: the narrow one for tables that do not fit, and the padded one.
      const [, either] = mdast.print(path, { ...options, proseWrap: 'never' }, print, args);
      return either.contents.breakContents;
    },
  },
};

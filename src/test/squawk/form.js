// The form of the SQL that squawk does not look at. There is no formatter, since none that was tried leaves ours readable:
// they split "create policy … for select" and the attributes of a function in the wrong places, one cuts a comment's text at
// its semicolon, and the bodies between $$ are either left alone or lose their indentation.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const WIDEST = 200; // what the files V… keep, which are never edited; a text may be longer, since it cannot be broken
const KEYWORD =
  /^ *(ALTER|AS|BEGIN|COMMENT|CREATE|DECLARE|DELETE|DROP|END|FROM|GRANT|IF|INSERT|LANGUAGE|RETURN|REVOKE|SELECT|UPDATE|WHERE)\b/;

const wrong = [];
for (const folder of ['db', 'src']) {
  for (const name of readdirSync(join(ROOT, folder), { recursive: true })) {
    if (name.endsWith('.sql') && !name.includes('node_modules')) {
      check(join(folder, name), readFileSync(join(ROOT, folder, name), 'utf8'));
    }
  }
}
if (wrong.length > 0) {
  console.error(wrong.join('\n'));
  process.exit(1);
}

function check(file, text) {
  if (!text.endsWith('\n') || text.endsWith('\n\n')) {
    wrong.push(`${file}: does not end with one line break`);
  }
  for (const [i, line] of text.split('\n').entries()) {
    const say = (what) => wrong.push(`${file}:${i + 1}: ${what}`);
    if (line.includes('\t')) say('a tab');
    if (/\s$/.test(line)) say('blanks at the end');
    if (line.length > WIDEST && !/';?$/.test(line)) say(`more than ${WIDEST} characters`);
    if (KEYWORD.test(line)) say('a keyword in capitals');
  }
}

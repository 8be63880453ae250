// The npm package @gptdesk/chat-react, as scripts/web makes it of what was last built.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Its folder, made anew when something has changed; npm test does that before any file, so that no two files do it at once. */
export function packageFolder() {
  execFileSync('scripts/web', ['package'], { cwd: ROOT, stdio: 'inherit' });
  return `${ROOT}target/chat-react`;
}

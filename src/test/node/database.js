// A PostgreSQL of the Java tests for services of these tests, in place of the one that they bring: CHAT_TEST_POSTGRES names it, as
// -Dchat.postgres does (a directory of binaries, or container). It has the demo's people, and tokens for them.
//
// It runs what was last built, by scripts/test. Of use to tests that do not end the PostgreSQL.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { before } from './deadline.js';

const SCRIPT = fileURLToPath(new URL('../installed-postgres/serve', import.meta.url));

/** By the address of a service: who is there, and with which tokens. */
const people = new Map();

/** Whether services of these tests shall use it. */
export const WANTED = process.env.CHAT_TEST_POSTGRES;

/** What GET /demo/users would say, with tokens; undefined for a service with a PostgreSQL of its own. */
export function peopleOf(url) {
  return people.get(url);
}

export class Database {
  #process;

  /** Starts it; the service at that address will use it. Returns the service's settings. */
  async start(url) {
    this.#process = spawn(SCRIPT, [WANTED], { stdio: ['pipe', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: this.#process.stdout })) {
      if (line.startsWith('{')) {
        const { settings, ...there } = JSON.parse(line);
        people.set(url, there);
        return settings;
      }
    }
    throw new Error(`The PostgreSQL ${WANTED} did not start`);
  }

  /** Stops it; nothing of it is left. */
  async end() {
    if (this.#process?.exitCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.stdin.end();
      await before('PostgreSQL to end', gone);
    }
  }
}

// scripts/chat, as two people use it in two terminals.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { before as deadline } from './deadline.js';
import { freePort, Service } from './service.js';

const SCRIPT = fileURLToPath(new URL('../../../scripts/chat', import.meta.url));
const service = new Service();
before(() => service.start());
after(() => service.end());

test('what Alice types, Bob reads, and the other way round', async () => {
  const alice = new Terminal('alice', 'bob');
  const bob = new Terminal(); // picks from the lists
  try {
    await bob.shows('Who are you?');
    await bob.types('2');
    await bob.shows('Whom do you talk to?');
    await bob.types('Alice');
    await Promise.all([alice.shows('The usual place. See you there!'), bob.shows('You are Bob Brown')]);

    await alice.types('one o’clock then 🙂');
    await bob.shows('Alice: one o’clock then 🙂');
    await bob.types('fine');
    await alice.shows('Bob: fine');
    await bob.shows('you: fine');

    await alice.types('x'.repeat(2000));
    await alice.shows('not sent:');

    await alice.types('/quit');
    await bob.types('/quit');
    assert.deepEqual(await Promise.all([alice.ends(), bob.ends()]), [0, 0]);
    assert.equal(bob.screen.split('one o’clock').length, 2, 'shown once');
  } finally {
    alice.shut();
    bob.shut();
  }
});

test('a restart of the service is a pause, not a loss', async () => {
  const alice = new Terminal('alice', 'carol');
  const carol = new Terminal('carol', 'alice');
  try {
    await Promise.all([alice, carol].map((terminal) => terminal.shows('/quit leaves')));
    await carol.types('before');
    await alice.shows('Carol: before');

    await service.kill();
    await Promise.all([alice, carol].map((terminal) => terminal.shows('connection lost, trying again'))); // and uses it no more
    await service.start();
    await carol.types('after');
    await carol.shows('you: after');
    await alice.shows('Carol: after'); // told when her client has joined again, whichever is first
    assert.equal(alice.screen.split('Carol: before').length, 2, 'shown once');
  } finally {
    alice.shut();
    carol.shut();
  }
});

test('a stranger and a missing service are told in one sentence', async () => {
  const stranger = new Terminal('zoe');
  assert.equal(await stranger.ends(), 1);
  assert.match(stranger.screen, /^Nobody is called zoe here: Alice/m);

  const lost = new Terminal({ CHAT_URL: `http://127.0.0.1:${await freePort()}` }, 'alice', 'bob');
  assert.equal(await lost.ends(), 1);
  assert.match(lost.screen, /^Nothing answers at .*: start it with scripts\/run --demo/m);
});

class Terminal {
  #process;
  #looking = () => {};
  screen = '';

  constructor(...words) {
    const settings = typeof words[0] === 'object' ? words.shift() : {};
    this.#process = spawn(SCRIPT, words, { env: { ...process.env, CHAT_URL: service.url, ...settings } });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.screen += text;
        this.#looking();
      });
    }
  }

  shows(text) {
    const seen = new Promise((resolve) => {
      this.#looking = () => this.screen.includes(text) && resolve();
      this.#looking();
    });
    return deadline(() => `"${text}" on the screen:\n${this.screen}`, seen);
  }

  types(line) {
    return new Promise((resolve) => this.#process.stdin.write(`${line}\n`, resolve));
  }

  ends() {
    const code =
      this.#process.exitCode !== null
        ? Promise.resolve(this.#process.exitCode)
        : new Promise((resolve) => this.#process.once('close', resolve));
    return deadline(() => `the end of:\n${this.screen}`, code);
  }

  shut() {
    if (this.#process.exitCode === null) {
      this.#process.kill();
    }
  }
}

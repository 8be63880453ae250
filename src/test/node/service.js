// The service itself, started by a test: its own data directory, a free port, ended by process id.
//
// It runs what was last built, by scripts/test or scripts/run.
import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Database, WANTED } from './database.js';
import { before, until } from './deadline.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const JAVA = join(ROOT, 'scripts/java'); // becomes java, so its process id is the service's
const LAST_WORDS = 40;

export class Service {
  #data = mkdtempSync(join(tmpdir(), 'gptdesk-chat-node-'));
  #beside;
  #java;
  #settings;
  #database;
  #process;
  #log = '';
  #port;

  /**
   * `beside`: another service, whose PostgreSQL this one shares; without, it brings its own and the demo, unless
   * CHAT_TEST_POSTGRES names one of another kind. `java`: another build's
   * scripts/java. `settings`: more CHAT_ variables.
   */
  constructor({ beside, java = JAVA, settings = {} } = {}) {
    this.#beside = beside;
    this.#java = java;
    this.#settings = settings;
  }

  /** All that it has said. */
  get log() {
    return this.#log;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts it, on the same data and port each time; there when /health/ready says so. */
  async start() {
    this.#port ??= await freePort();
    if (WANTED && !this.#beside && !this.#database) {
      this.#database = new Database();
      this.#settings = { ...(await this.#database.start(this.url)), ...this.#settings };
    }
    // Settings of whoever runs the tests are not settings of this service.
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CHAT_')));
    this.#process = spawn(this.#java, ['serve', ...(this.#beside || this.#database ? [] : ['--demo']), '--port', String(this.#port)], {
      cwd: ROOT,
      env: {
        ...environment,
        CHAT_DATA_DIR: this.#data,
        CHAT_MAX_REQUESTS_PER_SECOND: '10000',
        CHAT_MAX_REQUESTS_PER_SECOND_PER_ADDRESS: '10000',
        ...this.#beside?.shared(),
        ...this.#settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.#log += text;
      });
    }
    const died = new Promise((_, reject) => {
      this.#process.once('exit', (code, signal) => reject(this.#trouble(`ended with ${code ?? signal}`)));
      this.#process.once('error', reject);
    });
    died.catch(() => {}); // later deaths are wanted, or show as failures of the test
    const ready = until(
      () => this.#trouble('to be ready').message,
      async () => (await fetch(`${this.url}/health/ready`)).ok,
    );
    await Promise.race([ready, died]);
  }

  /** Runs another command on its PostgreSQL, as an operator does beside it; returns what it prints. */
  command(...words) {
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CHAT_')));
    return execFileSync(this.#java, words, {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...environment, CHAT_DATA_DIR: this.#data, ...this.#settings },
    }).trim();
  }

  /** Settings with which another service uses this one's PostgreSQL and takes its tokens. */
  shared() {
    if (this.#database) {
      return this.#settings;
    }
    const kept = (name) => readFileSync(join(this.#data, name), 'utf8').trim();
    return {
      CHAT_DATABASE_URL: `jdbc:postgresql://127.0.0.1:${kept('port')}/chat`,
      CHAT_DATABASE_USER: 'chat_login',
      CHAT_DATABASE_PASSWORD: kept('chat_login.password'),
      CHAT_JWT_SECRET: kept('jwt-secret'),
    };
  }

  /** Settings with which another service also migrates this one's PostgreSQL when it starts. */
  owning() {
    return { CHAT_OWNER_USER: 'chat_owner', CHAT_OWNER_PASSWORD: readFileSync(join(this.#data, 'chat_owner.password'), 'utf8').trim() };
  }

  /** Ends a service that has no PostgreSQL of its own at once; nobody is told anything. */
  async killAlone() {
    const gone = exitOf(this.#process);
    this.#process.kill('SIGKILL');
    await before('the service to die', gone);
  }

  /** Stops it as an operator does, and starts it again on the same data and port. */
  async restart() {
    const gone = exitOf(this.#process);
    this.#process.kill('SIGTERM');
    await before(() => this.#trouble('to end').message, gone);
    await this.start();
  }

  /** Ends its PostgreSQL alone at once, as a system short of memory would. */
  killDatabase() {
    process.kill(postmasterOf(this.#data), 'SIGKILL');
  }

  /** Ends the service and its PostgreSQL at once, as a power cut would. */
  async kill() {
    const postmaster = postmasterOf(this.#data);
    const victims = [this.#process.pid, postmaster, ...childrenOf(postmaster)];
    const gone = exitOf(this.#process);
    for (const pid of victims) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if (error.code !== 'ESRCH') {
          throw error;
        }
      }
    }
    await before('the service to die', gone);
    await until('PostgreSQL to die', () => victims.every((pid) => !runs(pid)));
  }

  /** Stops it as an operator does, and starts this build with these settings in its place, on the same port. */
  async replaceBy({ java = JAVA, settings = {} }) {
    const gone = exitOf(this.#process);
    this.#process.kill('SIGTERM');
    await before(() => this.#trouble('to end').message, gone);
    this.#java = java;
    this.#settings = { ...this.#settings, ...settings };
    await this.start();
  }

  /** Stops it as an operator does, and clears its data away. */
  async end() {
    try {
      if (this.#process && this.#process.exitCode === null && this.#process.signalCode === null) {
        const gone = exitOf(this.#process);
        this.#process.kill('SIGTERM');
        await before(() => this.#trouble('to end').message, gone);
      }
    } finally {
      await this.#database?.end();
      rmSync(this.#data, { recursive: true, force: true });
    }
  }

  #trouble(what) {
    return new Error(`the service ${what}; its last words:\n${this.#log.split('\n').filter(Boolean).slice(-LAST_WORDS).join('\n')}`);
  }
}

function exitOf(child) {
  return new Promise((resolve) => child.once('exit', resolve));
}

/** A port that nobody listens on, below those that the kernel gives to whoever asks for any: none of them takes it meanwhile. */
export async function freePort() {
  for (;;) {
    const server = createServer();
    try {
      await once(server.listen(randomInt(16_000, 32_000), '127.0.0.1'), 'listening');
      const { port } = server.address();
      await new Promise((resolve) => server.close(resolve));
      return port;
    } catch (error) {
      if (error.code !== 'EADDRINUSE') {
        throw error;
      }
    }
  }
}

/** The process id in PostgreSQL's own note of it. */
function postmasterOf(data) {
  const note = readdirSync(data, { recursive: true }).find((name) => name.endsWith('postmaster.pid'));
  if (!note) {
    throw new Error(`No PostgreSQL runs in ${data}`);
  }
  return Number(readFileSync(join(data, note), 'utf8').split('\n')[0]);
}

function childrenOf(parent) {
  return processes()
    .filter((one) => one.parent === parent)
    .map(({ pid }) => pid);
}

/** Whether it is there and alive: a zombie has died, nobody has asked about it yet. */
function runs(pid) {
  return processes().some((one) => one.pid === pid && !one.state.startsWith('Z'));
}

function processes() {
  if (existsSync('/proc/self/stat')) {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          // "pid (any name) state parent ..."
          const [state, parent] = readFileSync(`/proc/${name}/stat`, 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ');
          return [{ pid: Number(name), parent: Number(parent), state }];
        } catch {
          return []; // it ended while we looked
        }
      });
  }
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, state]) => ({ pid: Number(pid), parent: Number(parent), state }));
}

// The service itself, started by a test: its own data directory, a free port, ended by process id.
//
// It runs what the build made: target/classes with the class path of target/classpath (scripts/test makes both; else Maven does here).
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { before, until } from './deadline.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const LAST_WORDS = 40;

export class Service {
  #data = mkdtempSync(join(tmpdir(), 'gptdesk-chat-node-'));
  #process;
  #log = [];
  #port;

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts it, on the same data and port each time; there when /health/ready says so. */
  async start() {
    this.#port ??= await freePort();
    const [command, ...options] = commandLine();
    this.#process = spawn(command, [...options, 'serve', '--demo', '--port', String(this.#port)], {
      cwd: ROOT,
      env: { ...process.env, CHAT_DATA_DIR: this.#data, CHAT_DATABASE_URL: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.#log = [...this.#log, ...text.split('\n').filter(Boolean)].slice(-LAST_WORDS);
      });
    }
    const died = new Promise((_, reject) => {
      this.#process.once('exit', (code, signal) => reject(this.#trouble(`ended with ${code ?? signal}`)));
      this.#process.once('error', reject);
    });
    died.catch(() => {}); // later deaths are wanted, or show as failures of the test
    const ready = until(
      90_000,
      () => this.#trouble('to be ready').message,
      async () => (await fetch(`${this.url}/health/ready`)).ok,
    );
    await Promise.race([ready, died]);
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
    await before(10_000, 'the service to die', gone);
    await until(10_000, 'PostgreSQL to die', () => victims.every((pid) => !runs(pid)));
  }

  /** Stops it as an operator does, and clears its data away. */
  async end() {
    try {
      if (this.#process && this.#process.exitCode === null && this.#process.signalCode === null) {
        const gone = exitOf(this.#process);
        this.#process.kill('SIGTERM');
        await before(30_000, () => this.#trouble('to end').message, gone);
      }
    } finally {
      rmSync(this.#data, { recursive: true, force: true });
    }
  }

  #trouble(what) {
    return new Error(`the service ${what}; its last words:\n${this.#log.join('\n')}`);
  }
}

function exitOf(child) {
  return new Promise((resolve) => child.once('exit', resolve));
}

/** Java with the built classes; CHAT_SERVICE_COMMAND names another way to start it. */
function commandLine() {
  if (process.env.CHAT_SERVICE_COMMAND) {
    return process.env.CHAT_SERVICE_COMMAND.split(' ');
  }
  const classpath = join(ROOT, 'target/classpath');
  if (!existsSync(classpath)) {
    throw new Error('Nothing is built yet: run scripts/test, or scripts/run once');
  }
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin/java') : 'java';
  return [java, '-cp', `${join(ROOT, 'target/classes')}:${readFileSync(classpath, 'utf8').trim()}`, 'com.gptdesk.chat.Main'];
}

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
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
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, ppid]) => ppid === parent)
    .map(([pid]) => pid);
}

function runs(pid) {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie has died; nobody has asked about it yet.
  const state = execFileSync('ps', ['-A', '-o', 'pid=,stat='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([id]) => Number(id) === pid);
  return state !== undefined && !state[1].startsWith('Z');
}

// A person in another process, seen from the test.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { before } from './deadline.js';

const PERSON = fileURLToPath(new URL('./person.js', import.meta.url));

export class Person {
  #child;
  #orders = new Map();
  #nextOrder = 1;
  #waiting = [];

  /** Every change heard so far, in order: {topic, payload}. */
  heard = [];

  /** Starts a process in which this person uses that client; ready when it is signed in. */
  static async start(name, kind, url, anonKey, token) {
    const person = new Person(name);
    await before(`${name} to start`, person.#start([kind, url, anonKey, token]));
    return person;
  }

  constructor(name) {
    this.name = name;
  }

  #start(settings) {
    this.#child = fork(PERSON, [], {
      env: { ...process.env, PERSON: JSON.stringify(settings) },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return new Promise((resolve, reject) => {
      this.#child.on('exit', (code) => reject(new Error(`${this.name}'s process ended with ${code}`)));
      this.#child.on('message', (message) => {
        if (message.ready) {
          resolve();
        } else if (message.change) {
          this.heard.push(message.change);
          this.#waiting = this.#waiting.filter((look) => !look());
        } else {
          const { resolve: done, reject: fail } = this.#orders.get(message.id);
          this.#orders.delete(message.id);
          message.error ? fail(new Error(`${this.name}: ${message.error}`)) : done(message.result);
        }
      });
    });
  }

  #order(order, what) {
    const id = this.#nextOrder++;
    const answer = new Promise((resolve, reject) => this.#orders.set(id, { resolve, reject }));
    this.#child.send({ id, ...order });
    return before(`${this.name}: ${what}`, answer);
  }

  joins(topic, binding) {
    return this.#order({ do: 'join', topic, binding }, `to join ${topic}`);
  }

  /** The outcome as supabase-js tells it: {data, error, status}. */
  rpc(name, args) {
    return this.#order({ do: 'rpc', name, args }, `rpc ${name}`);
  }

  /** What rpc returned; an error fails the test. */
  async calls(name, args) {
    const { data, error } = await this.rpc(name, args);
    if (error) {
      throw new Error(`${this.name}: ${name} → ${JSON.stringify(error)}`);
    }
    return data;
  }

  /** Waits until a change like that has been heard, and returns it. */
  hears(what, matches) {
    const found = new Promise((resolve) => {
      const look = () => {
        const change = this.heard.find(({ payload }) => matches(payload));
        if (change) {
          resolve(change.payload);
        }
        return change !== undefined;
      };
      if (!look()) {
        this.#waiting.push(look);
      }
    });
    return before(() => `${this.name} to hear ${what}; heard ${JSON.stringify(this.heard)}`, found);
  }

  async leaves() {
    if (!this.#child || this.#child.exitCode !== null) {
      return;
    }
    const gone = new Promise((resolve) => this.#child.on('exit', resolve));
    this.#child.disconnect();
    await before(`${this.name} to leave`, gone);
  }
}

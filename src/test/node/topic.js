// One client on one topic: what it hears there, and ways to wait for it.
import { before } from './deadline.js';

export class Topic {
  #channel;
  #looking = new Set();

  /** All that was heard, in order: {event: 'broadcast' | 'sync' | 'join' | 'leave' | 'system' | 'row', ...}. */
  heard = [];

  /**
   * Subscribes; ends in the first status. `config` is the channel's, `binding` an optional postgres_changes.
   */
  static async join(client, name, { config = {}, binding, presence = true } = {}) {
    const topic = new Topic();
    const { status, error } = await before(`an answer to joining ${name}`, topic.#join(client, name, config, binding, presence));
    topic.status = status;
    topic.error = error;
    return topic;
  }

  #join(client, name, config, binding, presence) {
    const channel = client.channel(name, { config });
    this.#channel = channel;
    channel.on('broadcast', { event: '*' }, (message) => this.#hear('broadcast', message));
    channel.on('system', {}, (message) => this.#hear('system', message));
    if (presence) {
      for (const event of ['sync', 'join', 'leave']) {
        channel.on('presence', { event }, (change) => this.#hear(event, change ?? {}));
      }
    }
    if (binding) {
      channel.on('postgres_changes', binding, (change) => this.#hear('row', change));
    }
    return new Promise((resolve) => {
      channel.subscribe((status, error) => {
        this.#hear('status', { status });
        resolve({ status, error });
      });
    });
  }

  #hear(what, message) {
    this.heard.push({ what, ...message });
    for (const look of this.#looking) {
      look();
    }
  }

  send(event, payload) {
    return this.#channel.send({ type: 'broadcast', event, payload });
  }

  http(event, payload) {
    return this.#channel.httpSend(event, payload);
  }

  track(meta) {
    return this.#channel.track(meta);
  }

  untrack() {
    return this.#channel.untrack();
  }

  leave() {
    return this.#channel.unsubscribe();
  }

  /** Keys and their metas, without refs. */
  state() {
    return Object.fromEntries(
      Object.entries(this.#channel.presenceState()).map(([key, metas]) => [key, metas.map(({ presence_ref: _, ...meta }) => meta)]),
    );
  }

  /** Waits until something like that was heard, and returns it. */
  hears(what, matches = () => true) {
    return this.until(`${what} that fits`, () => this.heard.find((one) => one.what === what && matches(one)));
  }

  /** The broadcast of this event. */
  broadcast(event) {
    return this.hears('broadcast', (message) => message.event === event);
  }

  /** Waits until the answer is neither false nor undefined; asked again whenever something was heard. */
  until(what, answer) {
    let look;
    const found = new Promise((resolve) => {
      look = () => {
        const value = answer();
        if (value) {
          resolve(value);
        }
      };
      this.#looking.add(look);
      look();
    });
    return before(() => `${what}; heard ${JSON.stringify(this.heard)}`, found).finally(() => this.#looking.delete(look));
  }
}

// The wire between a browser and the service, which can be cut: what an offline minute looks like to a socket.
import { connect, createServer } from 'node:net';

export class Wire {
  #server;
  #sockets = new Set();
  #cut = false;

  constructor(target) {
    const { hostname, port } = new URL(target);
    this.#server = createServer((near) => {
      if (this.#cut) {
        near.destroy();
        return;
      }
      const far = connect(Number(port), hostname);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ]) {
        this.#sockets.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
      near.pipe(far);
      far.pipe(near);
    });
  }

  async lay() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  cut() {
    this.#cut = true;
    this.#sockets.forEach((socket) => socket.destroy());
  }

  mend() {
    this.#cut = false;
  }

  async end() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

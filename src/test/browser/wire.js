// The wire between a browser and the service, which can be cut: what an offline minute looks like to a socket.
import { connect, createServer } from 'node:net';

export class Wire {
  #server;
  #sockets = new Set();
  #cut = false;
  #patches = Infinity;
  #broken = 0;
  #sent = 0;

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
      near.on('data', (part) => {
        this.#sent += part.length;
        if (part.toString('latin1', 0, 6) === 'PATCH ' && --this.#patches < 0) {
          this.#broken++;
          near.destroy();
        }
      });
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

  /** From now on so many parts of uploads pass; with the next one the connection breaks, each time. */
  letUploadsPass(parts) {
    this.#patches = parts;
    this.#broken = 0;
    this.#sent = 0;
  }

  /** How many parts did not pass since then. */
  get broken() {
    return this.#broken;
  }

  /** Bytes that the browser sent since then. */
  get sent() {
    return this.#sent;
  }

  mend() {
    this.#cut = false;
  }

  async end() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

// Prometheus itself (Debian: prometheus), scraping a service with the settings and the alerts of scripts/monitoring.
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { before, until } from './deadline.js';
import { freePort } from './service.js';

const MONITORING = fileURLToPath(new URL('../../../scripts/monitoring/', import.meta.url));

export class Prometheus {
  #folder = mkdtempSync(join(tmpdir(), 'gptdesk-chat-prometheus-'));
  #process;
  #url;

  /** Whether it is here. If not, that is said aloud; CHAT_REQUIRE=prometheus makes it a failure. */
  static isHere() {
    const here = (process.env.PATH ?? '').split(delimiter).some((folder) => {
      try {
        accessSync(join(folder, 'prometheus'), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
    if (!here) {
      if ((process.env.CHAT_REQUIRE ?? '').split(',').includes('prometheus')) {
        throw new Error('prometheus is required (CHAT_REQUIRE) and was not found');
      }
      console.log('*** SKIPPED prometheus: it was not found; install it (Debian: prometheus) to try the dashboard');
    }
    return here;
  }

  /** Starts it, to scrape that service so often; there when it answers. */
  async start(url, token, interval) {
    const settings = readFileSync(join(MONITORING, 'prometheus.yml'), 'utf8')
      .replaceAll(/(_interval:) .*/g, `$1 ${interval}`)
      .replace(/(credentials_file:) .*/, `$1 ${join(this.#folder, 'token')}`)
      .replace(/(targets:) .*/, `$1 ['${new URL(url).host}']`)
      .replace('- alerts.yml', `- ${join(MONITORING, 'alerts.yml')}`);
    writeFileSync(join(this.#folder, 'token'), token);
    writeFileSync(join(this.#folder, 'prometheus.yml'), settings);
    const address = `127.0.0.1:${await freePort()}`;
    this.#url = `http://${address}`;
    this.#process = spawn(
      'prometheus',
      [
        `--config.file=${join(this.#folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(this.#folder, 'data')}`,
        `--web.listen-address=${address}`,
        '--log.level=error',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const died = new Promise((_, reject) => {
      this.#process.once('exit', (code, signal) => reject(new Error(`Prometheus ended with ${code ?? signal}`)));
      this.#process.once('error', reject);
    });
    died.catch(() => {}); // later it is told to end
    await Promise.race([until('Prometheus to be ready', async () => (await fetch(`${this.#url}/-/ready`)).ok), died]);
  }

  /** The series of now: [{metric, value}]. */
  async query(expression) {
    return (await this.#ask('query', { query: expression })).result;
  }

  /** The series between two times in seconds: [{metric, values}]. */
  async queryRange(expression, start, end, step) {
    return (await this.#ask('query_range', { query: expression, start, end, step })).result;
  }

  /** The names of all metrics that it has seen. */
  names() {
    return this.#ask('label/__name__/values', {});
  }

  async #ask(path, parameters) {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = await response.json();
    if (status !== 'success') {
      throw new Error(`${parameters.query ?? path}: ${error}`);
    }
    return data;
  }

  async end() {
    if (this.#process?.exitCode === null && this.#process.signalCode === null) {
      const gone = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGTERM');
      await before('Prometheus to end', gone);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

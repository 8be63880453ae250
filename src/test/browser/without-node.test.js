// A build on a machine without Node: scripts/web says so and lets the build go on, unless Node is required; the service made of it
// runs, and says that the page is missing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Service } from '../node/service.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const script = join(root, 'scripts/web');
const PAGE = 'gptdesk-chat-page.jar';

for (const [required, status] of [
  ['', 0],
  ['docker,node', 1],
]) {
  test(`without Node, and CHAT_REQUIRE=${required}, the build of the page ends with ${status} and says why`, () => {
    const path = mkdtempSync(join(tmpdir(), 'without-node-'));
    try {
      symlinkSync('/usr/bin/dirname', join(path, 'dirname'));
      const web = spawnSync('/bin/bash', [script, 'build'], { encoding: 'utf8', env: { PATH: path, CHAT_REQUIRE: required } });
      assert.equal(web.status, status, web.stderr);
      assert.match(web.stderr, /WARNING: Node .* was not found, so the Messages page is not built/);
    } finally {
      rmSync(path, { recursive: true });
    }
  });
}

test('without the page the service runs, says at / that the page is missing and how to get on without it', async () => {
  const home = mkdtempSync(join(tmpdir(), 'without-page-'));
  let service;
  try {
    // What was built, but for the jar of the page.
    mkdirSync(join(home, 'target/lib'), { recursive: true });
    const parts = readdirSync(join(root, 'target/lib')).filter((name) => name !== PAGE);
    assert.ok(parts.length < readdirSync(join(root, 'target/lib')).length, `${PAGE} is in target/lib`);
    for (const part of ['scripts', 'src', 'target/gptdesk-chat.jar', ...parts.map((name) => `target/lib/${name}`)]) {
      symlinkSync(join(root, part), join(home, part));
    }
    service = new Service({ java: join(home, 'scripts/java') });
    await service.start();
    const answer = await fetch(service.url);
    const html = await answer.text();
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type'), /^text\/html/);
    assert.match(html, /the Messages page is not in this build, since no Node 20/);
    assert.match(html, /\/rest\/v1\/rpc/);
    assert.equal((await fetch(`${service.url}/messages`)).status, 404);
    const { limits } = await (await fetch(`${service.url}/page.json`)).json(); // for applications with parts of the page
    assert.equal(limits.max_message_length, 1000);
    assert.equal((await (await fetch(`${service.url}/demo/users`)).json()).users.length > 0, true, 'the control: the service works');
  } finally {
    await service?.end();
    rmSync(home, { recursive: true });
  }
});

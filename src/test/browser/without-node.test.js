// A build on a machine without Node: scripts/web says so and lets the build go on, unless Node is required.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../scripts/web', import.meta.url));

for (const [required, status] of [['', 0], ['docker,node', 1]]) {
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

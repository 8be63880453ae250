// The lists of what is shipped (CycloneDX): of the service, made by scripts/maven verify, and of the Messages page in it, made with it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const TARGET = new URL('../../../target/', import.meta.url);
const read = (url) => JSON.parse(readFileSync(url, 'utf8'));

test('the service: each jar that it ships, and no other', () => {
  const list = new URL('gptdesk-chat-cyclonedx.json', TARGET);
  assert.ok(existsSync(list), 'scripts/maven verify makes it');
  const { bomFormat, metadata, components } = read(list);
  assert.equal(bomFormat, 'CycloneDX');
  assert.equal(metadata.component.name, 'gptdesk-chat');
  const listed = components.map(({ name, version, purl }) => {
    assert.match(purl, /^pkg:maven\//);
    const classifier = /[?&]classifier=([^&]+)/.exec(purl)?.[1];
    return `${[name, version, classifier].filter(Boolean).join('-')}.jar`;
  });
  const shipped = readdirSync(new URL('lib/', TARGET)).filter((name) => name !== 'gptdesk-chat-page.jar');
  assert.ok(
    shipped.some((name) => name.startsWith('vertx-core-')),
    'the control: Vert.x is shipped',
  );
  // pgjdbc's annotations: the service needs none of them, who uses the library gets them with pgjdbc.
  assert.deepEqual(listed.filter((name) => !name.startsWith('checker-qual-')).sort(), shipped.sort());
});

test('the page: the libraries that it is made of, and none that only build it', () => {
  const list = new URL('gptdesk-chat-page-cyclonedx.json', TARGET);
  assert.ok(existsSync(list), 'npm 10 or newer makes it, with the page');
  const { bomFormat, components } = read(list);
  assert.equal(bomFormat, 'CycloneDX');
  const listed = new Set(components.map(({ name, version }) => `${name} ${version}`));
  const { dependencies, devDependencies } = read(new URL('../../main/web/package.json', import.meta.url));
  for (const [name, version] of Object.entries(dependencies)) {
    assert.ok(listed.has(`${name} ${version}`), name);
  }
  for (const name of Object.keys(devDependencies)) {
    assert.ok(!components.some((component) => component.name === name), name);
  }
});

// What npm would publish: complete, resolvable in every way that ESM is resolved, and without anything of our own build.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { packageFolder, ROOT } from './package.js';

const SPECIFIED = [
  'ConversationItem',
  'ConversationsList',
  'EmptyState',
  'MessageBubble',
  'MessageInput',
  'MessagesPage',
  'NewChatDialog',
  'TypingIndicator',
  'UserChatAPI',
  'UserChatInterface',
  'useRealtimeChat',
];
const place = mkdtempSync(join(tmpdir(), 'gptdesk-chat-package-'));
let folder;
let files;
let tarball;
let manifest;

const read = (name) => readFileSync(join(folder, name), 'utf8');

before(() => {
  folder = packageFolder();
  manifest = JSON.parse(read('package.json'));
  const packed = execFileSync('npm', ['pack', folder, '--json', '--pack-destination', place], { encoding: 'utf8' });
  const [{ filename, files: list }] = Object.values(JSON.parse(packed));
  files = list.map(({ path }) => path);
  tarball = readFileSync(join(place, filename));
});
after(() => rmSync(place, { recursive: true }));

test('it has the version of the project, and React and supabase-js are those of the application', () => {
  const [, version] = /<version>(.*?)<\/version>/.exec(readFileSync(join(ROOT, 'pom.xml'), 'utf8'));
  assert.equal(manifest.version, version);
  assert.deepEqual(Object.keys(manifest.peerDependencies).sort(), ['@supabase/supabase-js', 'react', 'react-dom']);
  assert.deepEqual(
    Object.keys(manifest.dependencies).filter((name) => name in manifest.peerDependencies),
    [],
  );
});

test('the example installs what the package needs', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'examples/nextjs/package-lock.json'), 'utf8'));
  assert.deepEqual(
    packages['node_modules/@gptdesk/chat-react'].dependencies,
    manifest.dependencies,
    'in examples/nextjs: npm install ../../target/chat-react --package-lock-only',
  );
});

test('what it exports is in it, and nothing that does not belong there', () => {
  const exported = Object.values(manifest.exports).flatMap((target) => (typeof target === 'string' ? target : Object.values(target)));
  assert.deepEqual(
    exported.filter((target) => !files.includes(target.slice('./'.length))),
    [],
  );
  assert.deepEqual(
    files.filter((name) => !/^(?:dist\/.+\.(?:js|d\.ts)|dist\/styles\.css|package\.json|README\.md|LICENSE)$/.test(name)),
    [],
  );
});

test('it names all parts of the specification, and the types of the database', () => {
  const code = read('dist/package.js');
  assert.deepEqual(
    SPECIFIED.filter((name) => !new RegExp(`export \\{[^}]*\\b${name}\\b`).test(code)),
    [],
  );
  assert.match(read('dist/package.d.ts'), /export type \{ Database, Json \}/);
  assert.match(read('dist/database.d.ts'), /send_message: \{ Args: /);
});

test('texts of an application are in place of ours, and the others stay', async () => {
  const { ENGLISH } = await import(pathToFileURL(join(folder, 'dist/texts/index.js')));
  const { t, told } = ENGLISH.with({ choose: 'Whom?', filters: { all: 'Everyone' }, refusals: { own_reason: ['Not today.', null] } });
  assert.deepEqual([t.choose, t.filters.all], ['Whom?', 'Everyone']);
  assert.deepEqual([t.messages, t.filters.unread], [ENGLISH.t.messages, ENGLISH.t.filters.unread]);
  assert.equal(told({ message: '', hint: null, code: '', reason: 'own_reason', status: 403 }), 'Not today.');
});

test('no bundler of ours is asked for, and the parts run in the browser', () => {
  for (const name of files.filter((one) => /\.(?:js|d\.ts)$/.test(one))) {
    assert.doesNotMatch(read(name), /import\.meta|process\.env|['"]@\//, name);
  }
  assert.match(read('dist/package.js'), /^"use client";/);
});

test('publint and arethetypeswrong have nothing to say', async () => {
  const { messages, pkg } = await publint({ pkgDir: folder, strict: true });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg, { color: false })),
    [],
  );

  const { types, problems } = await checkPackage(createPackageFromTarballData(tarball), { excludeEntrypoints: ['./styles.css'] });
  assert.ok(types, 'it has types');
  const byRequire = ['node10', 'node16-cjs']; // it is ESM alone
  assert.deepEqual(
    problems.filter(({ resolutionKind }) => !byRequire.includes(resolutionKind)),
    [],
  );
});

// What the build generates of the database for tools: the OpenAPI document, held against real answers, and the types, held
// against a compiler.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createECDH, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import './quiet.js';
import { Validator } from '@seriousme/openapi-schema-validator';
import { createClient } from '@supabase/supabase-js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { byFirstName, demo, signedInWith, tokenOf } from './people.js';
import { Service } from './service.js';

const TSC = fileURLToPath(new URL('../../main/web/node_modules/typescript/bin/tsc', import.meta.url));
const READS = /^\/rpc\/(?:get_(?!or_create)|search_)/;
const PUSH = 'push.invalid';
const folder = mkdtempSync(join(tmpdir(), 'gptdesk-chat-contract-'));
const pushKey = join(folder, 'push.key');
const service = new Service({
  settings: { CHAT_PUSH_KEY_FILE: pushKey, CHAT_PUSH_SUBJECT: 'mailto:ops@example.org', CHAT_PUSH_HOSTS: PUSH },
});
const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
let alice;
let people;
let document;

before(async () => {
  service.command('push-keys', pushKey);
  await service.start();
  const { anonKey, users } = await demo(service.url);
  people = byFirstName(users);
  const token = await tokenOf(service.url, people.alice);
  alice = createClient(service.url, anonKey, signedInWith(token));
  // It names what the one who asks may call.
  const headers = { Accept: 'application/openapi+json', apikey: anonKey, Authorization: `Bearer ${token}` };
  const answer = await fetch(`${service.url}/rest/v1/`, { headers });
  assert.equal(answer.headers.get('content-type'), 'application/openapi+json; charset=utf-8');
  document = await answer.json();
  ajv.addSchema(document, 'chat');
});
after(async () => {
  await service.end();
  rmSync(folder, { recursive: true });
});

test('the document is OpenAPI 3.1, and names every function', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors, null, 2));
  assert.match(document.openapi, /^3\.1\./);
  const functions = Object.entries(document.paths).filter(([name]) => name.startsWith('/rpc/'));
  assert.ok(functions.length > 20, `${functions.length} functions`);
  for (const [path, { get, post }] of functions) {
    assert.ok(post.description, `${path} says what it does`);
    assert.equal(get !== undefined, READS.test(path), `${path} may be asked by GET`);
  }
});

test('each function takes the arguments and gives the answers that the document tells', async () => {
  const left = new Set(Object.keys(document.paths).filter((path) => path.startsWith('/rpc/')));
  const { alice: me, bob, carol } = people;
  /** Arguments and answer fit, and they are those of a call that was taken. */
  const calls = async (name, args = {}) => {
    left.delete(`/rpc/${name}`);
    fits(`#/paths/~1rpc~1${name}/post/requestBody/content/application~1json/schema`, args, `arguments of ${name}`);
    const { data, error, status } = await alice.rpc(name, args);
    assert.equal(error, null, `${name}: ${JSON.stringify(error)}`);
    if (document.paths[`/rpc/${name}`].post.responses[204]) {
      assert.equal(status, 204, name);
    } else {
      fits(`#/paths/~1rpc~1${name}/post/responses/200/content/application~1json/schema`, data, `answer of ${name}`);
    }
    return data;
  };

  const conversation_id = await calls('get_or_create_conversation', { user1_id: me.id, user2_id: bob.id });
  const { id } = await calls('send_message', { conversation_id, content: 'one', metadata: { a: [1] } });
  await calls('send_message', {
    conversation_id,
    content: 'menu',
    message_type: 'file',
    file_url: 'https://example.org/menu.pdf',
    file_name: 'menu.pdf',
    file_size: 12,
  });
  await calls('add_reaction', { message_id: id, reaction: '👍' });
  await calls('edit_message', { message_id: id, content: 'one more' });
  const empty = await calls('get_or_create_conversation', { user1_id: me.id, user2_id: carol.id });
  assert.ok((await calls('get_messages', { conversation_id })).length >= 2);
  assert.ok((await calls('get_changes', { conversation_id, after_revision: 0 })).length >= 2);
  const conversations = await calls('get_conversations');
  assert.equal(conversations.find((one) => one.id === empty).last_message, null);
  assert.equal((await calls('search_messages', { query: 'one more', conversation_id })).length, 1);
  assert.ok((await calls('search_users', { query: '' })).length > 0);
  await calls('get_unread_total');
  await calls('mark_as_delivered', { conversation_ids: [conversation_id], up_to_seqs: [1] });
  await calls('mark_as_read', { message_ids: [id] });
  await calls('mark_conversation_as_read', { conversation_id });
  await calls('mark_as_unread', { conversation_id });
  await calls('set_muted', { conversation_id, until: 'infinity' });
  await calls('set_archived', { conversation_id, archived: true });
  await calls('set_archived', { conversation_id, archived: false });
  await calls('update_presence', { status: 'busy', current_page: '/messages' });
  await calls('update_typing_status', { typing_to: bob.id });
  await calls('update_typing_status', { typing_to: null });
  await calls('remove_reaction', { message_id: id, reaction: '👍' });
  await calls('delete_message', { message_id: id });
  await calls('get_messages', { conversation_id });
  await calls('block_user', { user_id: carol.id });
  assert.equal((await calls('get_blocked_users')).length, 1);
  await calls('get_conversations', { conversation_id: empty });
  await calls('unblock_user', { user_id: carol.id });
  const endpoint = `https://${PUSH}/alice`;
  const browser = createECDH('prime256v1');
  browser.generateKeys();
  const keys = { p256dh: browser.getPublicKey('base64url'), auth: randomBytes(16).toString('base64url') };
  await calls('add_push_subscription', { endpoint, ...keys });
  assert.equal((await calls('get_push_subscriptions'))[0].endpoint, endpoint);
  assert.equal(await calls('remove_push_subscription', { endpoint }), true);
  assert.deepEqual([...left], [], 'every function was called');

  const { error, status } = await alice.rpc('send_message', { conversation_id, content: ' ' });
  assert.equal(status, 400);
  fits('#/components/schemas/Problem', { ...error }, 'a refusal');
});

test('the types are those of the database: right calls compile, wrong ones do not', async () => {
  const project = fileURLToPath(new URL('types/tsconfig.json', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [TSC, '-p', project]).catch((failed) => failed);
  assert.equal(stdout, '');
});

function fits(pointer, value, what) {
  const check = ajv.getSchema(`chat${pointer}`);
  assert.ok(check, pointer);
  assert.ok(check(value), `${what}: ${JSON.stringify(check.errors)} in ${JSON.stringify(value)}`);
}

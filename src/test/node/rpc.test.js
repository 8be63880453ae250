// What supabase-js makes of our answers: every shape, and every kind of no.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import './quiet.js';
import { createClient } from '@supabase/supabase-js';
import { byFirstName, demo, signedInClients, signedInWith, tokenOf } from './people.js';
import { Service } from './service.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const service = new Service();
let cast;
let clients; // of Alice, by version
let anon;
let conversation;

before(async () => {
  await service.start();
  const { anonKey, users } = await demo(service.url);
  cast = byFirstName(users);
  clients = signedInClients(service.url, anonKey, await tokenOf(service.url, cast.alice));
  anon = createClient(service.url, anonKey, { realtime: signedInWith('').realtime });
  conversation = (await open(clients['2.109.0'])).data;
  for (const content of ['one', 'two']) {
    const { error } = await clients['2.109.0'].rpc('send_message', { conversation_id: conversation, content });
    assert.equal(error, null);
  }
});
after(() => service.end());

function open(client) {
  return client.rpc('get_or_create_conversation', { user1_id: cast.alice.id, user2_id: cast.carol.id });
}

/** The same promise to both versions. */
function promised(what, check) {
  for (const version of ['2.109.0', '2.119.1']) {
    test(`${what} (${version})`, () => check(clients[version]));
  }
}

promised('a scalar is a bare value', async (client) => {
  const { data, error, status } = await open(client);
  assert.equal(error, null);
  assert.equal(status, 200);
  assert.match(data, UUID);
});

promised('a row is an object', async (client) => {
  const { data, status } = await client.rpc('send_message', { conversation_id: conversation, content: 'three, é 😀' });
  assert.equal(status, 200);
  assert.equal(data.content, 'three, é 😀');
  assert.equal(data.sender.full_name, cast.alice.full_name);
});

promised('rows are an array', async (client) => {
  const { data, status } = await client.rpc('get_messages', { conversation_id: conversation, page_size: 2, before_seq: 3 });
  assert.equal(status, 200);
  assert.deepEqual(
    data.map(({ content }) => content),
    ['one', 'two'],
  );
});

promised('undefined is a default, null is null', async (client) => {
  const { data, error } = await client.rpc('get_messages', {
    conversation_id: conversation,
    before_seq: 2,
    after_seq: null,
    page_size: undefined,
  });
  assert.equal(error, null);
  assert.equal(data.length, 1);
});

promised('nothing is null with 204', async (client) => {
  const { data, error, status } = await client.rpc('set_muted', { conversation_id: conversation, until: null });
  assert.equal(error, null);
  assert.equal(status, 204);
  assert.equal(data, null);
});

promised('single() is the row, when there is one', async (client) => {
  const one = await client.rpc('get_messages', { conversation_id: conversation, before_seq: 2 }).single();
  assert.equal(one.error, null);
  assert.equal(one.data.content, 'one');

  const none = await client.rpc('get_messages', { conversation_id: conversation, before_seq: 1 }).single();
  assert.equal(none.status, 406);
  assert.deepEqual(none.error && { ...none.error }, {
    code: 'PGRST116',
    details: 'The result contains 0 rows',
    hint: null,
    message: 'Cannot coerce the result to a single JSON object',
  });

  const many = await client.rpc('get_messages', { conversation_id: conversation, before_seq: 3 }).single();
  assert.equal(many.error.details, 'The result contains 2 rows');
});

promised('maybeSingle() is null, when there is none', async (client) => {
  const none = await client.rpc('get_messages', { conversation_id: conversation, before_seq: 1 }).maybeSingle();
  assert.equal(none.error, null);
  assert.equal(none.data, null);
});

promised('what only reads may be asked by GET and HEAD', async (client) => {
  const { data, status } = await client.rpc('get_messages', { conversation_id: conversation, before_seq: 3 }, { get: true });
  assert.equal(status, 200);
  assert.deepEqual(
    data.map(({ content }) => content),
    ['one', 'two'],
  );

  const head = await client.rpc('get_messages', { conversation_id: conversation, before_seq: 3 }, { head: true, count: 'exact' });
  assert.equal(head.error, null);
  assert.equal(head.count, 2);
});

promised('what writes may not be asked by GET', async (client) => {
  const { error, status } = await client.rpc('update_presence', { status: 'online' }, { get: true });
  assert.equal(status, 405);
  assert.equal(error.code, '25006');
});

promised('a function refuses with code, message and hint', async (client) => {
  const { error, status, data } = await client.rpc('get_or_create_conversation', {
    user1_id: cast.alice.id,
    user2_id: cast.mallory.id,
  });
  assert.equal(data, null);
  assert.ok(status === 403 || status === 404, `${status} ${JSON.stringify(error)}`);
  assert.equal(error.code, `PT${status}`);
  assert.ok(error.message.length > 0 && error.hint.length > 0);
  assert.ok('details' in error);
});

promised('a value that does not fit is 400', async (client) => {
  const { error, status } = await client.rpc('get_messages', { conversation_id: 'not a uuid' });
  assert.equal(status, 400);
  assert.equal(error.code, '22P02');
});

promised('an unknown function or argument is 404, with the names that exist', async (client) => {
  const unknown = await client.rpc('send_mesage', { content: 'x' });
  assert.equal(unknown.status, 404);
  assert.equal(unknown.error.code, 'PGRST202');
  assert.match(unknown.error.hint, /public\.send_message\(conversation_id, content, /);

  const misnamed = await client.rpc('send_message', { conversation: conversation, content: 'x' });
  assert.equal(misnamed.error.code, 'PGRST202');
  assert.match(misnamed.error.hint, /conversation_id/);
});

promised('a HEAD of what is not there is no success', async (client) => {
  for (const asked of [
    client.rpc('no_such_function', {}, { head: true }),
    client.from('no_such_table').select('*', { head: true, count: 'exact' }),
  ]) {
    const { error, status, count } = await asked;
    assert.equal(status, 400);
    assert.notEqual(error, null);
    assert.equal(count, null);
  }
});

promised('what follows rpc() chooses rows and columns', async (client) => {
  const page = () => client.rpc('get_messages', { conversation_id: conversation, before_seq: 3 });
  const contents = async (request) => {
    const { data, error } = await request;
    assert.equal(error, null);
    return data.map(({ content }) => content);
  };
  assert.deepEqual(await contents(page().limit(1)), ['one']);
  assert.deepEqual(await contents(page().order('seq', { ascending: false })), ['two', 'one']);
  assert.deepEqual(await contents(page().range(1, 1)), ['two']);
  assert.deepEqual(await contents(page().eq('content', 'two')), ['two']);
  assert.deepEqual(await contents(page().in('seq', [1, 5])), ['one']);
  assert.deepEqual(await contents(page().not('content', 'ilike', 'O%')), ['two']);
  assert.deepEqual(await contents(page().or('seq.eq.2,content.like.x*')), ['two']);
  assert.deepEqual(await contents(page().filter('content', 'match', '^t')), ['two']);
  assert.deepEqual(await contents(page().filter('content', 'imatch', '^T')), ['two']);
  assert.deepEqual(await contents(page().filter('content', 'isdistinct', 'one')), ['two']);
  assert.deepEqual(await contents(page().is('file_url', null).contains('metadata', {})), ['one', 'two']);
  const { data, count, status } = await client
    .rpc('get_messages', { conversation_id: conversation, before_seq: 3 }, { count: 'exact' })
    .select('seq,content')
    .limit(1);
  assert.deepEqual([status, count, data], [206, 2, [{ seq: 1, content: 'one' }]]);
  const single = await page().eq('seq', 2).select('content').single();
  assert.deepEqual(single.data, { content: 'two' });
  const { error } = await page().eq('no_column', 1);
  assert.equal(error.code, '42703');
});

promised('another schema is 406, an unknown table is 404 and never a success', async (client) => {
  const hidden = await client.schema('chat').rpc('expire_presence');
  assert.equal(hidden.status, 406);
  assert.equal(hidden.error.code, 'PGRST106');

  const table = await client.from('no_such_table').select('*');
  assert.equal(table.status, 404);
  assert.equal(table.error.code, 'PGRST205');
  // A HEAD has no body; the client would take a 404 without one for success.
  const head = await client.from('no_such_table').select('*', { head: true });
  assert.notEqual(head.error, null);
  assert.equal(head.status, 400);
  assert.equal((await client.from('user_messages').select('id', { head: true })).error, null);
});

test('nobody in particular may call nothing', async () => {
  const { error, status } = await anon.rpc('get_conversations');
  assert.equal(status, 401);
  assert.equal(error.code, '42501');

  const { error: refused } = await anon.rpc('send_message', { conversation_id: conversation, content: 'x' });
  assert.equal(refused.code, '42501');
});

test('a forged token is 401', async () => {
  const [head, claims] = (await tokenOf(service.url, cast.alice)).split('.');
  const forger = createClient(service.url, 'sb_publishable_x', signedInWith(`${head}.${claims}.AAAA`));
  const { error, status } = await forger.rpc('get_conversations');
  assert.equal(status, 401);
  assert.equal(error.code, 'PGRST301');

  const nobody = createClient(service.url, 'sb_publishable_x', signedInWith('sb_publishable_x'));
  assert.equal((await nobody.rpc('get_conversations')).error.code, '42501');
});

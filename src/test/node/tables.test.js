// What supabase-js makes of tables: pages, counts, single rows, writes, and every kind of no.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import './quiet.js';
import { byFirstName, demo, signedInClients, tokenOf } from './people.js';
import { Service } from './service.js';

const TEXTS = ['one', 'two', 'Three, 3', 'vier'];
const service = new Service();
let cast;
let clients; // of Alice, by version
let conversation;

before(async () => {
  await service.start();
  const { anonKey, users } = await demo(service.url);
  cast = byFirstName(users);
  clients = signedInClients(service.url, anonKey, await tokenOf(service.url, cast.alice));
  const rpc = async (name, args) => data(await clients['2.109.0'].rpc(name, args));
  conversation = await rpc('get_or_create_conversation', { user1_id: cast.alice.id, user2_id: cast.carol.id });
  for (const content of TEXTS) {
    await rpc('send_message', { conversation_id: conversation, content });
  }
});
after(() => service.end());

/** The same promise to both versions. */
function promised(what, check) {
  for (const version of ['2.109.0', '2.119.1']) {
    test(`${what} (${version})`, () => check(clients[version]));
  }
}

function data({ data, error }) {
  assert.equal(error, null, JSON.stringify(error));
  return data;
}

function refused({ data, error, status }, expected) {
  assert.equal(data, null);
  assert.deepEqual([status, error.code], expected, JSON.stringify(error));
  return error;
}

/** Those of before, whatever other tests have sent. */
const messages = (client, columns, options) =>
  client.from('user_messages').select(columns, options).eq('conversation_id', conversation).lte('seq', TEXTS.length);

promised('a page, how many there are, and who sent each', async (client) => {
  const page = await messages(client, 'content, sender:users!sender_id(full_name)', { count: 'exact' }).order('seq').range(1, 2);
  assert.deepEqual([page.status, page.count], [206, 4]);
  assert.deepEqual(
    data(page).map(({ content, sender }) => [content, sender.full_name]),
    [
      ['two', cast.alice.full_name],
      ['Three, 3', cast.alice.full_name],
    ],
  );
  const whole = await messages(client, 'content', { count: 'estimated' }).order('seq');
  assert.deepEqual([whole.status, whole.count, data(whole).length], [200, 4, 4]);
  refused(await messages(client, 'content', { count: 'exact' }).range(9, 10), [416, 'PGRST103']);
});

promised('how many alone', async (client) => {
  const head = await messages(client, '*', { count: 'exact', head: true });
  assert.deepEqual([head.status, head.data, head.count, head.error], [200, null, 4, null]);
});

promised('one row, at most one, and exactly one', async (client) => {
  assert.equal(data(await messages(client, 'content').eq('seq', 2).single()).content, 'two');
  refused(await messages(client, 'content').single(), [406, 'PGRST116']);
  refused(await messages(client, 'content').eq('seq', -1).single(), [406, 'PGRST116']);
  assert.equal(data(await messages(client, 'content').eq('seq', -1).maybeSingle()), null);
});

promised('filters', async (client) => {
  const found = async (filter) => data(await filter(messages(client, 'seq')).order('seq')).map(({ seq }) => seq);
  for (const [filter, expected] of [
    [(query) => query.in('content', ['one', 'Three, 3']), [1, 3]],
    [(query) => query.ilike('content', 'three%'), [3]],
    [(query) => query.like('content', 'three%'), []],
    [(query) => query.neq('seq', 2).gt('seq', 1), [3, 4]],
    [(query) => query.not('content', 'in', '(one,two)'), [3, 4]],
    [(query) => query.or('seq.eq.1,and(seq.gt.2,content.eq.vier)'), [1, 4]],
    [(query) => query.is('file_url', null).is('is_deleted', false), [1, 2, 3, 4]],
    [(query) => query.match({ seq: 2, content: 'two' }), [2]],
    [(query) => query.contains('metadata', {}), [1, 2, 3, 4]],
    [(query) => query.likeAnyOf('content', ['o%', 'v%']), [1, 4]],
    [(query) => query.filter('content', 'match', '^(two|vier)$'), [2, 4]],
  ]) {
    assert.deepEqual(await found(filter), expected, String(filter));
  }
});

promised('comma-separated values', async (client) => {
  assert.equal(data(await messages(client, 'seq, content').order('seq').csv()), 'seq,content\n1,one\n2,two\n3,"Three, 3"\n4,vier');
});

promised('a list ordered by another column, with what is embedded two levels deep', async (client) => {
  const [first] = data(
    await client
      .from('user_conversations')
      .select('id, last_message:user_messages!last_message_id(content, sender:users!sender_id(id))')
      .eq('id', conversation)
      .order('last_message_at', { ascending: false, nullsFirst: false })
      .limit(1),
  );
  assert.equal(first.last_message.sender.id, cast.alice.id);
});

promised('a message is inserted, with or without its row', async (client) => {
  const row = { conversation_id: conversation, sender_id: cast.alice.id, content: 'by insert' };
  const quiet = await client.from('user_messages').insert(row);
  assert.deepEqual([quiet.status, quiet.data, quiet.error], [201, null, null]);
  const shown = await client.from('user_messages').insert(row).select('content, sender:users!sender_id(full_name)').single();
  assert.equal(shown.status, 201);
  assert.deepEqual(data(shown), { content: 'by insert', sender: { full_name: cast.alice.full_name } });
  refused(await client.from('user_messages').insert({ ...row, sender_id: cast.carol.id }), [403, 'PT403']);
});

promised('one’s own presence is upserted', async (client) => {
  const row = data(
    await client.from('user_presence').upsert({ user_id: cast.alice.id, status: 'busy' }).select('user_id, status').single(),
  );
  assert.deepEqual(row, { user_id: cast.alice.id, status: 'busy' });
  assert.equal((await client.from('user_presence').upsert({ user_id: cast.carol.id, status: 'busy' })).error.code, '42501');
});

promised('what functions do is refused, with the name of the function', async (client) => {
  const [{ id }] = data(await messages(client, 'id').limit(1));
  for (const [query, name] of [
    [client.from('user_messages').update({ content: 'x' }).eq('id', id), 'edit_message'],
    [client.from('user_messages').delete().eq('id', id), 'delete_message'],
    [client.from('user_conversations').update({ is_archived: true }).eq('id', conversation), 'set_archived'],
    [client.from('message_reactions').insert({ message_id: id, user_id: cast.alice.id, reaction: '👍' }), 'add_reaction'],
    [client.from('user_blocks').insert({ blocker_id: cast.alice.id, blocked_id: cast.carol.id }), 'block_user'],
  ]) {
    const error = refused(await query, [403, '42501']);
    assert.match(error.hint, new RegExp(`\\b${name}\\b`));
  }
});

promised('what is not there or not offered is said', async (client) => {
  refused(await messages(client, 'nothing'), [400, '42703']);
  refused(await messages(client, 'id, nobody(*)'), [400, 'PGRST200']);
  refused(await messages(client, 'id').eq('id', 'no uuid'), [400, '22P02']);
  refused(await messages(client, 'seq.sum()'), [400, 'PGRST123']);
  refused(await messages(client, 'id').explain(), [406, 'PGRST107']);
  refused(await client.from('user_message').select(), [404, 'PGRST205']);
  refused(await client.schema('chat').from('settings').select(), [406, 'PGRST106']);
  refused(await client.from('user_presence').update({ status: 'busy' }), [400, '21000']);
  await assert.rejects(async () => await messages(client, 'nothing').throwOnError(), /nothing/);
});

promised('a call can be given up', async (client) => {
  const stop = new AbortController();
  stop.abort();
  const { error } = await messages(client, 'id').abortSignal(stop.signal);
  assert.match(`${error.message} ${error.details ?? ''}`, /abort/i);
});

promised('a row that was never there is none', async (client) => {
  assert.deepEqual(data(await client.from('user_messages').select('id').eq('id', randomUUID())), []);
});

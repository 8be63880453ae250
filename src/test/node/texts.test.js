// What people write, through every door: what cannot be stored or seen, what stays as it is, and reactions in their one form.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import './quiet.js';
import { before as deadline, until } from './deadline.js';
import { byFirstName, demo, signIn, signOut, tokenOf } from './people.js';
import { Service } from './service.js';

const service = new Service();
const clients = {};
const tokens = {};
let cast;
let conversation;

before(async () => {
  await service.start();
  const { anonKey, users } = await demo(service.url);
  cast = byFirstName(users);
  for (const name of ['alice', 'bob']) {
    tokens[name] = await tokenOf(service.url, cast[name]);
    clients[name] = await signIn(service.url, anonKey, tokens[name]);
  }
  const people = { user1_id: cast.alice.id, user2_id: cast.bob.id };
  conversation = (await clients.alice.rpc('get_or_create_conversation', people)).data;
});
after(async () => {
  for (const client of Object.values(clients)) {
    await signOut(client);
  }
  await service.end();
});

const send = (content) => clients.alice.rpc('send_message', { conversation_id: conversation, content });

async function newest() {
  const { data } = await clients.bob.rpc('get_messages', { conversation_id: conversation, page_size: 1 });
  return data[0];
}

/** A call as it is on the wire, so that what JSON.stringify would escape is bare. */
async function wire(path, body) {
  const response = await fetch(`${service.url}/rest/v1/rpc/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${tokens.alice}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    body,
  });
  return { status: response.status, json: JSON.parse(await response.text()) };
}

const REPLACED = {
  'NUL is left out': ['before\u0000after', 'beforeafter'],
  'half a pair at the end': ['cut \ud83d', 'cut \ufffd'],
  'half a pair at the start': ['\ude00 end', '\ufffd end'],
  'two halves that are no pair': ['\ude00\ud83d', '\ufffd\ufffd'],
  'NUL between halves makes no emoji': ['\ud83d\u0000\ude00', '\ufffd\ufffd'],
  'in the middle of an emoji family': ['👨\u200d\ud83d', '👨\u200d\ufffd'],
};
for (const [kind, [text, expected]] of Object.entries(REPLACED)) {
  test(`what cannot be stored: ${kind}`, async () => {
    const { data, error } = await send(text);
    assert.equal(error, null);
    assert.equal(data.content, expected);
    assert.equal((await newest()).content, expected);
    const edited = await clients.alice.rpc('edit_message', { message_id: data.id, content: `${text}!` });
    assert.equal(edited.data.content, `${expected}!`);
  });
}

test('what cannot be stored: in metadata, in names of arguments, bare in the body, in a query', async () => {
  const { data } = await clients.alice.rpc('send_message', {
    conversation_id: conversation,
    content: 'hi',
    metadata: { 'a\u0000': ['b\u0000', { c: '\ud83d' }] },
  });
  assert.deepEqual(data.metadata, { a: ['b', { c: '\ufffd' }] });
  const bare = await wire('send_message', `{"conversation_id":"${conversation}","content":"bare\u0000nul"}`);
  assert.equal(bare.json.content, 'barenul');
  const found = await wire('search_messages?query=bare%00nul');
  assert.deepEqual([found.status, found.json.length], [200, 1]);
  assert.equal((await wire('search_users?query=b%00ob')).json[0].full_name, cast.bob.full_name);
  const half = await wire('search_messages?query=x%ED%A0%80y'); // half a pair, as no UTF-8 has it
  assert.equal(half.status, 200);
});

test('what is no JSON is refused in words', async () => {
  const { status, json } = await wire('send_message', `{"content":"\u0001"}`);
  assert.equal(status, 400);
  assert.equal(json.code, 'PGRST102');
  assert.match(json.hint, /controls are escapes/);
});

test('what cannot be stored: on a socket', async () => {
  const topic = `conversation-${conversation}`;
  const heard = [];
  const bob = clients.bob.channel(topic).on('broadcast', { event: 'draft' }, ({ payload }) => heard.push(payload));
  const alice = clients.alice.channel(topic, { config: { broadcast: { ack: true } } });
  for (const channel of [bob, alice]) {
    const joined = new Promise((resolve) => channel.subscribe((status) => status === 'SUBSCRIBED' && resolve()));
    await deadline('a channel to join', joined);
  }
  const payload = { text: 'a\u0000b', half: ['\ud83d'], whole: '🙂' };
  assert.equal(await alice.send({ type: 'broadcast', event: 'draft', payload }), 'ok');
  assert.equal(await alice.send({ type: 'broadcast', event: 'draft', payload: { last: true } }), 'ok');
  await until('the second broadcast', () => heard.length === 2);
  const { text, half, whole } = heard[0];
  assert.deepEqual({ text, half, whole }, { text: 'ab', half: ['\ufffd'], whole: '🙂' });
});

test('what cannot be stored: in presence, in its key, in the payload of a join', async () => {
  for (const client of [clients.alice, clients.bob]) {
    await client.removeAllChannels();
  }
  const topic = `conversation-${conversation}`;
  const seen = clients.bob.channel(topic, { config: { presence: { key: 'b\u0000ob' } } }).on('presence', { event: 'sync' }, () => {});
  const shown = clients.alice
    .channel(topic, { config: { presence: { key: 'al\u0000ice \ud83d' } } })
    .on('presence', { event: 'sync' }, () => {});
  for (const channel of [seen, shown]) {
    const joined = new Promise((resolve) => channel.subscribe((status) => status === 'SUBSCRIBED' && resolve()));
    await deadline('a channel to join', joined);
  }
  assert.equal(await shown.track({ 'na\u0000me': 'a\u0000b', half: ['\ud83d', { deep: '\ude00' }], whole: '🙂' }), 'ok');
  await until('her presence', () => seen.presenceState()['alice \ufffd'] !== undefined);
  const [{ presence_ref: _, ...meta }] = seen.presenceState()['alice \ufffd'];
  assert.deepEqual(meta, { name: 'ab', half: ['\ufffd', { deep: '\ufffd' }], whole: '🙂' });
  for (const client of [clients.alice, clients.bob]) {
    await client.removeAllChannels();
  }
});

const INVISIBLE = {
  NUL: '\u0000',
  'zero width space': '\u200b',
  'braille blank': '\u2800',
  'byte order mark': '\ufeff',
  'Hangul filler': '\u3164',
  'soft hyphen': '\u00ad',
  joiners: '\u200c\u200d\u2060',
  'Mongolian separator': '\u180e',
  'variation selector': '\ufe0f',
  'grapheme joiner': '\u034f',
  tags: '\u{e0041}\u{e0042}',
  'ideographic space': '\u3000',
  'marks of direction': '\u200f\u202e',
};
for (const [kind, text] of Object.entries(INVISIBLE)) {
  test(`nothing to see is empty: ${kind}`, async () => {
    const { error, status } = await send(text);
    assert.deepEqual([status, error?.code, error?.details], [400, 'PT400', 'empty']);
  });
}

const KEPT = {
  'a family': '👨‍👩‍👧‍👦',
  Persian: 'می\u200cخواهم',
  Hindi: 'क्\u200dष',
  Sinhala: 'ශ්\u200dරී',
  Khmer: 'សួស្តី\u200bពិភពលោក',
  Hebrew: 'שלום\u200e!',
  Vietnamese: 'tie\u0302\u0301ng Vie\u0323\u0302t',
  Japanese: '葛\u{e0100}城',
  Wales: '🏴󠁧󠁢󠁷󠁬󠁳󠁿',
};
for (const [who, text] of Object.entries(KEPT)) {
  test(`as it was written: ${who}`, async () => {
    assert.equal((await send(text)).data?.content, text);
    assert.equal((await newest()).content, text);
  });
}

test('two forms of one emoji are one reaction', async () => {
  const { data: message } = await send('like this?');
  for (const [name, reaction] of [
    ['alice', '❤'],
    ['bob', '❤️'],
    ['alice', '👍🏽'],
    ['bob', '👍'],
  ]) {
    const { error } = await clients[name].rpc('add_reaction', { message_id: message.id, reaction });
    assert.equal(error, null);
  }
  const given = (await newest()).reactions.map(({ reaction, user_ids }) => [reaction, user_ids.length]);
  assert.deepEqual(given, [
    ['❤️', 2],
    ['👍🏽', 1],
    ['👍', 1],
  ]);
  await clients.bob.rpc('remove_reaction', { message_id: message.id, reaction: '❤' });
  assert.deepEqual((await newest()).reactions[0].user_ids, [cast.alice.id]);
  for (const reaction of ['like', '👍👍', '\u200d', '']) {
    const { error } = await clients.bob.rpc('add_reaction', { message_id: message.id, reaction });
    assert.deepEqual([error?.code, error?.details], ['PT400', 'reaction']);
  }
});

const ONE_REACTION = {
  'a heart': ['❤', '❤\ufe0f', '❤\ufe0e'],
  'a key': ['1\u20e3', '1\ufe0f\u20e3'],
  'a rainbow flag': ['🏳\u200d🌈', '🏳\ufe0f\u200d🌈'],
  'an eye in a bubble': ['👁\u200d🗨', '👁\ufe0f\u200d🗨\ufe0f', '👁\u200d🗨\ufe0f'],
  'a smile': ['☺', '☺\ufe0f'],
  'a finger of one colour': ['☝🏽', '☝\ufe0f🏽'],
  'an emoji that needs no selector': ['🎉', '🎉\ufe0f'],
  'a flag': ['🇩🇪', '🇩🇪\ufe0f'],
};
for (const [what, forms] of Object.entries(ONE_REACTION)) {
  test(`forms of one reaction: ${what}`, async () => {
    const { data: message } = await send(`what do you say to ${what}?`);
    for (const [n, reaction] of forms.entries()) {
      const { error } = await clients[n % 2 ? 'bob' : 'alice'].rpc('add_reaction', { message_id: message.id, reaction });
      assert.equal(error, null);
    }
    const { reactions } = await newest();
    assert.deepEqual([reactions.length, reactions[0].user_ids.length], [1, 2]);
  });
}

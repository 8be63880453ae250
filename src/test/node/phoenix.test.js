// A client from another world: Phoenix's own JavaScript client, which knows neither Supabase nor the chat. It joins, hears
// and sends by the protocol alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import './quiet.js';
import { Socket } from 'phoenix';
import ws from 'ws';
import { PATIENCE, before as within } from './deadline.js';
import { demo, signIn, signOut, tokenOf } from './people.js';
import { Service } from './service.js';

const service = new Service();
const sockets = [];
let alice;
let bob;
let conversation;

before(async () => {
  await service.start();
  const { anonKey, users } = await demo(service.url);
  const person = async (name) => {
    const user = users.find((one) => one.full_name.startsWith(name));
    const token = await tokenOf(service.url, user);
    return { user, token, anonKey, client: await signIn(service.url, anonKey, token) };
  };
  alice = await person('Alice');
  bob = await person('Bob');
  const { data, error } = await alice.client.rpc('get_or_create_conversation', { user1_id: alice.user.id, user2_id: bob.user.id });
  assert.equal(error, null);
  conversation = data;
});

after(async () => {
  sockets.forEach((socket) => socket.disconnect());
  await Promise.all([alice, bob].filter(Boolean).map(({ client }) => signOut(client)));
  await service.end();
});

/** A channel of that person's own socket, joined. */
async function joined({ anonKey, token }, topic, config) {
  const address = `${service.url.replace(/^http/, 'ws')}/realtime/v1`;
  const socket = new Socket(address, { transport: ws, params: { apikey: anonKey }, timeout: PATIENCE });
  sockets.push(socket);
  socket.connect();
  const channel = socket.channel(`realtime:${topic}`, { config, access_token: token });
  const answer = await within(`an answer to joining ${topic}`, pushed(channel.join()));
  return { channel, answer };
}

function pushed(push) {
  return new Promise((resolve, reject) => {
    push.receive('ok', resolve).receive('error', (response) => reject(new Error(JSON.stringify(response))));
  });
}

function heard(channel, event) {
  return within(`a ${event}`, new Promise((resolve) => channel.on(event, resolve)));
}

test('Phoenix hears a row and a broadcast, and sends one', async () => {
  const topic = `conversation-${conversation}`;
  const bindings = [{ event: 'INSERT', schema: 'public', table: 'user_messages', filter: `conversation_id=eq.${conversation}` }];
  const { channel: bobs, answer } = await joined(bob, topic, { private: true, postgres_changes: bindings });
  assert.equal(answer.postgres_changes.length, 1);
  const { channel: alices } = await joined(alice, topic, { private: true, broadcast: { ack: true } });

  const row = heard(bobs, 'postgres_changes');
  const { error } = await alice.client.rpc('send_message', { conversation_id: conversation, content: 'for Phoenix' });
  assert.equal(error, null);
  assert.equal((await row).data.record.content, 'for Phoenix');

  const broadcast = heard(bobs, 'broadcast');
  await within('an acknowledgement', pushed(alices.push('broadcast', { type: 'broadcast', event: 'wave', payload: { to: 'é' } })));
  const { event, payload } = await broadcast;
  assert.equal(event, 'wave');
  assert.equal(payload.to, 'é');
});

test('Phoenix is told why it may not join', async () => {
  await assert.rejects(joined(bob, `user-${alice.user.id}`, { private: true }), /Unauthorized/);
});

// A message that was acknowledged is there, whatever dies.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from './deadline.js';
import { demo, signIn, tokenOf } from './people.js';
import { Service } from './service.js';

const service = new Service();
before(() => service.start());
after(() => service.end());

test('acknowledged messages survive kill -9 of the service and of its PostgreSQL', async () => {
  const { anonKey, users } = await demo(service.url);
  const [alice, bob] = ['Alice', 'Bob'].map((name) => users.find((user) => user.full_name.startsWith(name)));
  const token = await tokenOf(service.url, alice);
  const client = await signIn(service.url, anonKey, token);
  const { data: conversation } = await client.rpc('get_or_create_conversation', {
    user1_id: alice.id,
    user2_id: bob.id,
  });

  const acknowledged = [];
  let dying = false;
  const senders = Array.from({ length: 4 }, async (_, sender) => {
    for (let i = 0; !dying || i === 0; i++) {
      const { data } = await client.rpc('send_message', {
        conversation_id: conversation,
        content: `sender ${sender}, message ${i}`,
      });
      if (data) {
        acknowledged.push(data.id);
        if (acknowledged.length === 50) {
          dying = true;
          await service.kill(); // in the middle of the others' sending
        }
      } else {
        break; // it died under this one, which was therefore never acknowledged
      }
    }
  });
  await Promise.all(senders);
  assert.ok(acknowledged.length >= 50);

  await service.start();

  const again = await signIn(service.url, anonKey, token); // the secret was kept, too
  const stored = await history(again, conversation);
  const ids = new Set(stored.map(({ id }) => id));
  assert.deepEqual(
    acknowledged.filter((id) => !ids.has(id)),
    [],
  );
  assert.deepEqual(
    stored.map(({ seq }) => seq),
    stored.map((_, i) => i + 1),
    'numbered without a gap',
  );
  const { error } = await again.rpc('send_message', { conversation_id: conversation, content: 'and on it goes' });
  assert.equal(error, null);
});

test('its PostgreSQL, killed alone, is started again: what was acknowledged is there, sockets stay open and hear on', async (t) => {
  const { anonKey, users } = await demo(service.url);
  const [alice, carol] = ['Alice', 'Carol'].map((name) => users.find((user) => user.full_name.startsWith(name)));
  const sender = await signIn(service.url, anonKey, await tokenOf(service.url, alice));
  const { data: conversation } = await sender.rpc('get_or_create_conversation', { user1_id: alice.id, user2_id: carol.id });
  const hearer = await signIn(service.url, anonKey, await tokenOf(service.url, carol));
  t.after(() => hearer.removeAllChannels());
  const heard = [];
  let joins = 0;
  const filter = `conversation_id=eq.${conversation}`;
  hearer
    .channel(`conversation-${conversation}`)
    .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'user_messages', filter }, ({ new: row }) =>
      heard.push(row.content),
    )
    .subscribe((status) => (joins += status === 'SUBSCRIBED'));
  await until('Carol to listen', () => joins === 1);
  assert.equal((await sender.rpc('send_message', { conversation_id: conversation, content: 'before' })).error, null);

  service.killDatabase();
  const send = async () => (await sender.rpc('send_message', { conversation_id: conversation, content: 'after' })).error === null;
  await until('a message to be stored again', send);
  // What is stored before the relay is back is for those with `since`; this channel hears what comes from then on.
  await until(
    () => `Carol to hear on; she heard ${heard}`,
    async () => (await send()) && heard.includes('after'),
  );
  assert.equal(joins, 1, 'over the same socket');
  // A connection that was lent just before is found broken by whoever has it next.
  let stored;
  await until('what was stored to be read', async () => (stored = await history(sender, conversation)));
  assert.deepEqual([...new Set(stored.map(({ content }) => content))], ['before', 'after']);
  await until('the service to be ready', async () => (await fetch(`${service.url}/health/ready`)).ok);
  await until('the log to tell it', () => service.log.includes('The embedded PostgreSQL runs again'));
});

/** Every message, page by page. */
async function history(client, conversation) {
  const messages = [];
  for (;;) {
    const { data, error } = await client.rpc('get_messages', {
      conversation_id: conversation,
      after_seq: messages.at(-1)?.seq ?? 0,
      page_size: 200,
    });
    assert.equal(error, null);
    if (data.length === 0) {
      return messages;
    }
    messages.push(...data);
  }
}

// One message, the whole way: from one official client to another, each in a process of its own.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { byFirstName, CLIENTS, demo, tokenOf } from './people.js';
import { Person } from './process.js';
import { Service } from './service.js';

const MESSAGES = 5;

const service = new Service();
let anonKey;
let cast;

before(async () => {
  await service.start();
  const people = await demo(service.url);
  anonKey = people.anonKey;
  cast = byFirstName(people.users);
});
after(() => service.end());

for (const client of Object.keys(CLIENTS)) {
  describe(client, () => {
    const everybody = {};

    before(async () => {
      await Promise.all(
        ['alice', 'bob', 'carol', 'mallory'].map(async (name) => {
          const token = await tokenOf(service.url, cast[name]);
          everybody[name] = await Person.start(name, client, service.url, anonKey, token);
        }),
      );
    });
    after(() => Promise.all(Object.values(everybody).map((person) => person.leaves())));

    test('both who talk hear each message whole, in order and once; nobody else hears any', async () => {
      const { alice, bob, carol, mallory } = everybody;
      const conversation = await between(alice, 'alice', 'bob');
      const elsewhere = await between(carol, 'carol', 'alice');
      const topic = `conversation-${conversation}`;
      const binding = messagesOf(conversation);

      await Promise.all([alice, bob, carol, mallory].map((person) => person.joins(topic, binding)));
      // The markers: what Carol and Mallory may hear, over the same socket.
      await carol.joins(`conversation-${elsewhere}`, messagesOf(elsewhere));
      await mallory.joins(`team-${cast.mallory.team_id}`, {
        event: '*',
        schema: 'public',
        table: 'user_presence',
        filter: `user_id=eq.${cast.mallory.id}`,
      });

      const sent = [];
      for (let i = 1; i <= MESSAGES; i++) {
        sent.push(await alice.calls('send_message', { conversation_id: conversation, content: `${client}, ${i}` }));
      }
      // Sent after all of these are stored, so heard after any of them that would be heard.
      const marker = await alice.calls('send_message', { conversation_id: elsewhere, content: `${client}, marker` });
      await showsHerself(mallory);

      for (const person of [alice, bob]) {
        await person.hears('the last message', ({ new: row }) => row.id === sent.at(-1).id);
      }
      await carol.hears('her marker', ({ new: row }) => row.id === marker.id);
      await mallory.hears('her marker', ({ table }) => table === 'user_presence');

      // Once: one more message comes, and nothing again before it.
      const last = await bob.calls('send_message', { conversation_id: conversation, content: `${client}, over` });
      for (const person of [alice, bob]) {
        await person.hears('the answer', ({ new: row }) => row.id === last.id);
        const heard = changesOf(person, topic);
        assert.deepEqual(
          heard.map(({ new: row }) => row.id),
          [...sent, last].map(({ id }) => id),
          `${person.name} hears each once, in order`,
        );
        [...sent, last].forEach((message, i) => assertWholeRow(heard[i], message));
      }
      for (const person of [carol, mallory]) {
        assert.deepEqual(changesOf(person, topic), [], `${person.name} hears nothing of it`);
      }
      assert.deepEqual(
        changesOf(carol, `conversation-${elsewhere}`).map(({ new: row }) => row.id),
        [marker.id],
      );
    });
  });
}

/** The conversation of two people, as the first opens it. */
function between(person, one, other) {
  return person.calls('get_or_create_conversation', { user1_id: cast[one].id, user2_id: cast[other].id });
}

function messagesOf(conversation) {
  return { event: 'INSERT', schema: 'public', table: 'user_messages', filter: `conversation_id=eq.${conversation}` };
}

/** Changes her status, whatever it was: two calls, and at least one of them is a change. */
async function showsHerself(person) {
  await person.calls('update_presence', { status: 'away' });
  await person.calls('update_presence', { status: 'online' });
}

function changesOf(person, topic) {
  return person.heard.filter((change) => change.topic === topic).map(({ payload }) => payload);
}

/** The change says what send_message answered: the row, all of it, without what was joined to it. */
function assertWholeRow(change, message) {
  const { sender, reactions, ...row } = message;
  assert.equal(change.eventType, 'INSERT');
  assert.equal(change.schema, 'public');
  assert.equal(change.table, 'user_messages');
  assert.equal(change.errors ?? null, null);
  assert.deepEqual(change.old, {});
  assert.deepEqual(comparable(change.new), comparable(row));
}

/** Times as moments: the two may differ in how they write the same one. Keys in order. */
function comparable(row) {
  return Object.fromEntries(
    Object.keys(row)
      .sort()
      .map((key) => [key, /_at$/.test(key) && row[key] !== null ? new Date(row[key]).toISOString() : row[key]]),
  );
}

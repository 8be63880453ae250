// Two services on one database: people on different nodes talk, hear each other and see who is there.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { byFirstName, demo, signIn, signOut, tokenOf } from './people.js';
import { Service } from './service.js';
import { Topic } from './topic.js';

const PRESENCE = { event: '*', schema: 'public', table: 'user_presence' };
const here = new Service();
const there = new Service({ beside: here });
let alice;
let bob;
let cast;
let conversation;
let team;

before(async () => {
  await here.start();
  await there.start();
  const { anonKey, users } = await demo(here.url);
  cast = byFirstName(users);
  alice = await signIn(here.url, anonKey, await tokenOf(here.url, cast.alice));
  bob = await signIn(there.url, anonKey, await tokenOf(here.url, cast.bob));
  const { data, error } = await bob.rpc('get_or_create_conversation', { user1_id: cast.alice.id, user2_id: cast.bob.id });
  assert.equal(error, null);
  conversation = data;
  team = `team-${cast.alice.team_id}`;
});
after(async () => {
  await Promise.all([alice, bob].filter(Boolean).map(signOut));
  try {
    await there.end();
  } finally {
    await here.end();
  }
});

test('messages, broadcasts and presence cross from node to node; a node that is killed loses its people by time', async () => {
  const topic = `conversation-${conversation}`;
  const binding = { event: 'INSERT', schema: 'public', table: 'user_messages', filter: `conversation_id=eq.${conversation}` };
  const options = (key) => ({ binding, config: { broadcast: { ack: true }, presence: { key } } });
  const aliceHere = await Topic.join(alice, topic, options('alice'));
  const bobThere = await Topic.join(bob, topic, options('bob'));
  const watching = await Topic.join(alice, 'presence', { presence: false, binding: PRESENCE });
  const bobsTeam = await Topic.join(bob, team, { config: { presence: { key: 'bob' } } });
  const team1 = await Topic.join(alice, team);
  for (const each of [aliceHere, bobThere, watching, bobsTeam, team1]) {
    assert.equal(each.status, 'SUBSCRIBED', each.error?.message);
  }

  const { data: message } = await bob.rpc('send_message', { conversation_id: conversation, content: 'from there' });
  await aliceHere.hears('row', ({ new: row }) => row.id === message.id);
  assert.equal(await aliceHere.send('hello', { n: 1 }), 'ok');
  assert.deepEqual((await bobThere.broadcast('hello')).payload, { n: 1 });
  assert.equal(await bobThere.send('hello back', { n: 2 }), 'ok');
  assert.deepEqual((await aliceHere.broadcast('hello back')).payload, { n: 2 });

  assert.equal(await bobThere.track({ on: 'there' }), 'ok');
  assert.equal(await bobsTeam.track({ on: 'there' }), 'ok');
  await aliceHere.until('Bob', () => aliceHere.state().bob?.[0].on === 'there');
  await team1.until('Bob in the team', () => team1.state().bob?.[0].on === 'there');

  const end = Date.now();
  await there.killAlone();
  bob.realtime.disconnect();
  await aliceHere.until('Bob to have left', () => Object.keys(aliceHere.state()).length === 0);
  await team1.until('Bob to have left the team', () => Object.keys(team1.state()).length === 0);
  await watching.hears('row', ({ new: row }) => row.user_id === cast.bob.id && row.status === 'offline');
  console.log(`a killed node's people were gone after ${Date.now() - end} ms`);
});

// A rolling restart: two services behind one address, replaced one after the other while people talk.
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { demo, signIn, signOut, tokenOf } from './people.js';
import { Service } from './service.js';
import { Topic } from './topic.js';

const database = new Service();
const nodes = [new Service({ beside: database }), new Service({ beside: database })];
const address = createServer((client) => carry(client, open));
let open = nodes[0]; // to which a load balancer sends who comes
let alice;
let bob;
let conversation;

before(async () => {
  await database.start();
  await Promise.all(nodes.map((node) => node.start()));
  await new Promise((resolve) => address.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${address.address().port}`;
  const { anonKey, users } = await demo(database.url);
  const named = (name) => users.find((user) => user.full_name.startsWith(name));
  const { id } = named('Alice');
  alice = await signIn(database.url, anonKey, await tokenOf(database.url, named('Alice')));
  bob = await signIn(url, anonKey, await tokenOf(database.url, named('Bob')));
  const { data, error } = await bob.rpc('get_or_create_conversation', { user1_id: id, user2_id: named('Bob').id });
  assert.equal(error, null);
  conversation = data;
});
after(async () => {
  await Promise.all([alice, bob].filter(Boolean).map(signOut));
  address.close();
  try {
    await Promise.all(nodes.map((node) => node.end()));
  } finally {
    await database.end();
  }
});

test('who is sent away with 1012 moves to the other node: hears every message once, broadcasts, and is seen', async () => {
  const name = `conversation-${conversation}`;
  const binding = { event: '*', schema: 'public', table: 'user_messages', filter: `conversation_id=eq.${conversation}` };
  // As an app does with each message: the next join goes on from here.
  let heard = [];
  const revisions = () => heard.filter(({ what }) => what === 'row').map(({ new: row }) => row.revision);
  Object.defineProperty(binding, 'since', { enumerable: true, get: () => Math.max(0, ...revisions()) });
  const bobs = await Topic.join(bob, name, { binding, config: { presence: { key: 'bob' } } });
  ({ heard } = bobs);
  const alices = await Topic.join(alice, name, { config: { broadcast: { ack: true } } });
  assert.equal(bobs.status, 'SUBSCRIBED', bobs.error?.message);
  assert.equal(alices.status, 'SUBSCRIBED', alices.error?.message);
  const sent = [];
  const say = async (content) => {
    const { data, error } = await alice.rpc('send_message', { conversation_id: conversation, content });
    assert.equal(error, null);
    sent.push(data.id);
    return data;
  };
  const rows = () => bobs.heard.filter(({ what, new: row }) => what === 'row' && sent.includes(row.id));
  const subscribed = () => bobs.heard.filter(({ what, status }) => what === 'status' && status === 'SUBSCRIBED').length;
  const hears = (message) => bobs.hears('row', ({ new: row }) => row.id === message.id);
  await hears(await say('before'));

  for (const [i, node] of nodes.entries()) {
    open = nodes[1 - i];
    const back = node.restart();
    for (let n = 0; n < 5; n++) {
      await say(`while node ${i} is away, ${n}`);
    }
    await back;
    await hears(await say(`after node ${i}`));
    assert.equal(await bobs.track({ after: i }), 'ok');
    await alices.until('Bob to be there', () => alices.state().bob?.some((meta) => meta.after === i));
    assert.equal(await alices.send(`hello ${i}`, {}), 'ok');
    await bobs.broadcast(`hello ${i}`);
  }
  assert.equal(subscribed(), 3, 'joined at first, and again after each node that was stopped under it');
  assert.deepEqual(
    rows().map(({ new: row }) => row.id),
    sent,
    'every message once, in order',
  );
});

/** Both ends end together. */
function carry(client, { url }) {
  const node = connect(Number(new URL(url).port), '127.0.0.1');
  client
    .pipe(node)
    .on('error', () => client.destroy())
    .on('close', () => client.destroy());
  node
    .pipe(client)
    .on('error', () => node.destroy())
    .on('close', () => node.destroy());
}

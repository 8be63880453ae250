// Replaces two nodes of an earlier version by this one, one after the other, while people of official clients talk through them.
// Run by scripts/rolling-upgrade: node rolling-upgrade.js <scripts/java of the earlier version>
//
// Fails when a message was lost, doubled or out of order, in the database or at a listener, or when a call was refused.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { CLIENTS, demo, signOut, tokenOf } from './people.js';
import { Service } from './service.js';
import { Topic } from './topic.js';

const earlier = process.argv[2];
const ROUNDS = 10; // how much everybody sends and hears in each state
const PAIRS = [
  ['Alice', 'Bob'],
  ['Bob', 'Carol'],
  ['Carol', 'Alice'],
  ['Mallory', 'Niaj'],
];

const database = new Service({ java: earlier }); // its PostgreSQL; nobody is sent there
const nodes = [0, 1].map(() => new Service({ java: earlier, beside: database }));
let open = nodes[0]; // to which the load balancer sends who comes
const balancer = createServer((client) => carry(client, open));
const refused = [];
const retried = { count: 0 }; // connections that ended under a call; it was sent again
const talks = [];
let ends = false;
let shapes = false; // whether the earlier version chooses rows and columns of functions

/** One person of a pair, who writes as fast as answers come, and hears both. */
class Talk {
  acknowledged = [];

  static async between(url, anonKey, users, [one, other], client) {
    const talk = new Talk();
    const named = (name) => users.find((user) => user.full_name.startsWith(name));
    talk.name = `${one} to ${other}`;
    talk.client = await client(url, anonKey, await tokenOf(database.url, named(one)));
    talk.conversation = await talk.call('get_or_create_conversation', { user1_id: named(one).id, user2_id: named(other).id });
    const messages = await talk.call('get_messages', { conversation_id: talk.conversation });
    talk.before = Math.max(0, ...messages.map(({ seq }) => seq));
    talk.revision = Math.max(0, ...messages.map(({ revision }) => revision));
    const binding = { event: '*', schema: 'public', table: 'user_messages', filter: `conversation_id=eq.${talk.conversation}` };
    // As an app does with each message: the next join goes on from here.
    Object.defineProperty(binding, 'since', {
      enumerable: true,
      get: () => Math.max(talk.revision, ...(talk.topic?.heard ?? []).filter(({ what }) => what === 'row').map((row) => row.new.revision)),
    });
    talk.topic = await Topic.join(talk.client, `conversation-${talk.conversation}`, { binding });
    assert.equal(talk.topic.status, 'SUBSCRIBED', talk.topic.error?.message);
    return talk;
  }

  /** Until it is answered: a connection that ends is not an answer. */
  async call(name, args, shape = (query) => query) {
    for (;;) {
      const { data, error, status } = await shape(this.client.rpc(name, args));
      if (!error) {
        return data;
      }
      if (status !== 0) {
        refused.push(`${this.name}: ${name}: ${status} ${JSON.stringify(error)}`);
        return undefined;
      }
      retried.count++;
    }
  }

  async run() {
    while (!ends) {
      const id = randomUUID7();
      await this.call('send_message', { conversation_id: this.conversation, content: `${this.acknowledged.length}`, id });
      this.acknowledged.push(id);
      await this.call('add_reaction', { message_id: id, reaction: '👍' });
      await this.call('get_conversations', {});
      await this.call('mark_conversation_as_read', { conversation_id: this.conversation });
      if (shapes) {
        await this.call('get_messages', { conversation_id: this.conversation }, (query) =>
          query.select('id,content').gt('seq', 1).limit(5),
        );
      }
    }
  }

  rows() {
    return this.topic.heard.filter(({ what, eventType }) => what === 'row' && eventType === 'INSERT').map((row) => row.new);
  }

  /** Until everybody has sent and heard so many more. */
  async goesOn() {
    const [sent, heard] = [this.acknowledged.length, this.rows().length];
    await this.topic.until(
      `${this.name} to go on`,
      () => this.acknowledged.length >= sent + ROUNDS && this.rows().length >= heard + ROUNDS,
    );
  }

  /** What is stored, in order; and that it is what was acknowledged and heard. */
  async check(all) {
    const last = await this.call('get_conversations', {});
    const size = Number(last.find(({ id }) => id === this.conversation).last_message.seq);
    await this.topic.until(`${this.name} to hear the last message`, () => this.rows().some(({ seq }) => Number(seq) === size));
    const heard = this.rows();
    assert.deepEqual(
      heard.map(({ seq }) => Number(seq)),
      Array.from({ length: size - this.before }, (_, i) => this.before + 1 + i),
      `${this.name}: every message once, in order`,
    );
    const acknowledged = all.filter(({ conversation }) => conversation === this.conversation).flatMap((talk) => talk.acknowledged);
    assert.deepEqual(heard.map(({ id }) => id).sort(), acknowledged.sort(), `${this.name}: what was acknowledged, and nothing else`);
    return heard.length;
  }
}

/** An id of a message: of now, as send_message wants it. */
function randomUUID7() {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** Both ends end together. */
function carry(client, { url }) {
  const node = connect(Number(new URL(url).port), '127.0.0.1');
  const both = [client, node];
  for (const end of both) {
    end.on('error', () => both.forEach((one) => one.destroy())).on('close', () => both.forEach((one) => one.destroy()));
  }
  client.pipe(node);
  node.pipe(client);
}

function say(what) {
  const sent = talks.reduce((sum, talk) => sum + talk.acknowledged.length, 0);
  console.log(`${what}: ${sent} messages acknowledged, ${refused.length} calls refused, ${retried.count} repeated after a lost connection`);
}

async function everybodyGoesOn() {
  await Promise.all(talks.map((talk) => talk.goesOn()));
}

try {
  await database.start();
  await Promise.all(nodes.map((node) => node.start()));
  await new Promise((resolve) => balancer.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${balancer.address().port}`;
  const { anonKey, users } = await demo(database.url);
  const clients = [CLIENTS['supabase-js 2.109.0'], CLIENTS['supabase-js 2.119.1']];
  for (const [i, pair] of PAIRS.entries()) {
    open = nodes[i % 2];
    talks.push(await Talk.between(url, anonKey, users, pair, clients[0]));
    talks.push(await Talk.between(url, anonKey, users, pair.toReversed(), clients[1]));
  }
  const probe = await talks[0].client.rpc('get_messages', { conversation_id: talks[0].conversation }).select('id').limit(1);
  shapes = !probe.error;
  const running = talks.map((talk) => talk.run());
  await everybodyGoesOn();
  say('Two earlier nodes');
  for (const [i, node] of nodes.entries()) {
    open = nodes[1 - i];
    await node.replaceBy({ settings: database.owning() });
    say(i === 0 ? 'The first is replaced, the database is migrated' : 'The second is replaced');
    await everybodyGoesOn();
    say(i === 0 ? 'An earlier node served on the new schema' : 'Two new nodes served');
  }
  ends = true;
  await Promise.all(running);
  const heard = await Promise.all(talks.map((talk) => talk.check(talks)));
  assert.deepEqual(refused, [], 'nobody is refused');
  console.log(
    `Nothing was lost, doubled or out of order: ${heard.reduce((sum, count) => sum + count, 0)} messages were heard${shapes ? ', shaped calls too' : ''}.`,
  );
} catch (error) {
  console.error(error);
  console.error([...new Set(refused)].slice(0, 10).join('\n'));
  process.exitCode = 1;
} finally {
  ends = true;
  await Promise.all(talks.map((talk) => signOut(talk.client)));
  balancer.close();
  await Promise.allSettled(nodes.map((node) => node.end()));
  await database.end();
}
process.exit();

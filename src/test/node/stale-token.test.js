// A client that wakes up with a token that is over hears again at once, with its own settings.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import './quiet.js';
import { createClient as create109 } from '@supabase/supabase-js';
import { createClient as create119 } from 'supabase-js-2.119.1';
import ws from 'ws';
import { PATIENCE, before as deadline, until } from './deadline.js';
import { byFirstName, demo, signIn, signOut, tokenOf } from './people.js';
import { Service } from './service.js';

const SECRET = 'a secret of the test that is long enough';
const service = new Service({ settings: { CHAT_JWT_SECRET: SECRET } });
let anonKey;
let cast;

before(async () => {
  await service.start();
  const people = await demo(service.url);
  anonKey = people.anonKey;
  cast = byFirstName(people.users);
});
after(() => service.end());

function tokenThatEnds(user, seconds) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { sub: user.id, role: 'authenticated', aud: 'authenticated', iat: now - 3600, exp: now + seconds };
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${body}.${createHmac('sha256', SECRET).update(body).digest('base64url')}`;
}

for (const [version, create] of Object.entries({ '2.109.0': create109, '2.119.1': create119 })) {
  test(`a token that is over at the join (${version})`, async () => {
    let current = tokenThatEnds(cast.bob, -600);
    let heartbeats = 0;
    class Counting extends ws {
      send(data, ...rest) {
        heartbeats += String(data).includes('heartbeat') ? 1 : 0;
        return super.send(data, ...rest);
      }
    }
    const realtime = { transport: Counting, heartbeatIntervalMs: PATIENCE };
    const bob = create(service.url, anonKey, { accessToken: async () => current, realtime });
    await bob.realtime.setAuth();
    const alice = await signIn(service.url, anonKey, await tokenOf(service.url, cast.alice));
    try {
      const heard = [];
      const statuses = [];
      const channel = bob
        .channel('stale')
        .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'user_messages' }, ({ new: row }) => heard.push(row.content));
      channel.subscribe((status) => statuses.push(status));
      await until('the join to be refused', () => statuses.includes('CHANNEL_ERROR'));
      current = await tokenOf(service.url, cast.bob);
      await until('the join with a new token', () => statuses.includes('SUBSCRIBED'));
      assert.equal(heartbeats, 0, 'the client asked for its token with a heartbeat only');

      const people = { user1_id: cast.alice.id, user2_id: cast.bob.id };
      const { data: conversation } = await alice.rpc('get_or_create_conversation', people);
      await alice.rpc('send_message', { conversation_id: conversation, content: `awake ${version}` });
      await until('the message', () => heard.includes(`awake ${version}`));
    } finally {
      await signOut(bob);
      await signOut(alice);
    }
  });
}

test('a private channel of a name that nobody may use is refused', async () => {
  const bob = await signIn(service.url, anonKey, await tokenOf(service.url, cast.bob));
  try {
    for (const name of ['lobby', 'conversation-1', `user-${cast.alice.id}`]) {
      const channel = bob.channel(name, { config: { private: true } });
      const refused = new Promise((resolve) => channel.subscribe((status, error) => error && resolve(error.message)));
      assert.match(await deadline('the refusal', refused), /Unauthorized/);
      await bob.removeChannel(channel);
    }
    const joined = new Promise((resolve) => bob.channel('lobby').subscribe((status) => status === 'SUBSCRIBED' && resolve()));
    await deadline('a public channel to join', joined);
  } finally {
    await signOut(bob);
  }
});

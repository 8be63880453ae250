// One createClient(url) for an application that keeps its hosted back end: CHAT_UPSTREAM_URL hands on what is not the
// chat's. The back end is a stub here, which answers as Supabase's sign-in, files, functions and tables do.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import './quiet.js';
import { createClient } from '@supabase/supabase-js';
import ws from 'ws';
import { demo, signOut, tokenOf } from './people.js';
import { Service } from './service.js';
import { Topic } from './topic.js';

const heard = []; // what the back end was asked
const backEnd = createServer(async (request, response) => {
  let body = '';
  for await (const part of request) {
    body += part;
  }
  const { pathname } = new URL(request.url, 'http://stub');
  heard.push({ method: request.method, pathname, headers: request.headers, body });
  const answer = await answers[pathname]?.(body);
  response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json', 'content-range': '0-0/*' });
  response.end(JSON.stringify(answer ?? { code: 'PGRST205', message: `the back end has no ${pathname}`, details: null, hint: null }));
});
const answers = {
  '/auth/v1/token': async () => ({
    access_token: await tokenOf(service.url, alice),
    token_type: 'bearer',
    expires_in: 3600,
    refresh_token: 'refresh',
    user: { id: alice.id, aud: 'authenticated', email: 'alice@example.com' },
  }),
  '/auth/v1/logout': () => ({}),
  '/rest/v1/todos': () => [{ id: 1, task: 'theirs' }],
  '/rest/v1/rpc/theirs': () => 42,
  '/storage/v1/object/files/a.txt': () => ({ Id: 'f', Key: 'files/a.txt' }),
  '/functions/v1/hello': (body) => ({ heard: JSON.parse(body) }),
};
let service;
let alice;
let client;

before(async () => {
  await new Promise((resolve) => backEnd.listen(0, '127.0.0.1', resolve));
  service = new Service({ settings: { CHAT_UPSTREAM_URL: `http://127.0.0.1:${backEnd.address().port}` } });
  await service.start();
  const { anonKey, users } = await demo(service.url);
  alice = users.find((user) => user.full_name.startsWith('Alice'));
  client = createClient(service.url, anonKey, { auth: { persistSession: false, autoRefreshToken: false }, realtime: { transport: ws } });
});

after(async () => {
  if (client) {
    await signOut(client);
  }
  await service?.end();
  backEnd.closeAllConnections();
  backEnd.close();
});

async function data(answer) {
  const { data, error } = await answer;
  assert.equal(error, null, error?.message);
  return data;
}

test('one client signs in at the back end, and has its tables, functions and files beside the chat', async () => {
  const { user } = await data(client.auth.signInWithPassword({ email: 'alice@example.com', password: 'secret' }));
  assert.equal(user.id, alice.id);

  assert.deepEqual(await data(client.from('todos').select()), [{ id: 1, task: 'theirs' }]);
  assert.equal(await data(client.rpc('theirs')), 42);
  assert.equal((await data(client.storage.from('files').upload('a.txt', 'hi'))).fullPath, 'files/a.txt');
  assert.deepEqual(await data(client.functions.invoke('hello', { body: { name: 'é' } })), { heard: { name: 'é' } });

  const [conversation] = await data(client.rpc('get_conversations'));
  const rows = await data(client.from('user_messages').select('sender:users!sender_id(id)').eq('conversation_id', conversation.id));
  assert.ok(rows.length > 0 && rows[0].sender.id);
  const topic = await Topic.join(client, `conversation-${conversation.id}`, { config: { private: true } });
  assert.equal(topic.status, 'SUBSCRIBED', topic.error?.message);

  const asked = heard.map(({ pathname }) => pathname).sort();
  assert.deepEqual(
    asked,
    Object.keys(answers)
      .filter((path) => !path.endsWith('logout'))
      .sort(),
    'what is the chat stays here',
  );
  const todos = heard.find(({ pathname }) => pathname === '/rest/v1/todos');
  assert.equal(todos.headers.authorization, `Bearer ${(await client.auth.getSession()).data.session.access_token}`);
});

test('what nobody has is the answer of the back end, and what the chat refuses is an answer of the chat', async () => {
  const { error: theirs } = await client.from('user_message').select();
  assert.match(theirs.message, /the back end has no/);
  const { error: ours } = await client.from('user_messages').update({ content: 'x' }).eq('id', alice.id);
  assert.match(ours.hint, /edit_message/);
  const { error: arguments_ } = await client.rpc('get_messages', { none: 1 });
  assert.equal(arguments_.code, 'PGRST202');
});

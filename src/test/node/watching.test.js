// What an operator sees: the metrics that the alerts ask for are there, and the log keeps to itself what people say and hold.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import './quiet.js';
import { createClient } from '@supabase/supabase-js';
import { demo, signedInWith, tokenOf } from './people.js';
import { Service } from './service.js';
import { WebSocket } from 'ws';
import { until } from './deadline.js';

const METRICS_TOKEN = 'watchman-watchman';
const service = new Service({ settings: { CHAT_METRICS_TOKEN: METRICS_TOKEN, CHAT_LOG_FORMAT: 'json', CHAT_REQUEST_LOG: 'all' } });
let alice;
let token;
let anon;

before(async () => {
  await service.start();
  const { anonKey, users } = await demo(service.url);
  anon = anonKey;
  alice = users.find(({ full_name }) => full_name.startsWith('Alice'));
  token = await tokenOf(service.url, alice);
});
after(() => service.end());

test('each metric of the alerts is told', async () => {
  const response = await fetch(`${service.url}/metrics`, { headers: { Authorization: `Bearer ${METRICS_TOKEN}` } });
  assert.equal(response.status, 200);
  const told = new Set((await response.text()).split('\n').map((line) => /^[a-z0-9_]+/.exec(line)?.[0]));
  // What is told of calls comes with the first of them.
  const rules = readFileSync(new URL('../../../scripts/monitoring/alerts.yml', import.meta.url), 'utf8');
  const asked = new Set(rules.match(/\b(chat|hikaricp)_[a-z_]+/g));
  assert.ok(asked.size >= 8, [...asked].join());
  const calls = await fetch(`${service.url}/rest/v1/rpc/get_conversations`, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(calls.status, 200);
  const later = await (await fetch(`${service.url}/metrics`, { headers: { Authorization: `Bearer ${METRICS_TOKEN}` } })).text();
  for (const name of asked) {
    assert.ok(told.has(name) || later.includes(`\n${name}{`) || later.includes(`\n${name} `), `${name} is not told`);
  }
});

test('the log says what happened, and neither what was written nor with which token', async () => {
  const client = createClient(service.url, anon, signedInWith(token));
  const bob = (await client.rpc('search_users', { query: 'Bob' })).data[0];
  const { data: conversation } = await client.rpc('get_or_create_conversation', { user1_id: alice.id, user2_id: bob.id });
  const secret = 'the treasure is under the oak';
  assert.equal((await client.rpc('send_message', { conversation_id: conversation, content: secret })).error, null);
  assert.notEqual(
    (await client.rpc('send_message', { conversation_id: conversation, content: secret, id: '00000000-0000-0000-0000-000000000000' }))
      .error,
    null,
  );
  assert.notEqual((await client.rpc('send_message', { conversation_id: conversation, content: secret, file_size: secret })).error, null);
  assert.notEqual((await client.rpc('no_such_function', { secret })).error, null);
  assert.notEqual((await client.rpc('send_message', { conversation_id: conversation, content: secret.repeat(1000) })).error, null);
  const socket = new WebSocket(`${service.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${token}&token=${token}&vsn=1.0.0`);
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  socket.send(`{"topic":"${secret}","event":"phx_join","payload":{"access_token":"${token}x"},"ref":"1"}`);
  socket.send(`${secret}: no frame`);
  socket.close();
  await new Promise((resolve) => socket.addEventListener('close', resolve));
  const asked = await fetch(`${service.url}/rest/v1/rpc/search_messages?query=${encodeURIComponent(secret)}&apikey=${token}`, {
    headers: { Authorization: `Bearer ${token}x` },
  });
  assert.equal(asked.status, 401);
  await until('the last call to be in the log', () => service.log.includes('search_messages 401'));
  assert.match(service.log, /"request":"[0-9a-f-]{36}"/);
  for (const kept of ['treasure', token, token.split('.')[2], METRICS_TOKEN]) {
    assert.ok(!service.log.includes(kept), `the log tells "${kept}"`);
  }
});

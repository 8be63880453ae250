// Another system is told of messages: added by the command, posted by the running service, verified by the library of
// standardwebhooks.com.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import './quiet.js';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { until } from './deadline.js';
import { demo, signIn, signOut, tokenOf } from './people.js';
import { Service } from './service.js';

const posts = [];
const receiver = createServer(async (request, response) => {
  let body = '';
  for await (const part of request) {
    body += part;
  }
  posts.push({ headers: request.headers, body });
  response.writeHead(posts.length === 1 ? 503 : 204).end(); // the first time it is not ready
});
let service;
let client;
let alice;
let bob;

before(async () => {
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  service = new Service({ settings: { CHAT_WEBHOOK_PRIVATE_ADDRESSES: 'true', CHAT_WEBHOOK_RETRY_MS: '50' } });
  await service.start();
  const { anonKey, users } = await demo(service.url);
  [alice, bob] = ['Alice', 'Bob'].map((name) => users.find((user) => user.full_name.startsWith(name)));
  client = await signIn(service.url, anonKey, await tokenOf(service.url, alice));
});

after(async () => {
  if (client) {
    await signOut(client);
  }
  await service?.end();
  receiver.closeAllConnections();
  receiver.close();
});

test('an event is verified by the official library, and comes again with its id', async () => {
  const url = `http://127.0.0.1:${receiver.address().port}/hook`;
  const secret = service.command('webhooks', 'add', 'desk', url);
  assert.match(secret, /^whsec_/);
  const { data: conversation_id } = await client.rpc('get_or_create_conversation', { user1_id: alice.id, user2_id: bob.id });
  const { error } = await client.rpc('send_message', { conversation_id, content: 'Grüße' });
  assert.equal(error, null);
  await until('the event to come again', () => posts.length >= 2);

  const webhook = new Webhook(secret);
  const [refused, taken] = posts.map(({ headers, body }) => webhook.verify(body, headers));
  assert.equal(taken.record.content, 'Grüße');
  assert.deepEqual([taken.type, taken.schema, taken.table, taken.old_record], ['INSERT', 'public', 'user_messages', null]);
  assert.equal(taken.id, posts[1].headers['webhook-id']);
  assert.deepEqual(refused, taken);
  const { body, headers } = posts[1];
  assert.throws(() => webhook.verify(body.replace('Grüße', 'Gruß'), headers), WebhookVerificationError);
  assert.match(service.command('webhooks', 'list'), /desk/);
});

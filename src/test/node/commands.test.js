// What an operator types: people are added by hand or from a file, get tokens, use the chat, and lose it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import './quiet.js';
import { demo, signIn, signOut } from './people.js';
import { Service } from './service.js';

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
// Of its own the demo has another secret than a service, so that its tokens are worth nothing elsewhere.
const service = new Service({ settings: { CHAT_JWT_SECRET: 'of the demo and its operator alike' } });
const folder = mkdtempSync(join(tmpdir(), 'gptdesk-chat-commands-'));
const clients = [];
let anonKey;

before(async () => {
  await service.start();
  ({ anonKey } = await demo(service.url));
});

after(async () => {
  await Promise.all(clients.map(signOut));
  await service.end();
  rmSync(folder, { recursive: true, force: true });
});

async function actsWith(token) {
  const client = await signIn(service.url, anonKey, token);
  clients.push(client);
  return client;
}

test('who is added gets a token, and uses the chat until they are deactivated', async () => {
  const team = service.command('add-team', 'Night shift');
  assert.match(team, ID);
  const uma = service.command('add-person', 'uma@night.example', '--name', 'Uma Ünal', '--team', 'Night shift');
  const vic = service.command('add-person', 'vic@night.example', '--name', 'Vic', '--team', team);
  assert.match(uma, ID);
  assert.equal(service.command('add-person', 'uma@night.example', '--name', 'Uma Ünal'), uma, 'the one that is there');

  const client = await actsWith(service.command('token', 'uma@night.example'));
  const { data: conversation_id, error } = await client.rpc('get_or_create_conversation', { user1_id: uma, user2_id: vic });
  assert.equal(error, null);
  const { data: message } = await client.rpc('send_message', { conversation_id, content: 'is anybody awake?' });
  const other = await actsWith(service.command('token', '--hours', '2', vic));
  const { data: page } = await other.rpc('get_messages', { conversation_id });
  assert.deepEqual(
    page.map(({ id, sender }) => [id, sender.full_name]),
    [[message.id, 'Uma Ünal']],
  );

  assert.match(service.command('deactivate', 'uma@night.example'), /inactive/);
  const refused = await client.rpc('send_message', { conversation_id, content: 'still here' });
  assert.equal(refused.status, 403);
  assert.throws(() => service.command('token', 'uma@night.example'), /uma@night\.example/);
  service.command('activate', 'uma@night.example');
  assert.equal((await client.rpc('send_message', { conversation_id, content: 'here again' })).error, null);

  const backEnd = await actsWith(service.command('token', '--service'));
  const { data: all } = await backEnd.rpc('get_messages', { conversation_id });
  assert.deepEqual(
    all.map(({ content }) => content),
    ['is anybody awake?', 'here again'],
  );
});

test('a file brings all of its people, or none', async () => {
  const file = join(folder, 'people.csv');
  const wally = 'wally@day.example,Wally,Day shift';
  writeFileSync(file, `email,full_name,team\n${wally}\nxenia@day.example,"Xenia, the second",Day shift\n`);
  assert.throws(() => service.command('people', 'import', file), /Day shift/);
  assert.equal(service.command('people', 'import', '--create-teams', file), 'Added 2, changed 0, unchanged 0.');
  assert.equal(service.command('people', 'import', file), 'Added 0, changed 0, unchanged 2.');
  const client = await actsWith(service.command('token', 'wally@day.example'));
  const { data: found } = await client.rpc('search_users', { query: 'second' });
  assert.deepEqual(
    found.map(({ full_name }) => full_name),
    ['Xenia, the second'],
  );

  writeFileSync(file, `email,full_name,team\nyuri@day.example,Yuri,Day shift\nno address,Zoe,Day shift\n`);
  assert.throws(() => service.command('people', 'import', file), /Entry 2/);
  assert.throws(() => service.command('token', 'yuri@day.example'), /yuri@day\.example/);
});

test('what is wrong is said, with what to do', () => {
  assert.throws(() => service.command('token'), /Tell a person, or --service/);
  assert.throws(() => service.command('token', '--hours', '25', 'uma@night.example'), /1 to 24/);
});

// The specification's own client, as it is written: taken out of the document, compiled, and run by the official client.
// What cannot run as written is in docs/specification-differences.md, with the line that works.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import '../quiet.js';
import { createElement } from 'react';
import { act, create } from 'react-test-renderer';
import ts from 'typescript';
import { until } from '../deadline.js';
import { byFirstName, demo, signIn, signOut, tokenOf } from '../people.js';
import { Service } from '../service.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gptdesk-chat-specification-'));
const service = new Service();
let problems; // what the compiler says of the code
let cast;
let alice; // { client, api }
let bob;
let hook;
let presupposed;
let conversation;

before(async () => {
  await Promise.all([service.start(), compile()]);
  const { anonKey, users } = await demo(service.url);
  cast = byFirstName(users);
  presupposed = await compiled('presupposed');
  hook = (await compiled('hook')).useRealtimeChat;
  const { UserChatAPI } = await compiled('api');
  const person = async (user) => {
    const client = await signIn(service.url, anonKey, await tokenOf(service.url, user));
    presupposed.actAs(client);
    return { id: user.id, client, api: new UserChatAPI() };
  };
  alice = await person(cast.alice);
  bob = await person(cast.bob);
});

after(async () => {
  await Promise.all([alice, bob].filter(Boolean).map(({ client }) => signOut(client)));
  await service.end();
  rmSync(folder, { recursive: true, force: true });
});

/** Takes the two blocks out of the document; imports are all that is put before them. */
function compile() {
  const blocks = [...readFileSync(here('code.txt'), 'utf8').matchAll(/^```typescript\n(.*?)^```$/gms)].map(([, code]) => code);
  assert.equal(blocks.length, 2);
  const names = ['createSupabaseClient', 'createSupabaseClient, useEffect, useState, type UserMessage, type UserPresence'];
  const files = ['api', 'hook'].map((name, i) => {
    writeFileSync(join(folder, `${name}.ts`), `import { ${names[i]} } from './presupposed.js';\n${blocks[i]}`);
    return join(folder, `${name}.ts`);
  });
  writeFileSync(join(folder, 'presupposed.ts'), readFileSync(here('presupposed.ts')));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  symlinkSync(here('../node_modules'), join(folder, 'node_modules'));
  const program = ts.createProgram(files, {
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    types: [],
  });
  problems = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics].map(({ messageText }) =>
    ts.flattenDiagnosticMessageText(messageText, ' '),
  );
}

function compiled(name) {
  return import(pathToFileURL(join(folder, `${name}.js`)));
}

/** The data of an answer without an error. */
async function data(answer) {
  const { data, error } = await answer;
  assert.equal(error, null, JSON.stringify(error));
  return data;
}

test('it compiles, but for raw(), which no client has', () => {
  assert.equal(problems.length, 1, problems.join('\n'));
  assert.match(problems[0], /Property 'raw' does not exist/);
});

test('getOrCreateConversation: one for the two, whoever asks', async () => {
  conversation = await data(alice.api.getOrCreateConversation(alice.id, bob.id));
  assert.match(conversation, /^[0-9a-f-]{36}$/);
  assert.equal(await data(bob.api.getOrCreateConversation(alice.id, bob.id)), conversation);
});

test('sendMessage: the message with its sender', async () => {
  const sent = await data(alice.api.sendMessage(conversation, alice.id, 'as it is written'));
  assert.equal(sent.content, 'as it is written');
  assert.equal(sent.message_type, 'text');
  assert.deepEqual(sent.sender, { id: alice.id, full_name: cast.alice.full_name, avatar_url: cast.alice.avatar_url ?? null });
  const forged = await alice.api.sendMessage(conversation, bob.id, 'not mine');
  assert.equal(forged.error.code, 'PT403');
});

test('getMessages: a page, the newest last, with senders', async () => {
  await data(bob.api.sendMessage(conversation, bob.id, 'an answer'));
  const page = await data(bob.api.getMessages(conversation, 2));
  assert.deepEqual(
    page.map(({ content }) => content),
    ['as it is written', 'an answer'],
  );
  assert.deepEqual(
    page.map(({ sender }) => sender.full_name),
    [cast.alice.full_name, cast.bob.full_name],
  );
  assert.deepEqual(
    (await data(bob.api.getMessages(conversation, 1, 1))).map(({ content }) => content),
    ['as it is written'],
  );
});

test('getConversations: both people and the last message, newest first', async () => {
  const list = await data(alice.api.getConversations(alice.id));
  const [first] = list;
  assert.equal(first.id, conversation);
  assert.deepEqual([first.participant_1.id, first.participant_2.id].sort(), [alice.id, bob.id].sort());
  assert.equal(first.participant_1.status, 'active');
  assert.deepEqual(Object.keys(first.last_message), ['content', 'created_at', 'sender_id']);
  assert.equal(first.last_message.content, 'an answer');
  assert.equal(first.last_message.sender_id, bob.id);
  assert.equal((await data(bob.api.getConversations(alice.id))).length, 1, 'what Bob may see of Alice is theirs');
});

test('markAsRead: not as written; mark_as_read is the line that works', async () => {
  const [last] = (await data(alice.api.getMessages(conversation, 1))).slice(-1);
  await assert.rejects(alice.api.markAsRead([last.id], alice.id), TypeError);
  const { error } = await alice.client
    .from('user_messages')
    .update({ read_by: [alice.id] })
    .in('id', [last.id]);
  assert.equal(error.code, '42501');
  assert.match(error.hint, /mark_as_read/);
  await data(alice.client.rpc('mark_as_read', { message_ids: [last.id] }));
  assert.deepEqual((await data(alice.api.getMessages(conversation, 1)))[0].read_by, [alice.id]);
});

test('searchUsers: active people by name, without oneself', async () => {
  const found = await data(alice.api.searchUsers('bo', alice.id));
  assert.deepEqual(
    found.map(({ id }) => id),
    [bob.id],
  );
  assert.deepEqual(Object.keys(found[0]), ['id', 'full_name', 'email', 'avatar_url', 'status', 'team_id']);
  assert.equal((await data(alice.api.searchUsers('bo', alice.id, found[0].team_id))).length, 1);
  assert.equal((await data(alice.api.searchUsers(cast.alice.full_name, alice.id))).length, 0);
});

test('useRealtimeChat: what sendMessage, updateTypingStatus and updatePresence of the other write', async () => {
  let seen;
  const Chat = () => {
    seen = hook(conversation, bob.id);
    return null;
  };
  await data(alice.api.updatePresence(alice.id, 'away', '/inbox'));
  presupposed.actAs(bob.client);
  globalThis.IS_REACT_ACT_ENVIRONMENT = true;
  let page;
  await act(() => {
    page = create(createElement(Chat));
  });
  globalThis.IS_REACT_ACT_ENVIRONMENT = false; // from here on, changes come by themselves
  const channels = bob.client.getChannels();
  assert.equal(channels.length, 3);
  await until('the three channels', () => channels.every(({ state }) => state === 'joined'));

  const sent = await data(alice.api.sendMessage(conversation, alice.id, 'live'));
  await until('the message', () => seen.messages.some(({ id, content }) => id === sent.id && content === 'live'));

  await data(alice.api.updatePresence(alice.id, 'online', '/inbox'));
  await until('Alice to be online', () => seen.onlineUsers.includes(alice.id));

  await data(alice.api.updateTypingStatus(alice.id, bob.id));
  await until('Alice to type', () => seen.typingUsers.includes(alice.id));
  // The hook as it is written passes over the end, whose is_typing_to is null; the event comes.
  const ends = [];
  const typing = bob.client
    .channel('end-of-typing')
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'user_presence' }, (payload) => ends.push(payload))
    .subscribe();
  await until('the channel', () => typing.state === 'joined');
  await data(alice.api.updateTypingStatus(alice.id, null));
  await until('the end of typing', () => ends.some((end) => end.new.user_id === alice.id && end.new.is_typing_to === null));
  await bob.client.removeChannel(typing);

  await data(alice.api.updatePresence(alice.id, 'busy'));
  await until('Alice not to be online', () => !seen.onlineUsers.includes(alice.id));
  const others = await bob.api.updatePresence(alice.id, 'offline');
  assert.equal(others.error.code, '42501');

  await act(() => page.unmount());
  await until('the channels to be left', () => bob.client.getChannels().length === 0);
});

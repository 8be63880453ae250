// Files by the official client, and resumable ones by tus-js-client, unmodified.
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import './quiet.js';
import { createClient } from '@supabase/supabase-js';
import { createClient as createNewestClient } from 'supabase-js-2.119.1';
import * as tus from 'tus-js-client';
import { demo, signedInWith, tokenOf } from './people.js';
import { Service } from './service.js';

const MIB = 1024 * 1024;
const service = new Service();
const tokens = {};
let people;
const buckets = {}; // by version of the client and by person
let conversation;

before(async () => {
  await service.start();
  const { anonKey, users } = await demo(service.url);
  const [alice] = users.filter(({ full_name }) => full_name.startsWith('Alice'));
  const bob = users.find((user) => user.team_id === alice.team_id && user.id !== alice.id);
  const stranger = users.find((user) => user.team_id !== alice.team_id);
  people = { alice, bob, stranger };
  for (const [version, create] of [
    ['2.109.0', createClient],
    ['2.119.1', createNewestClient],
  ]) {
    buckets[version] = {};
    for (const [name, user] of Object.entries(people)) {
      tokens[name] ??= await tokenOf(service.url, user);
      const client = create(service.url, anonKey, signedInWith(tokens[name]));
      buckets[version][name] = client.storage.from('attachments');
      buckets[version][`${name}Rpc`] = client;
    }
  }
  const { data, error } = await buckets['2.109.0'].aliceRpc.rpc('get_or_create_conversation', { user1_id: alice.id, user2_id: bob.id });
  assert.equal(error, null);
  conversation = data;
});
after(() => service.end());

function path(name) {
  return `${conversation}/${randomUUID()}/${name}`;
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

async function done(promise) {
  const { data, error } = await promise;
  assert.equal(error, null, error?.message);
  return data;
}

async function refused(promise, statusCode) {
  const { data, error } = await promise;
  assert.ok(error, `not refused: ${JSON.stringify(data)}`);
  assert.equal(error.statusCode, statusCode, error.message);
  return error;
}

async function bytesOf(promise) {
  return Buffer.from(await (await done(promise)).arrayBuffer());
}

/** The same promise to both versions. */
function promised(what, check) {
  for (const version of ['2.109.0', '2.119.1']) {
    test(`${what} (supabase-js ${version})`, () => check(buckets[version]));
  }
}

promised('what one uploads the other reads, and a stranger does not', async ({ alice, bob, stranger }) => {
  const name = path('größe 1.txt');
  const text = Buffer.from('hello');
  const stored = await done(alice.upload(name, text, { contentType: 'text/plain', metadata: { by: 'test' } }));
  assert.deepEqual([stored.path, stored.fullPath], [name, `attachments/${name}`]);
  assert.deepEqual(await bytesOf(bob.download(name)), text);
  const info = await done(bob.info(name));
  assert.deepEqual([info.size, info.contentType, info.metadata.by], [5, 'text/plain', 'test']);
  assert.equal(await done(bob.exists(name)), true);
  assert.equal((await stranger.exists(name)).data, false);
  for (const no of [stranger.download(name), stranger.info(name), stranger.createSignedUrl(name, 60), bob.download(path('no'))]) {
    assert.equal((await refused(no, '404')).message, 'Object not found');
  }
  await refused(stranger.upload(path('a.txt'), text), '403');
  assert.deepEqual(await done(stranger.remove([name])), []);
  assert.equal((await fetch(alice.getPublicUrl(name).data.publicUrl)).status, 400, 'nothing is public');
});

/** A grey picture: BMP has no checksums. */
function picture(width, height) {
  const bytes = Buffer.alloc(54 + Math.ceil((width * 3) / 4) * 4 * height, 0x80).fill(0, 0, 54);
  bytes.write('BM');
  for (const [value, at] of [
    [bytes.length, 2],
    [54, 10],
    [40, 14],
    [width, 18],
    [height, 22],
  ]) {
    bytes.writeUInt32LE(value, at);
  }
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}

promised('a picture is read smaller, by who may read it', async ({ alice, bob, stranger }) => {
  const name = path('a.bmp');
  await done(alice.upload(name, picture(400, 200)));
  const { metadata } = await done(bob.info(name));
  assert.deepEqual([metadata.width, metadata.height, metadata.blurhash.length], [400, 200, 28]);
  const small = await done(bob.download(name, { transform: { width: 300 } }));
  assert.equal(small.type, 'image/jpeg');
  assert.equal((await done(bob.download(name, { transform: { width: 321 } }))).type, 'image/bmp', 'none is that large');
  await refused(stranger.download(name, { transform: { width: 300 } }), '404');
  await refused(bob.download(name, { transform: { width: 0.5 } }), '400');
  const { signedUrl } = await done(bob.createSignedUrl(name, 60, { transform: { width: 300, height: 300, resize: 'contain' } }));
  assert.match(signedUrl, /\/render\/image\/sign\//);
  assert.deepEqual(Buffer.from(await (await fetch(signedUrl)).arrayBuffer()), Buffer.from(await small.arrayBuffer()));
  const shown = alice.getPublicUrl(name, { transform: { width: 300 } }).data.publicUrl;
  assert.equal((await fetch(shown)).status, 400, 'nothing is public');
});

promised('what is sent in a message the other receives', async ({ alice, aliceRpc, bob, bobRpc, stranger }) => {
  const image = path('garden.bmp');
  await done(alice.upload(image, picture(40, 20)));
  const file = path('plan.bin');
  const bytes = randomBytes(MIB);
  await done(alice.upload(file, bytes));
  for (const [message_type, file_url] of Object.entries({ image, file })) {
    await done(aliceRpc.rpc('send_message', { conversation_id: conversation, content: '', message_type, file_url }));
  }
  const received = (await done(bobRpc.rpc('get_messages', { conversation_id: conversation }))).slice(-2);
  assert.deepEqual(
    received.map((one) => [one.message_type, one.file_url, one.file_name, one.file_size]),
    [
      ['image', image, 'garden.bmp', picture(40, 20).length],
      ['file', file, 'plan.bin', MIB],
    ],
  );
  assert.deepEqual([received[0].metadata.file.width, received[0].metadata.file.height], [40, 20]);
  assert.equal(sha256(await bytesOf(bob.download(file))), sha256(bytes));
  await refused(stranger.download(file), '404');
});

promised('a Blob is sent as a form', async ({ alice, bob }) => {
  const name = path('blob.bin');
  const bytes = randomBytes(3 * MIB);
  await done(alice.upload(name, new Blob([bytes], { type: 'application/x-thing' }), { cacheControl: '60', metadata: { a: 1 } }));
  assert.equal(sha256(await bytesOf(bob.download(name))), sha256(bytes));
  const info = await done(bob.info(name));
  assert.deepEqual([info.cacheControl, info.metadata.a], ['max-age=60', 1]);
});

promised('a stream is sent as it is read', async ({ alice, bob }) => {
  const name = path('stream.txt');
  await done(alice.upload(name, new Blob(['streamed']).stream(), { contentType: 'text/plain' }));
  assert.equal(String(await bytesOf(bob.download(name))), 'streamed');
});

promised('a file is replaced, moved, listed and removed', async ({ alice, bob }) => {
  const name = path('a.txt');
  const folder = name.slice(0, name.lastIndexOf('/'));
  await done(alice.upload(name, 'one'));
  assert.equal((await refused(alice.upload(name, 'two'), '409')).message, 'The resource already exists');
  await done(alice.upload(name, 'two', { upsert: true }));
  await done(alice.update(name, 'three'));
  assert.equal(String(await bytesOf(bob.download(name))), 'three');
  await done(alice.move(name, `${folder}/b.txt`));
  const [listed] = await done(bob.list(folder));
  assert.deepEqual([listed.name, listed.metadata.size, listed.metadata.mimetype], ['b.txt', 5, 'text/plain']);
  assert.ok((await done(bob.list(''))).some((one) => one.name === conversation && one.id === null));
  const pages = await done(bob.listV2({ prefix: `${folder}/` }));
  assert.deepEqual([pages.objects.map((one) => one.name), pages.hasNext], [[`${folder}/b.txt`], false]);
  assert.deepEqual(await done(bob.remove([`${folder}/b.txt`])), [], 'who did not upload it does not remove it');
  assert.deepEqual(
    (await done(alice.remove([`${folder}/b.txt`]))).map((one) => one.name),
    [`${folder}/b.txt`],
  );
  await refused(bob.download(`${folder}/b.txt`), '404');
});

promised('addresses are signed, to read and to upload', async ({ alice, bob, stranger }) => {
  const name = path('signed.txt');
  const { token, path: there } = await done(alice.createSignedUploadUrl(name));
  await done(stranger.uploadToSignedUrl(there, token, new Blob(['by address'])));
  const { signedUrl } = await done(bob.createSignedUrl(name, 60, { download: 'saved.txt' }));
  const response = await fetch(signedUrl);
  assert.equal(await response.text(), 'by address');
  assert.match(response.headers.get('content-disposition'), /^attachment; .*saved\.txt$/);
  const [one, none] = await done(bob.createSignedUrls([name, path('none')], 60));
  assert.equal(await (await fetch(one.signedUrl)).text(), 'by address');
  assert.equal(none.signedUrl, null);
  assert.ok(none.error);
  assert.equal((await fetch(signedUrl, { headers: { Range: 'bytes=0-1' } })).status, 206);
});

promised('a message names a stored file, and takes it along', async ({ alice, bob, aliceRpc, bobRpc }) => {
  const name = path('sent.txt');
  await done(alice.upload(name, 'sent'));
  const message = await done(
    aliceRpc.rpc('send_message', { conversation_id: conversation, content: 'look', message_type: 'file', file_url: name }),
  );
  assert.deepEqual([message.file_name, message.file_size], ['sent.txt', 4]);
  const last = (await done(bobRpc.rpc('get_messages', { conversation_id: conversation }))).at(-1);
  assert.equal(String(await bytesOf(bob.download(last.file_url))), 'sent');
  await done(aliceRpc.rpc('delete_message', { message_id: message.id }));
  await refused(bob.download(name), '404');
});

// Resumable uploads

/** Ends with the upload, or with null when `until` of a chunk's offset wants it to stop. */
function resumable(name, bytes, token, options = {}) {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(bytes, {
      endpoint: `${service.url}/storage/v1/upload/resumable`,
      headers: { authorization: `Bearer ${token}` },
      chunkSize: 6 * MIB,
      retryDelays: [],
      metadata: { bucketName: 'attachments', objectName: name, contentType: 'application/octet-stream', cacheControl: '60' },
      onError: reject,
      onSuccess: () => resolve(upload),
      ...options,
      onChunkComplete: (size, accepted) => {
        if (options.until?.(accepted)) {
          upload.abort().then(() => resolve(upload), reject);
        }
      },
    });
    upload.start();
  });
}

test('a file of 50 MB is uploaded in parts, sent, and read by the other alone', async () => {
  const bytes = randomBytes(50 * MIB);
  const name = path('large.bin');
  await resumable(name, bytes, tokens.alice);
  const { aliceRpc, bob, bobRpc, stranger } = buckets['2.109.0'];
  await done(aliceRpc.rpc('send_message', { conversation_id: conversation, content: '', message_type: 'file', file_url: name }));
  const [received] = (await done(bobRpc.rpc('get_messages', { conversation_id: conversation }))).slice(-1);
  assert.deepEqual([received.file_url, received.file_size], [name, 50 * MIB]);
  assert.equal(sha256(await bytesOf(bob.download(received.file_url))), sha256(bytes));
  await refused(stranger.download(received.file_url), '404');
});

test('who may no longer use the chat reads nothing more, by no address', async () => {
  const { alice, bob } = buckets['2.119.1'];
  const name = path('until today.txt');
  await done(alice.upload(name, Buffer.from('hello')));
  const { signedUrl } = await done(bob.createSignedUrl(name, 600));
  assert.equal((await fetch(signedUrl)).status, 200);
  service.command('deactivate', people.bob.id);
  try {
    assert.ok((await bob.download(name)).error);
    assert.equal((await bob.exists(name)).data, false);
    assert.ok((await fetch(signedUrl)).status >= 400);
  } finally {
    service.command('activate', people.bob.id);
  }
  assert.equal(String(await bytesOf(bob.download(name))), 'hello');
});

test('an upload goes on where it was interrupted', async () => {
  const bytes = randomBytes(14 * MIB);
  const name = path('interrupted.bin');
  const begun = await resumable(name, bytes, tokens.alice, { until: (accepted) => accepted === 6 * MIB });
  await refused(buckets['2.109.0'].bob.download(name), '404');
  const offsets = [];
  await resumable(name, bytes, tokens.alice, {
    uploadUrl: begun.url,
    onBeforeRequest: (request) => offsets.push(request.getHeader('Upload-Offset')),
  });
  assert.equal(Number(offsets.find((offset) => offset !== undefined)), 6 * MIB, 'the first part is not sent again');
  assert.equal(sha256(await bytesOf(buckets['2.109.0'].bob.download(name))), sha256(bytes));
});

test('data may come with the creation, and an upload may be ended', async () => {
  const name = path('small.bin');
  await resumable(name, Buffer.from('small'), tokens.alice, { uploadDataDuringCreation: true });
  assert.equal(String(await bytesOf(buckets['2.109.0'].bob.download(name))), 'small');
  const other = path('ended.bin');
  const begun = await resumable(other, randomBytes(7 * MIB), tokens.alice, { until: () => true });
  await begun.abort(true);
  const gone = await fetch(begun.url, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0', authorization: `Bearer ${tokens.alice}` } });
  assert.equal(gone.status, 404);
});

test('a stranger uploads nothing in parts', async () => {
  await assert.rejects(resumable(path('a.bin'), randomBytes(10), tokens.stranger), /response code: 403/);
});

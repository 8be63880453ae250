// Files on the page: chosen, pasted, dropped, seen and heard by the other; and what becomes of them without a connection.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fades, isAccessible } from './axe.js';
import { find, openChromium, openFirefox } from './browsers.js';
import { Demo } from './demo.js';
import { complainedOfNothing, Person } from './person.js';
import { Service } from '../node/service.js';
import { until } from '../node/deadline.js';
import { Wire } from './wire.js';

const MIB = 1024 * 1024;
/** White, 60 × 40. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAADwAAAAoAQAAAACKwKRSAAAAEElEQVR42mP4DwUMowxaMgAtiD7QlnLTUQAAAABJRU5ErkJggg==',
  'base64',
);
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** One service for both browsers; each has a conversation of its own. */
const service = new Service();
let demo;

before(async () => {
  await service.start();
  demo = await Demo.at(service.url);
});
after(() => service.end());

const BROWSERS = [
  ['chromium', openChromium, 'bob', 'Bob Brown'],
  ['firefox', openFirefox, 'carol', 'Carol Clark'],
];

for (const [name, open, partner, partnersName] of BROWSERS) {
  const program = find(name);

  describe(`Files, in ${name}`, { skip: program === null && `${name} was not found` }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'gptdesk-chat-files-'));
    let wire;
    let browser;
    let alice;
    let bob; // Carol in Firefox
    let conversation;

    before(async () => {
      browser = await open(program);
      conversation = await demo.between('alice', partner);
      wire = new Wire(service.url);
      alice = new Person('alice', await browser.newPage(), await wire.lay());
      bob = new Person(partner, await browser.newPage(), service.url);
      await Promise.all([alice, bob].map((person) => person.opens(`/messages/${conversation}`)));
      await alice.sees('.composer textarea');
    });
    after(async () => {
      await alice?.shot(`files-${name}`).catch(() => {});
      await browser?.close();
      await wire?.end();
      rmSync(folder, { recursive: true });
      complainedOfNothing([alice, bob].filter(Boolean));
    });

    function file(called, bytes) {
      const path = join(folder, called);
      writeFileSync(path, bytes);
      return path;
    }

    /** By the button with the paper clip: the browser's own dialog is not shown to a program. */
    async function chooses(person, ...paths) {
      await person.turnsToIt();
      const field = await person.page.$('.composer input[type="file"]');
      await (field.setInputFiles ? field.setInputFiles(paths) : field.uploadFile(...paths));
      await person.sees('.file-tray li', paths.at(-1).split('/').at(-1));
    }

    /** As a browser tells it: the files, and what the event is about. */
    function gives(person, event, where, files) {
      return person.page.evaluate(
        ([kind, target, given]) => {
          const data = new DataTransfer();
          for (const [called, type, base64] of given) {
            const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
            data.items.add(new File([bytes], called, { type }));
          }
          const options = { bubbles: true, cancelable: true };
          const told = kind === 'paste' ? new ClipboardEvent(kind, options) : new DragEvent(kind, { ...options, dataTransfer: data });
          if (kind === 'paste') {
            Object.defineProperty(told, 'clipboardData', { value: data });
          }
          return document.querySelector(target).dispatchEvent(told); // false where the page has taken it
        },
        [event, where, files.map(([called, type, bytes]) => [called, type, Buffer.from(bytes).toString('base64')])],
      );
    }

    const presses = (person, key) => person.page.keyboard.press(key);

    /** All bytes of the file that somebody's card would save. */
    async function saved(person, called) {
      await person.sees('a.file-card', called);
      const address = await person.page.evaluate(
        (words) => [...document.querySelectorAll('a.file-card')].find((one) => one.textContent.includes(words)).href,
        called,
      );
      const response = await fetch(address);
      assert.match(response.headers.get('content-disposition'), /^attachment; /);
      return Buffer.from(await response.arrayBuffer());
    }

    const shown = (person, alt) =>
      person.page.evaluate((words) => {
        const image = [...document.querySelectorAll('.image-card img')].find((one) => one.alt === words);
        return image?.complete && image.naturalWidth > 0 ? [image.naturalWidth, image.naturalHeight] : null;
      }, alt);

    test('a picture that one chooses is shown before it is sent, and the other sees it, also large', async () => {
      await chooses(alice, file('garden.png', PICTURE));
      await alice.sees('.file-tray li', 'garden.png');
      if (name === 'chromium') {
        await isAccessible(alice.page, 'files to send', '.composer');
        await alice.shot('files-to-send');
      }
      await alice.writes('our garden');
      await presses(alice, 'Enter');
      await alice.seesNo('.file-tray li');
      await bob.seesMessage('our garden');
      await bob.sees('.image-card img[alt="garden.png"]');
      await until('the picture', async () => (await shown(bob, 'garden.png'))?.join() === '60,40');
      await alice.sees('.message-own:not(.message-sending)', 'our garden');
      await until('her own', async () => (await shown(alice, 'garden.png'))?.join() === '60,40');
      assert.ok(
        await bob.page.evaluate(() => {
          const { width, height } = document.querySelector('.image-card').getBoundingClientRect();
          return Math.abs(width / height - 1.5) < 0.02;
        }),
        'it has the room of its shape',
      );
      await bob.clicks('.image-card');
      await bob.sees('.viewer img[alt="our garden"]');
      await presses(bob, 'Escape');
      await bob.seesNo('.viewer');
    });

    test('a large picture has its room and its blur at once, then a small one comes, and the viewer shows the whole', async () => {
      await bob.page.evaluate(() => {
        const real = window.fetch;
        const held = new Promise((resolve) => (window.letSign = resolve));
        window.fetch = async (request, options) => {
          const ofOne = /\/object\/sign\/attachments\/./.test(request.url ?? request);
          await (ofOne && options?.method === 'POST' && held);
          return real(request, options);
        };
      });
      await chooses(alice, file('flag.bmp', bmp(640, 480)));
      await presses(alice, 'Enter');
      await bob.sees('.message .image-blur');
      const looks = () =>
        bob.page.evaluate(() => {
          const card = [...document.querySelectorAll('.message')].at(-1).querySelector('.image-card');
          const { width, height } = card.getBoundingClientRect();
          return { width, height, list: card.closest('.messages').scrollHeight };
        });
      const before = await looks();
      assert.ok(Math.abs(before.width / before.height - 4 / 3) < 0.02, `${before.width} × ${before.height}`);
      const [left, right] = await bob.page.evaluate(() => {
        const canvas = document.querySelector('.image-blur');
        const at = (x) => [...canvas.getContext('2d').getImageData(x, canvas.height / 2, 1, 1).data];
        return [at(2), at(canvas.width - 3)];
      });
      assert.ok(left[0] > 2 * left[2] && right[2] > 2 * right[0], `red, then blue: ${left}, ${right}`);
      assert.equal(await shown(bob, 'flag.bmp'), null);

      await bob.page.evaluate(() => window.letSign());
      await until('the small picture', async () => (await shown(bob, 'flag.bmp'))?.join() === '320,240');
      await bob.seesNo('.image-blur');
      assert.deepEqual(await looks(), before, 'nothing has moved');
      await bob.clicks('.image-card[aria-label="Image flag.bmp"]');
      await until('the whole picture', () => bob.page.evaluate(() => document.querySelector('.viewer img')?.naturalWidth === 640));
      await presses(bob, 'Escape');
      await bob.seesNo('.viewer');
    });

    test('what is pasted and dropped goes together, a message each; sound plays, and a file is saved', async () => {
      await alice.page.click('.composer textarea');
      await gives(alice, 'paste', '.composer textarea', [['image.png', 'image/png', PICTURE]]);
      await alice.sees('.file-tray li', 'image.png');
      const dropped = [
        ['tone.wav', 'audio/wav', wav()],
        ['größe #1?.txt', 'text/plain', Buffer.from('so tall')],
      ];
      await gives(alice, 'dragover', '.messages', dropped);
      await alice.sees('.drop-zone', `Drop files here to send them to ${partnersName}`);
      await gives(alice, 'drop', '.messages', dropped);
      await alice.seesNo('.drop-zone');
      await alice.sees('.file-tray li', 'größe #1?.txt');
      await chooses(alice, file('not this one.txt', 'x'));
      await alice.clicks('.file-tray .icon-button', 'Remove not this one.txt');
      await alice.seesNo('.file-tray li', 'not this one');
      await alice.clicks('.send-button');

      assert.equal(String(await saved(bob, 'größe _1_.txt')), 'so tall');
      await until('the pasted picture', async () => (await shown(bob, 'image.png')) !== null);
      await bob.sees('audio[aria-label="Sound tone.wav"]');
      const seconds = await bob.page.evaluate(async () => {
        const sound = document.querySelector('audio');
        if (sound.readyState === 0) {
          await new Promise((resolve, reject) => {
            sound.addEventListener('loadedmetadata', resolve, { once: true });
            sound.addEventListener('error', () => reject(new Error(String(sound.error?.message))), { once: true });
          });
        }
        return sound.duration;
      });
      assert.ok(Math.abs(seconds - 0.5) < 0.05, `${seconds} s`);
      const sent = await bob.page.evaluate(() =>
        [...document.querySelectorAll('.message')]
          .slice(-3)
          .map((one) => one.querySelector('.image-card img')?.alt ?? one.querySelector('.file-card-name').textContent),
      );
      assert.deepEqual(sent, ['image.png', 'tone.wav', 'größe _1_.txt'], 'in their order');
      assert.equal(await bob.count('.message', 'not this one'), 0);
    });

    test('a file that is dropped beside the conversation does not take the place of the page', async () => {
      const dropped = [['beside.txt', 'text/plain', Buffer.from('x')]];
      for (const place of ['.sidebar', '.top-bar', 'body']) {
        assert.equal(await gives(alice, 'dragover', place, dropped), false, place);
        assert.equal(await gives(alice, 'drop', place, dropped), false, place);
      }
      assert.equal(await gives(alice, 'drop', '.sidebar', []), true, 'what is no file is left to the browser');
      assert.equal(await alice.count('.file-tray li'), 0);
    });

    test('what is chosen stays with its conversation until it is sent', async () => {
      const [other, othersName] = partner === 'bob' ? ['carol', 'Carol Clark'] : ['bob', 'Bob Brown'];
      await demo.between('alice', other);
      await chooses(alice, file('for later.txt', 'x'));
      await alice.choosesConversation(othersName);
      assert.equal(await alice.count('.file-tray li'), 0);
      await alice.choosesConversation(partnersName);
      await alice.sees('.file-tray li', 'for later.txt');
      await alice.clicks('.file-tray .icon-button', 'Remove for later.txt');
      await alice.choosesConversation(othersName);
      await alice.choosesConversation(partnersName);
      assert.equal(await alice.count('.file-tray li'), 0, 'what was removed does not come back');
    });

    test('nobody else gets a file by any way', async () => {
      const [stored] = (await demo.calls(partner, 'get_messages', { conversation_id: conversation })).filter(({ file_url }) => file_url);
      const token = { Authorization: `Bearer ${await demo.token('mallory')}` };
      const storage = `${service.url}/storage/v1/object`;
      for (const way of ['authenticated/', 'info/', '']) {
        const answer = await fetch(`${storage}/${way}attachments/${stored.file_url}`, { headers: token });
        assert.equal(answer.status, 400, way);
        assert.equal((await answer.json()).statusCode, '404');
      }
      const sign = (name) =>
        fetch(`${storage}/sign/attachments`, {
          method: 'POST',
          headers: { ...name, 'Content-Type': 'application/json' },
          body: JSON.stringify({ expiresIn: 60, paths: [stored.file_url] }),
        }).then((answer) => answer.json());
      assert.equal((await sign(token))[0].signedURL, null);
      assert.ok((await sign({ Authorization: `Bearer ${await demo.token(partner)}` }))[0].signedURL, 'and the partner does');
    });

    test('when the service refuses a file, it says why in words, and it can be sent again', async () => {
      await demo.calls(partner, 'block_user', { user_id: demo.user('alice').id });
      await chooses(alice, file('refused.txt', 'for whoever takes it'));
      await presses(alice, 'Enter');
      await alice.sees('.message-problem', 'This person does not take messages from you.');
      await demo.calls(partner, 'unblock_user', { user_id: demo.user('alice').id });
      await alice.clicks('.message-problem button', 'Try again');
      await alice.seesNo('.message-problem');
      assert.equal(String(await saved(bob, 'refused.txt')), 'for whoever takes it');
    });

    test('an upload that is cancelled leaves nothing', async () => {
      wire.letUploadsPass(1);
      await chooses(alice, file('cancelled.bin', randomBytes(13 * MIB)));
      await presses(alice, 'Enter');
      await until('the second part to break', () => wire.broken > 0);
      await alice.sees('.upload [role="status"]', '% uploaded');
      assert.match((await alice.texts('.upload-part')).join(), /^[4-9]\d%$/);
      if (name === 'chromium') {
        await fades(alice.page);
        await isAccessible(alice.page, 'an upload', '.message:has(.upload)');
        await alice.shot('upload');
      }
      await alice.sends('this does not wait for a file');
      await bob.seesOnce('this does not wait for a file');
      await alice.clicks('.upload .icon-button', 'Cancel the upload of cancelled.bin');
      await alice.seesNo('.message', 'cancelled.bin');
      wire.letUploadsPass(Infinity);
      await alice.sends('after that');
      await bob.seesOnce('after that');
      assert.equal(await bob.count('.message', 'cancelled.bin'), 0);
      await alice.page.reload();
      await alice.seesMessage('after that');
      assert.equal(await alice.count('.message', 'cancelled.bin'), 0);
    });

    test('an upload goes on after the page was loaded again', async () => {
      const bytes = randomBytes(13 * MIB);
      wire.letUploadsPass(1);
      await chooses(alice, file('reloaded.bin', bytes));
      await presses(alice, 'Enter');
      await until('the second part to break', () => wire.broken > 0);
      wire.letUploadsPass(0);
      await alice.page.reload();
      await alice.sees('.message-sending', 'reloaded.bin');
      await until('the part to break again', () => wire.broken > 0);
      wire.letUploadsPass(Infinity);
      assert.equal(sha256(await saved(bob, 'reloaded.bin')), sha256(bytes));
      await alice.seesNo('.message-sending');
      assert.ok(wire.sent < 8 * MIB, `the first 6 MiB were not sent again: ${wire.sent} bytes`);
      assert.equal(await alice.count('.message', 'reloaded.bin'), 1);
      assert.equal(await bob.count('.message', 'reloaded.bin'), 1);
    });

    if (name === 'firefox') {
      test('50 MB arrive whole', async () => {
        const bytes = randomBytes(50 * MIB);
        await chooses(alice, file('large.bin', bytes));
        await presses(alice, 'Enter');
        assert.equal(sha256(await saved(bob, 'large.bin')), sha256(bytes));
      });
    }

    // Once is enough: what a browser does differently is in the tests above.
    if (name === 'chromium') {
      test('50 MB go on where they were after a lost connection, and arrive once', async () => {
        const bytes = randomBytes(50 * MIB);
        wire.letUploadsPass(3);
        await chooses(alice, file('large.bin', bytes));
        await presses(alice, 'Enter');
        await until('the fourth part to break', () => wire.broken > 0);
        wire.cut();
        await alice.sees('.banner', 'Connection lost');
        wire.letUploadsPass(Infinity);
        wire.mend();
        await alice.seesNo('.upload');
        assert.equal(sha256(await saved(bob, 'large.bin')), sha256(bytes));
        await alice.sees('.message-own:not(.message-sending)', 'large.bin');
        for (const person of [alice, bob]) {
          assert.equal(await person.count('.message', 'large.bin'), 1, `${person.name} has it once`);
        }
        assert.ok(wire.sent < 33 * MIB, `the first 18 MiB were not sent again: ${wire.sent} bytes`);
      });

      test('a file that has changed since it was chosen fails alone, in words', async () => {
        const path = file('changed.txt', 'as it was chosen');
        await chooses(alice, path);
        writeFileSync(path, 'as it is now');
        utimesSync(path, new Date(), new Date(Date.now() + 60_000)); // browsers compare whole seconds
        await presses(alice, 'Enter');
        await alice.sees('.message-problem', 'This file has changed since you chose it.');
        await chooses(alice, file('behind it.txt', 'not held back'));
        await presses(alice, 'Enter');
        assert.equal(String(await saved(bob, 'behind it.txt')), 'not held back');
        await alice.clicks('.message-problem button', 'Try again');
        await alice.sees('.message-problem', 'This file has changed since you chose it.');
        await alice.clicks('.message-problem button', 'Discard');
        await alice.seesNo('.message', 'changed.txt');
        assert.equal(await bob.count('.message', 'changed.txt'), 0);
      });

      test('a file that is too large is not taken; without a store there is no button', async () => {
        const person = new Person('alice', await browser.newPage(), service.url);
        let change = (answer) => (answer.limits.max_file_bytes = 1000);
        await person.page.route('**/page.json', async (route) => {
          const response = await route.fetch();
          const json = await response.json();
          change(json);
          await route.fulfill({ response, json });
        });
        await person.opens(`/messages/${conversation}`);
        await person.seesMessage('after that');
        await chooses(person, file('large.txt', Buffer.alloc(1001)), file('small.txt', 'x'));
        await person.sees('.file-tray-problem', 'large.txt is too large. A file has at most 1.0 kB.');
        assert.equal(await person.count('.file-tray li'), 1);
        change = (answer) => (answer.files = false);
        await person.opens(`/messages/${conversation}`);
        await person.seesMessage('after that');
        await person.sees('[aria-label="Emoji"]');
        assert.equal(await person.count('.composer input[type="file"]'), 0);
        assert.deepEqual(person.complaints, []);
        await browser.closePage(person.page);
      });

      test('in Arabic and in forced colours', async () => {
        const person = new Person('alice', await browser.newPage({ forcedColors: 'active', locale: 'ar' }), service.url);
        await person.opens(`/messages/${conversation}`);
        await person.seesMessage('after that');
        await chooses(person, file('صورة.png', PICTURE));
        await person.sees('.file-tray[aria-label="ملفات للإرسال"]');
        await person.standsStill();
        await person.shot('files-arabic');
        assert.deepEqual(person.complaints, []);
        await browser.closePage(person.page);
      });
    }
  });
}

/** Red at its left half, blue at its right. */
function bmp(width, height) {
  const pixels = Buffer.alloc(width * height * 3);
  for (let at = 0; at < width * height; at++) {
    pixels[at * 3 + (at % width < width / 2 ? 2 : 0)] = 255; // blue, green, red
  }
  const header = Buffer.alloc(54);
  header.write('BM', 0);
  header.writeUInt32LE(54 + pixels.length, 2);
  header.writeUInt32LE(54, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(1, 26); // plane
  header.writeUInt16LE(24, 28); // bits of a pixel
  return Buffer.concat([header, pixels]);
}

/** Half a second of silence. */
function wav() {
  const rate = 8000;
  const samples = Buffer.alloc(rate / 2, 128);
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20); // PCM
  header.writeUInt16LE(1, 22); // mono
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}

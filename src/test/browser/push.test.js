// Push notifications in Chromium: from a click to a push service of our own, and from a push to the screen. No browser here
// reaches a real push service, so the page is given a subscription to ours, and the worker its push by the browser's debugger.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createDecipheriv, createECDH, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { find, openChromium } from './browsers.js';
import { Demo } from './demo.js';
import { complainedOfNothing, Person } from './person.js';
import { Service } from '../node/service.js';
import { until } from '../node/deadline.js';

const program = find('chromium');

/** Runs in the page: a push manager whose subscriptions lead to the test; and when it begins to hear its worker. */
function subscribing({ endpoint, keys }) {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  const manager = {
    subscription: null,
    getSubscription: async () => manager.subscription,
    subscribe: async ({ userVisibleOnly, applicationServerKey }) => {
      manager.subscription = {
        endpoint,
        userVisibleOnly,
        options: { applicationServerKey: bytes(applicationServerKey).buffer },
        toJSON: () => ({ endpoint, keys }),
        unsubscribe: async () => {
          manager.subscription = null;
          window.unsubscribed = true;
        },
      };
      return manager.subscription;
    },
  };
  Object.defineProperty(ServiceWorkerRegistration.prototype, 'pushManager', { get: () => manager });
  window.played = manager;
  const { serviceWorker } = navigator;
  const listen = serviceWorker.addEventListener.bind(serviceWorker);
  window.hears = new Promise((resolve) => {
    serviceWorker.addEventListener = (type, listener) => {
      listen(type, listener);
      if (type === 'message') {
        resolve();
      }
    };
  });
}

/** A browser's half of RFC 8291. */
class PlayedBrowser {
  #ecdh = createECDH('prime256v1');
  #secret = randomBytes(16);

  constructor() {
    this.#ecdh.generateKeys();
  }

  get keys() {
    return { p256dh: this.#ecdh.getPublicKey('base64url'), auth: this.#secret.toString('base64url') };
  }

  decrypt(body) {
    const salt = body.subarray(0, 16);
    const sender = body.subarray(21, 21 + body[20]);
    const record = body.subarray(21 + body[20]);
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.#ecdh.getPublicKey(), sender]);
    const input = hkdfSync('sha256', this.#ecdh.computeSecret(sender), this.#secret, info, 32);
    const part = (name, length) => Buffer.from(hkdfSync('sha256', input, salt, `Content-Encoding: ${name}\0`, length));
    const cipher = createDecipheriv('aes-128-gcm', part('aes128gcm', 16), part('nonce', 12));
    cipher.setAuthTag(record.subarray(-16));
    const padded = Buffer.concat([cipher.update(record.subarray(0, -16)), cipher.final()]);
    return JSON.parse(padded.subarray(0, padded.lastIndexOf(2)).toString());
  }
}

describe('Push notifications, in chromium', { skip: program === null && 'chromium was not found' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gptdesk-chat-push-'));
  const received = [];
  const played = new PlayedBrowser();
  const pushService = createServer(async (request, response) => {
    const parts = await request.toArray();
    received.push({ path: request.url, headers: request.headers, body: Buffer.concat(parts) });
    response.writeHead(201).end();
  });
  let service;
  let browser;
  let demo;
  let alice;
  let withBob;
  let withCarol;
  let push;

  before(async () => {
    await new Promise((resolve) => pushService.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${pushService.address().port}`;
    const key = join(folder, 'push.key');
    execFileSync(fileURLToPath(new URL('../../../scripts/java', import.meta.url)), ['push-keys', key]);
    service = new Service({
      settings: {
        CHAT_PUSH_KEY_FILE: key,
        CHAT_PUSH_SUBJECT: 'mailto:ops@example.org',
        CHAT_PUSH_HOSTS: origin,
        CHAT_PUSH_POLL_MS: '50',
        CHAT_PUSH_TEXT: 'true',
      },
    });
    await service.start();
    demo = await Demo.at(service.url);
    withBob = await demo.between('alice', 'bob');
    withCarol = await demo.between('alice', 'carol');
    await demo.calls('alice', 'set_muted', { conversation_id: withCarol, until: null });
    browser = await openChromium(program);
    alice = new Person('alice', await browser.newPage({ permissions: ['notifications'], serviceWorkers: 'allow' }), service.url);
    await alice.prepares(subscribing, { endpoint: `${origin}/alice`, keys: played.keys });
    const session = await alice.page.context().newCDPSession(alice.page);
    let registrationId;
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      registrationId = registrations.find(({ isDeleted }) => !isDeleted)?.registrationId ?? registrationId;
    });
    await session.send('ServiceWorker.enable');
    push = async (notice) => {
      await until('the worker to be registered', async () => registrationId !== undefined);
      await session.send('ServiceWorker.deliverPushMessage', {
        origin: service.url,
        registrationId,
        data: JSON.stringify(notice),
      });
    };
  });
  after(async () => {
    await browser?.close();
    await service?.end();
    pushService.close();
    rmSync(folder, { recursive: true, force: true });
    complainedOfNothing([alice].filter(Boolean));
  });

  const devices = () => demo.calls('alice', 'get_push_subscriptions', {});
  const shown = () =>
    alice.page.evaluate(() =>
      // As the page and its worker: Chromium forgets one that is asked for while it is being shown.
      navigator.locks.request('gptdesk-chat:notifications', async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        return (await registration.getNotifications()).map(({ title, body }) => `${title}: ${body}`).sort();
      }),
    );
  const shows = (...expected) => until(`shown: ${expected}`, async () => String(await shown()) === String(expected));
  const opensDialog = async () => {
    await alice.clicks('.me');
    await alice.clicks('[role="menuitem"]', 'Notifications…');
    await alice.sees('.dialog', 'For this browser, on this device.');
  };
  const notice = (conversation, seq, sender, text, user = demo.user('alice').id) => ({
    type: 'message',
    user,
    conversation,
    seq,
    sender,
    text,
  });
  let told;

  test('a click subscribes this browser, and the page says that it is told', async () => {
    await alice.opens();
    assert.deepEqual(await devices(), []);
    await opensDialog();
    await alice.clicks('.choice', 'Show messages while');
    await alice.page.evaluate(() => window.dispatchEvent(new Event('blur')));
    await alice.sees('.dialog', 'Messages reach this device while the page is closed, too.');
    await alice.shot('push-on');
    await alice.page.keyboard.press('Escape');
    await alice.seesNo('.dialog');
    const [device] = await devices();
    assert.ok(device.endpoint.endsWith('/alice'));
    assert.equal(device.shows_text, true);
    const { push_key } = await (await fetch(`${service.url}/page.json`)).json();
    const applied = await alice.page.evaluate(() => [...new Uint8Array(window.played.subscription.options.applicationServerKey)]);
    assert.equal(Buffer.from(applied).toString('base64url'), push_key);
  });

  test('while no page is open, a message comes encrypted for this browser', async () => {
    await alice.page.goto(`${service.url}/page.json`);
    await until('alice to be away', async () => {
      const conversations = await demo.calls('bob', 'get_conversations', {});
      return conversations.find(({ id }) => id === withBob).other_user.presence.status === 'offline';
    });
    await demo.sends('bob', withBob, 'while you were out');
    await until('the push', async () => received.length > 0);
    assert.equal(received[0].path, '/alice');
    told = played.decrypt(received[0].body);
    assert.deepEqual(told, notice(withBob, told.seq, 'Bob Brown', 'while you were out'));
  });

  test('its worker shows the newest of each conversation, once, and nothing of another person', async () => {
    await push(told);
    await shows('Bob Brown: while you were out');
    await push(told);
    await push(notice(withBob, told.seq + 1, 'Bob Brown', null));
    await push(told); // overtaken
    await push(notice(withCarol, 1, 'Carol Clark', 'not for you', demo.user('bob').id));
    await push(notice(withCarol, 1, 'Carol Clark', 'a marker'));
    await shows('Bob Brown: New message', 'Carol Clark: a marker');
  });

  test('of many conversations at once, each is kept', async () => {
    const conversations = Array.from({ length: 20 }, (_, number) => number);
    await Promise.all(conversations.map((number) => push(notice(randomUUID(), 1, `Person ${String(number).padStart(2, '0')}`, null))));
    await shows(
      'Bob Brown: New message',
      'Carol Clark: a marker',
      ...conversations.map((number) => `Person ${String(number).padStart(2, '0')}: New message`),
    );
    await alice.page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      const all = await registration.getNotifications();
      all.filter(({ title }) => title.startsWith('Person')).forEach((one) => one.close());
    });
    await shows('Bob Brown: New message', 'Carol Clark: a marker');
  });

  test('a click on it opens the conversation; what is read goes away; a page that is seen tells itself', async () => {
    // Clicked while the page still loads.
    await alice.page.goto(`${service.url}/messages?as=alice`, { waitUntil: 'commit' });
    await alice.page.evaluate(() => window.hears);
    const [worker] = alice.page.context().serviceWorkers();
    await worker.evaluate(async () => {
      const all = await self.registration.getNotifications();
      const notification = all.find(({ title }) => title === 'Bob Brown');
      self.dispatchEvent(new NotificationEvent('notificationclick', { notification }));
    });
    await alice.sees('.chat-title h2', 'Bob Brown');
    await demo.calls('alice', 'mark_conversation_as_read', { conversation_id: withCarol }); // as on another device
    await shows();
    await worker.evaluate(() => {
      const real = self.clients.matchAll.bind(self.clients);
      const matchAll = async (options) => {
        const windows = await real(options);
        self.looked = true;
        return windows;
      };
      Object.defineProperty(self.clients, 'matchAll', { value: matchAll });
    });
    await push(notice(withBob, told.seq + 2, 'Bob Brown', 'seen on the page'));
    await until('the worker to look for windows', () => worker.evaluate(() => self.looked === true));
    await alice.page.goto(`${service.url}/page.json`);
    await push(notice(withCarol, 3, 'Carol Clark', 'a marker'));
    await shows('Carol Clark: a marker');
  });

  test('turned off, the browser is forgotten on both sides', async () => {
    await alice.opens();
    await until('the page to subscribe again', () => alice.page.evaluate(() => window.played.subscription !== null));
    await opensDialog();
    await alice.clicks('.choice', 'Show messages while');
    await until('the device to be removed', async () => (await devices()).length === 0);
    await until('the browser to be told', () => alice.page.evaluate(() => window.unsubscribed === true));
    assert.equal(await alice.page.evaluate(() => caches.has('gptdesk-chat-push')), false);
  });
});

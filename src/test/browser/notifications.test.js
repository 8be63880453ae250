// Messages that nobody looks at on the desktop, and the page without its service. In Chromium and in Firefox.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { isAccessible } from './axe.js';
import { find, openChromium, openFirefox } from './browsers.js';
import { Demo } from './demo.js';
import { complainedOfNothing, Person } from './person.js';
import { Service } from '../node/service.js';
import { until } from '../node/deadline.js';
import { Wire } from './wire.js';

/** Runs in the page: what it asked for and showed; and whether its person looks, which no driver can say of a window. */
function watched(android) {
  const Real = window.Notification;
  window.asked = 0;
  window.shown = [];
  window.looks = true;
  document.hasFocus = () => window.looks;
  window.Notification = class extends Real {
    constructor(title, options) {
      if (android) {
        throw new TypeError('Illegal constructor');
      }
      super(title, options);
      window.shown.push({ title, options, itself: this });
    }

    static requestPermission() {
      window.asked++;
      return super.requestPermission();
    }
  };
}

/** Runs in the page: an error that its console is told has no text in Firefox. */
function errorsAsText() {
  const tell = console.error;
  console.error = (...told) => tell(...told.map(String));
}

const service = new Service();
let demo;
let withBob;
let withCarol;

before(async () => {
  await service.start();
  demo = await Demo.at(service.url);
  withBob = await demo.between('alice', 'bob');
  withCarol = await demo.between('alice', 'carol');
});
after(() => service.end());

for (const [name, open] of Object.entries({ chromium: openChromium, firefox: openFirefox })) {
  const program = find(name);

  describe(`Notifications and the offline shell, in ${name}`, { skip: program === null && `${name} was not found` }, () => {
    let browser;
    let wire;
    let url;
    let alice;

    before(async () => {
      browser = await open(program);
      await demo.calls('alice', 'set_muted', { conversation_id: withCarol, until: null });
      wire = new Wire(service.url);
      url = await wire.lay();
      alice = new Person('alice', await browser.newPage({ permissions: ['notifications'], serviceWorkers: 'allow' }), url);
      await alice.prepares(watched, false);
      await alice.opens();
    });
    after(async () => {
      await browser?.close();
      await wire?.end();
      complainedOfNothing([alice].filter(Boolean));
    });

    const looks = async (person, there) => {
      await person.page.evaluate((now) => {
        window.looks = now;
        window.dispatchEvent(new Event(now ? 'focus' : 'blur'));
      }, there);
      await until('the other tabs to know', () =>
        person.page.evaluate(
          async (now) => (await navigator.locks.query()).held.some(({ name: lock }) => lock.includes(':looking:')) === now,
          there,
        ),
      );
    };
    /** A tab of theirs is connected, and would show what comes. */
    const tells = (person) =>
      until('a tab to tell of messages', () =>
        person.page.evaluate(async () => (await navigator.locks.query()).held.some(({ name: lock }) => lock.includes(':telling:'))),
      );
    /** The list has it, and what the page then asked, whether one looks, is answered: what is told has been decided. */
    const hears = async (person, text) => {
      await person.sees('.conversation', text);
      await person.page.evaluate(() => navigator.locks.query().then(() => {}));
    };
    const shown = (person) => person.page.evaluate(() => window.shown.map(({ title, options }) => `${title}: ${options.body}`));
    const shows = (person, count) =>
      until(
        () => `${count} notifications`,
        async () => (await shown(person)).length === count,
      );

    test('nobody is asked at the start; once a message was missed, a click turns notifications on', async () => {
      assert.equal(await alice.count('.banner-offer'), 0);
      await looks(alice, false);
      await tells(alice);
      await demo.sends('bob', withBob, 'missed');
      await alice.sees('.banner-offer', 'A message came while you were not looking.');
      assert.deepEqual(await alice.page.evaluate(() => [window.asked, window.shown.length]), [0, 0]);
      await alice.shot(`notifications-offer-${name}`);
      if (name === 'chromium') {
        await isAccessible(alice.page, 'offer');
      }
      await alice.clicks('.banner-offer button', 'Turn on');
      await alice.seesNo('.banner-offer');
      assert.equal(await alice.page.evaluate(() => window.asked), 1);
    });

    test('a message that nobody looks at is shown, and a click on it opens its conversation', async () => {
      await tells(alice); // anew, since they were turned on
      await demo.sends('bob', withBob, 'for the desktop');
      await shows(alice, 1);
      assert.deepEqual(await shown(alice), ['Bob Brown: for the desktop']);
      await alice.page.evaluate(() => window.shown[0].itself.dispatchEvent(new Event('click')));
      await alice.sees('.chat-title h2', 'Bob Brown');
      await alice.seesMessage('for the desktop');
    });

    test('not while one looks, not of a muted conversation', async () => {
      await looks(alice, true);
      await demo.sends('bob', withBob, 'seen at once');
      await hears(alice, 'seen at once');
      await looks(alice, false);
      // It stays muted: whether it still is, the page asks before it tells of a message.
      await demo.calls('alice', 'set_muted', { conversation_id: withCarol, until: 'infinity' });
      await alice.sees('.conversation [aria-label="Muted"]');
      await demo.sends('carol', withCarol, 'muted');
      await alice.sees('.conversation', 'muted');
      await demo.sends('bob', withBob, 'a marker');
      await shows(alice, 2);
      assert.deepEqual((await shown(alice)).slice(1), ['Bob Brown: a marker']);
    });

    test('the text can be hidden, and all of it turned off', async () => {
      const choice = async (label) => {
        await alice.clicks('.me');
        await alice.clicks('[role="menuitem"]', 'Notifications…');
        await alice.sees('.dialog', 'For this browser, on this device.');
        await alice.clicks('.choice', label);
        await alice.page.keyboard.press('Escape');
        await alice.seesNo('.dialog');
      };
      await choice('Show what they say');
      await demo.sends('bob', withBob, 'a secret');
      await shows(alice, 3);
      assert.equal((await shown(alice))[2], 'Bob Brown: New message');

      await choice('Show messages while');
      await demo.sends('bob', withBob, 'not to be shown');
      await hears(alice, 'not to be shown');
      await choice('Show messages while');
      await choice('Show what they say');
      await tells(alice);
      await demo.sends('bob', withBob, 'shown again');
      await shows(alice, 4);
      assert.equal((await shown(alice))[3], 'Bob Brown: shown again');
    });

    test('of several tabs one shows it, and none while one looks at another', async () => {
      const other = new Person('alice', await browser.newTab(alice.page), url);
      await other.prepares(watched, false);
      await other.opens();
      await looks(other, true);
      await demo.sends('bob', withBob, 'seen in the other tab');
      await hears(alice, 'seen in the other tab');
      await hears(other, 'seen in the other tab');
      await looks(other, false);
      await demo.sends('bob', withBob, 'seen in none');
      await shows(alice, 5);
      await other.sees('.conversation', 'seen in none');
      await demo.sends('bob', withBob, 'another marker');
      await shows(alice, 6);
      assert.deepEqual((await shown(alice)).slice(4), ['Bob Brown: seen in none', 'Bob Brown: another marker']);
      assert.deepEqual(await shown(other), []);
      assert.deepEqual(other.complaints, []);
      await other.page.close();
    });

    test('the worker keeps what opens the page and nothing else; a build before it is removed', async () => {
      const person = new Person('alice', await browser.newPage({ serviceWorkers: 'allow' }), url);
      await person.page.goto(`${url}/page.json`);
      await person.page.evaluate(async () => {
        await (await caches.open('gptdesk-chat-shell:older')).put('/messages', new Response('older'));
        await caches.open('of-somebody-else');
      });
      await person.opens();
      await until('the worker to be ready', () =>
        person.page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state === 'activated'),
      );
      const kept = await person.page.evaluate(async () => {
        const names = await caches.keys();
        const shell = names.find((one) => one.startsWith('gptdesk-chat-shell:'));
        const requests = await (await caches.open(shell)).keys();
        return { names, paths: requests.map((request) => new URL(request.url).pathname) };
      });
      assert.equal(kept.names.filter((one) => one.startsWith('gptdesk-chat-shell:')).length, 1, `${kept.names}`);
      assert.ok(!kept.names.includes('gptdesk-chat-shell:older') && kept.names.includes('of-somebody-else'), `${kept.names}`);
      assert.ok(kept.paths.includes('/messages') && kept.paths.length > 3, `${kept.paths}`);
      assert.deepEqual(
        kept.paths.filter((path) => path !== '/messages' && !path.startsWith('/assets/')),
        [],
      );
      assert.deepEqual(person.complaints, []);
      await browser.closePage(person.page);
    });

    test('without the service the page opens and says so; what was written is kept, and sent when it is back', async () => {
      await until('the worker to be ready', () =>
        alice.page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state === 'activated'),
      );
      wire.cut();
      await alice.sends(`written offline in ${name}`);
      await alice.sees('.message-sending', `written offline in ${name}`);
      await alice.page.reload();
      await alice.sees('.empty', 'The chat cannot be opened');
      await alice.sees('.empty', '1 message you wrote is kept here');
      await alice.shot(`offline-${name}`);
      wire.mend();
      await alice.seesOnce(`written offline in ${name}`);
      await alice.seesNo('.message-sending');
    });

    test('without the service, what is not loaded yet says so where it was wanted, and the rest stays', async () => {
      const icon = readdirSync(new URL('../../../target/classes/page/assets', import.meta.url)).find((one) => one.endsWith('.svg'));
      const { id } = await demo.calls('alice', 'send_message', {
        conversation_id: withBob,
        content: 'an image',
        message_type: 'image',
        file_url: `${url}/assets/${icon}`,
      });
      const bob = new Person('bob', await browser.newPage(), url);
      await bob.prepares(watched, false);
      await bob.prepares(errorsAsText);
      await bob.opens(`/messages/${withBob}`);
      await until('the image', () => bob.page.evaluate(() => document.querySelector('.image-card img')?.naturalWidth > 0));
      wire.cut();
      await looks(bob, false);
      await bob.clicks('.image-card');
      await bob.sees('.notice-not-loaded', 'This part of the page could not be loaded.');
      await bob.sees('.conversation', 'Alice');
      await bob.seesMessage('missed');
      wire.mend();
      await bob.clicks('.notice-not-loaded button', 'Try again');
      if (name === 'firefox') {
        // It asks for no script twice.
        await bob.clicks('.notice-not-loaded button', 'Load the page again');
        await bob.seesNo('.notice-not-loaded');
        await bob.clicks('.image-card');
      }
      await bob.sees('.viewer');
      await demo.calls('alice', 'delete_message', { message_id: id });
      assert.deepEqual(bob.complaints, []);
      await browser.closePage(bob.page);
    });

    if (name === 'chromium') {
      test('it can be installed', async () => {
        const session = await alice.page.context().newCDPSession(alice.page);
        const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
        // A page of its own context is as private browsing, where nothing is installed.
        assert.deepEqual(
          installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito'),
          [],
        );
        const manifest = await (await fetch(`${url}/manifest.webmanifest`)).json();
        for (const { src, sizes, type } of manifest.icons) {
          const answer = await fetch(url + src);
          assert.equal(answer.headers.get('content-type'), type, src);
          if (type === 'image/png') {
            const header = new DataView(await answer.arrayBuffer());
            assert.equal(`${header.getUint32(16)}x${header.getUint32(20)}`, sizes, src);
          }
        }
      });

      test('where notifications need the worker, as on Android, it shows them, takes them away and opens their conversation', async () => {
        const phone = new Person('alice', await browser.newPage({ permissions: ['notifications'], serviceWorkers: 'allow' }), url);
        await demo.calls('alice', 'set_muted', { conversation_id: withCarol, until: null });
        await phone.prepares(watched, true);
        await phone.prepares(() => localStorage.setItem('gptdesk-chat:notifications', 'on'));
        await phone.opens();
        await phone.page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
        await looks(phone, false);
        await tells(phone);
        const bodies = () =>
          phone.page.evaluate(() =>
            navigator.locks.request('gptdesk-chat:notifications', async () => {
              const registration = await navigator.serviceWorker.getRegistration();
              return (await registration.getNotifications()).map(({ body }) => body);
            }),
          );
        await demo.sends('carol', withCarol, 'seen on coming back');
        await until('the notification', async () => (await bodies()).includes('seen on coming back'));
        await looks(phone, true);
        await until('no notification', async () => (await bodies()).length === 0);
        await looks(phone, false);
        // Of another conversation: Chromium may still be taking away the one of the same tag.
        await demo.sends('bob', withBob, 'on the phone');
        await until('the notification', async () => (await bodies()).includes('on the phone'));
        const [worker] = phone.page.context().serviceWorkers();
        await worker.evaluate(async () => {
          const [notification] = await self.registration.getNotifications();
          self.dispatchEvent(new NotificationEvent('notificationclick', { notification }));
        });
        await phone.sees('.chat-title h2', 'Bob Brown');
        assert.deepEqual(phone.complaints, []);
        await browser.closePage(phone.page);
      });
    }
  });
}

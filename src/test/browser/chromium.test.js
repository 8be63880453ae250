// The Messages page in Chromium: two and three people, each in a context of their own.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fades, isAccessible } from './axe.js';
import { find, openChromium } from './browsers.js';
import { Demo } from './demo.js';
import { complainedOfNothing, Person } from './person.js';
import { Service } from '../node/service.js';
import { PATIENCE, until } from '../node/deadline.js';
import { coreStory } from './story.js';
import { Wire } from './wire.js';

const chromium = find('chromium');
const LONG = 500;

describe('Chromium', { skip: chromium === null && 'chromium was not found' }, () => {
  const service = new Service();
  const scene = {};
  const everybody = [];
  let browser;

  async function somebody(name, url = service.url, options = {}) {
    const person = new Person(name, await browser.newPage(options), url);
    everybody.push(person);
    return person;
  }

  async function leaves(person) {
    await browser.closePage(person.page);
  }

  before(async () => {
    await service.start();
    browser = await openChromium(chromium);
    scene.demo = await Demo.at(service.url);
    scene.alice = await somebody('alice');
    scene.bob = await somebody('bob');
  });
  after(async () => {
    await browser?.close();
    await service.end();
    complainedOfNothing(everybody);
  });

  coreStory(scene);

  test('presence: online when she comes, offline when her window closes', async () => {
    const { alice } = scene;
    await alice.opens();
    const bob = await somebody('bob');
    await leaves(scene.bob);
    await bob.opens();
    await alice.choosesConversation('Bob');
    await alice.sees('.chat-title p', 'Online');
    await leaves(bob);
    await alice.sees('.chat-title p', 'Offline');
    scene.bob = await somebody('bob');
    await scene.bob.opens();
    await alice.sees('.chat-title p', 'Online');
    await scene.bob.choosesConversation('Alice');
  });

  test('a new conversation by keyboard alone; a third person hears nothing of it', async () => {
    const { alice, bob } = scene;
    const carol = await somebody('carol');
    await Promise.all([alice.opens(), bob.opens(), carol.opens()]);
    await alice.page.focus('[aria-label="New conversation"]');
    await alice.page.keyboard.press('Enter');
    await alice.sees('[role="dialog"]', 'Start New Conversation');
    await alice.sees('[role="option"]', 'Bob');
    await alice.page.keyboard.type('carol');
    await until('Carol alone to be found', async () => {
      const found = await alice.texts('[role="option"]');
      return found.length === 1 && found[0].includes('Carol');
    });
    await alice.page.keyboard.press('Enter');
    await alice.sees('.chat-title h2', 'Carol Clark');
    await alice.sees('.empty', 'Say hello');
    await alice.sends('psst, Carol');
    await carol.sees('.conversation', 'psst, Carol');
    await carol.choosesConversation('Alice');
    await carol.sends('yes?');
    await alice.seesOnce('yes?');
    // The marker: what Bob hears comes after what he must not hear.
    await alice.choosesConversation('Bob');
    await alice.sends('marker for Bob');
    await bob.sees('.conversation', 'marker for Bob');
    assert.equal(await bob.count('.conversation', 'psst'), 0);
    assert.equal(await bob.count('.conversation', 'yes?'), 0);
    await leaves(carol);
  });

  test(`back through ${LONG} messages without a jump or a gap`, async () => {
    const { demo } = scene;
    const conversation = await demo.between('carol', 'bob');
    for (let i = 1; i <= LONG; i++) {
      await demo.sends(
        i % 3 === 0 ? 'bob' : 'carol',
        conversation,
        `number ${i}${i % 7 === 0 ? ' and quite some more words, so that it takes a second line on most screens, which is the point of it' : ''}`,
      );
    }
    const carol = await somebody('carol');
    await carol.opens(`/messages/${conversation}`);
    await carol.seesMessage(`number ${LONG}`);

    let jump = 0;
    let done = false;
    await carol.page.hover('.messages');
    while (!done) {
      // What is at the top of the screen, and where; then a page arrives above it; it must still be there.
      const state = await carol.page.evaluate(async (patience) => {
        const box = document.querySelector('.messages');
        const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        const count = () => document.querySelectorAll('.message-place').length;
        // All of this before the browser tells the page that it was scrolled, so that no page arrives in between.
        const before = count();
        box.scrollTop = Math.min(box.scrollTop, 300);
        const held = [...document.querySelectorAll('.message-place')].find(
          (one) => one.getBoundingClientRect().bottom > box.getBoundingClientRect().top,
        );
        // In the box: the box itself moves when the page says above it that the connection is lost.
        const place = () => held.getBoundingClientRect().top - box.getBoundingClientRect().top;
        const top = place();
        const end = Date.now() + patience;
        while (count() === before && Date.now() < end && !document.querySelector('.list-start')) {
          await frame();
        }
        await frame();
        return { moved: Math.abs(place() - top), before, count: count(), done: document.querySelector('.list-start') !== null };
      }, PATIENCE);
      jump = Math.max(jump, state.moved);
      assert.ok(state.done || state.count > state.before, 'a page arrives');
      done = state.done;
    }
    const numbers = (await carol.messages()).map((text) => Number(/number (\d+)/.exec(text)?.[1]));
    assert.deepEqual(
      numbers,
      Array.from({ length: LONG }, (_, i) => i + 1),
      'each once, in order',
    );
    console.log(`Scrolling back through ${LONG} messages: the largest jump was ${jump.toFixed(1)} px`);
    assert.ok(jump < 2, `nothing jumped by more than a pixel or so, but ${jump}`);
    await leaves(carol);
  });

  test('search finds people and messages, and leads to a message far back', async () => {
    const carol = await somebody('carol');
    await carol.opens();
    // As one types, from the first letters on, with what was typed marked in the text as it was written.
    for (const typed of ['nu', 'numb', 'NÚMBER 49']) {
      await carol.page.fill('.sidebar-search input', typed);
      await carol.sees('.search-headline', 'number 49');
      await carol.sees('.search-headline mark', typed === 'nu' ? 'nu' : 'numb');
    }
    await carol.page.fill('.sidebar-search input', 'number 123');
    await carol.sees('.search-headline', 'number 123');
    const found = await carol.notesHit(); // it is highlighted for a moment
    await carol.clicks('.conversation', 'number 123');
    await carol.seesMessage('number 123');
    const { text, visible } = await found();
    assert.match(text, /number 123/);
    assert.ok(visible, 'the message is on the screen');
    await carol.clicks('.to-end');
    await carol.seesMessage(`number ${LONG}`);

    await carol.page.fill('.sidebar-search input', 'ali');
    await carol.sees('.conversation', 'Alice Adams');
    await carol.page.fill('.sidebar-search input', 'zzzz');
    await carol.sees('.empty', 'Nothing found for “zzzz”');
    await leaves(carol);
  });

  test('offline and back: a banner, nothing lost, nothing twice, in order', async () => {
    const { bob, demo } = scene;
    const wire = new Wire(service.url);
    const alice = await somebody('alice', await wire.lay());
    await alice.opens();
    await Promise.all([alice.choosesConversation('Bob'), bob.opens()]);
    await bob.choosesConversation('Alice');
    await alice.sends('before the cut');
    await bob.seesOnce('before the cut');

    wire.cut();
    await alice.sees('.banner', 'Connection lost');
    await bob.sends('said while you were away, 1');
    await bob.sends('said while you were away, 2');
    await bob.seesMessage('said while you were away, 2');
    await bob.seesNo('.message-sending');
    await alice.sends('written offline, 1');
    await alice.sends('written offline, 2');
    await alice.sees('.message-sending', 'written offline, 2');
    const conversation = await demo.between('alice', 'bob');
    const [first] = (await demo.calls('bob', 'get_messages', { conversation_id: conversation, page_size: 2 })).filter(
      ({ sender_id }) => sender_id === demo.user('bob').id,
    );
    await demo.calls('bob', 'add_reaction', { message_id: first.id, reaction: '👀' });
    await demo.calls('bob', 'edit_message', { message_id: first.id, content: 'said while you were away, 1 (really)' });

    wire.mend();
    await alice.seesNo('.banner');
    for (const person of [alice, bob]) {
      for (const text of [
        'written offline, 1',
        'written offline, 2',
        'said while you were away, 1 (really)',
        'said while you were away, 2',
      ]) {
        await person.seesOnce(text);
      }
    }
    await alice.sees('.reaction', '👀');
    await alice.seesNo('.message-sending');
    const tail = (await alice.messages()).slice(-5);
    assert.deepEqual(tail, (await bob.messages()).slice(-5), 'both have the same order');
    assert.deepEqual(
      tail.filter((text) => text.startsWith('written')),
      ['written offline, 1', 'written offline, 2'],
    );
    await leaves(alice);
    await wire.end();
  });

  /** A person whose device's clock is off by so many milliseconds. */
  async function withClockOff(name, milliseconds) {
    const person = await somebody(name);
    await person.page.addInitScript((off) => {
      const Real = Date;
      const now = () => Real.now() + off;
      window.Date = new Proxy(Real, {
        apply: () => new Real(now()).toString(),
        construct: (_, args) => (args.length > 0 ? new Real(...args) : new Real(now())),
        get: (target, name) => (name === 'now' ? now : target[name]),
      });
    }, milliseconds);
    return person;
  }

  /** The stored messages that say so, as Bob reads them. */
  async function storedWith(text) {
    const conversation_id = await scene.demo.between('alice', 'bob');
    return (await scene.demo.calls('bob', 'get_messages', { conversation_id })).filter(({ content }) => content === text);
  }

  /** Puts into the outbox what a visit so long ago left there, as the page before this one kept it. */
  async function leavesInOutbox(person, content, ago) {
    const { demo } = scene;
    await person.page.evaluate(
      ([user, conversation_id, recipient_id, words, before]) => {
        const at = Date.now() - before;
        const hex = at.toString(16).padStart(12, '0');
        const chance = Math.random().toString(16).slice(2, 14).padEnd(12, '0');
        const id = `${hex.slice(0, 8)}-${hex.slice(8)}-7abc-8abc-${chance}`;
        const letter = { id, conversation_id, recipient_id, written_at: new Date(at).toISOString(), draft: { content: words } };
        localStorage.setItem(`gptdesk-chat:outbox:${user}:${id}`, JSON.stringify(letter));
      },
      [demo.user('alice').id, await demo.between('alice', 'bob'), demo.user('bob').id, content, ago],
    );
  }

  const MINUTE = 60_000;
  const HOUR = 60 * MINUTE;
  const DAY = 24 * HOUR;

  for (const [words, off] of [
    ['ten minutes fast', 10 * MINUTE],
    ['ten minutes slow', -10 * MINUTE],
    ['two days fast', 2 * DAY],
    ['two days slow', -2 * DAY],
    ['in the year 1970', -Date.now()],
    ['in the year 2100', Date.UTC(2100) - Date.now()],
  ]) {
    test(`a clock ${words}: what one writes is stored, once, and as written now`, async () => {
      const { bob } = scene;
      const alice = await withClockOff('alice', off);
      await Promise.all([alice.opens(), bob.opens()]);
      await Promise.all([alice.choosesConversation('Bob'), bob.choosesConversation('Alice')]);
      const text = `my clock is ${words}`;
      await alice.sends(text);
      await bob.seesOnce(text);
      await alice.seesNo('.message-sending');
      await alice.seesOnce(text);
      assert.equal(await alice.count('.message-problem'), 0);
      const stored = await storedWith(text);
      assert.equal(stored.length, 1);
      assert.equal(stored[0].written_at, null);
      await leaves(alice);
    });
  }

  test('written 30 hours ago without a network, with a clock three days slow: sent once, and both read when it was written', async () => {
    const { bob } = scene;
    const alice = await withClockOff('alice', -3 * DAY);
    await Promise.all([alice.opens(), bob.opens()]);
    await Promise.all([alice.choosesConversation('Bob'), bob.choosesConversation('Alice')]);
    const text = 'of the weekend';
    await leavesInOutbox(alice, text, 30 * HOUR);
    await alice.page.reload();
    for (const person of [alice, bob]) {
      await person.sees('.bubble', `${text}written 30 hours earlier`);
      assert.equal(await person.count('.bubble', text), 1, person.name);
    }
    await alice.seesNo('.message-sending');
    const [message, ...more] = await storedWith(text);
    assert.deepEqual(more, []);
    const hours = (Date.parse(message.created_at) - Date.parse(message.written_at)) / HOUR;
    assert.equal(Math.round(hours), 30, 'by the server’s clock');
    await leaves(alice);
  });

  test('a message whose answer is lost is there once, also before it is tried again', async () => {
    const { bob } = scene;
    const alice = await somebody('alice');
    await Promise.all([alice.opens(), bob.opens()]);
    await Promise.all([alice.choosesConversation('Bob'), bob.choosesConversation('Alice')]);
    const text = 'of two months ago';
    await leavesInOutbox(alice, text, 60 * DAY);
    let lose;
    const held = new Promise((resolve) => (lose = resolve));
    let answers = 0;
    await alice.page.route('**/rpc/send_message', async (route) => {
      const answer = await route.fetch();
      if (answers++ === 0) {
        await held;
        await route.abort();
      } else {
        await route.fulfill({ response: answer });
      }
    });
    await alice.page.reload();
    await bob.seesOnce(text);
    // The channel brings it while the answer is on its way: it takes the place of what waits.
    await alice.sees('.message:not(.message-sending) .bubble', text);
    await alice.seesOnce(text);
    lose();
    await until('the second try', () => answers > 1);
    await until('the outbox to be empty', () =>
      alice.page.evaluate(() => !Object.keys(localStorage).some((name) => name.includes(':outbox:'))),
    );
    await alice.seesOnce(text);
    await bob.seesOnce(text);
    assert.equal((await storedWith(text)).length, 1);
    await leaves(alice);
  });

  test('a refusal is said, and trying again sends the same message once', async () => {
    const { alice, bob, demo } = scene;
    await alice.opens();
    await alice.choosesConversation('Bob');
    await demo.calls('bob', 'block_user', { user_id: demo.user('alice').id });
    await alice.sends('are you there?');
    await alice.sees('.message-problem', 'This person does not take messages from you.');
    await demo.calls('bob', 'unblock_user', { user_id: demo.user('alice').id });
    await alice.clicks('.message-problem button', 'Try again');
    await alice.seesNo('.message-problem');
    await bob.seesOnce('are you there?');
    await alice.seesOnce('are you there?');

    await demo.calls('alice', 'block_user', { user_id: demo.user('bob').id });
    await alice.sends('and now?');
    await alice.sees('.message-problem', 'Unblock them to write again.');
    await alice.clicks('.notice button', 'Unblock');
    await bob.seesOnce('and now?');
  });

  test('whom one has blocked is listed and unblocked there; neither sees whether the other is there', async () => {
    const { alice, bob, demo } = scene;
    await bob.opens();
    await alice.opens();
    await alice.choosesConversation('Bob');
    await alice.sees('.chat-title p', 'Online');
    await demo.calls('alice', 'block_user', { user_id: demo.user('bob').id });
    await alice.sees('.notice', 'You have blocked Bob Brown.'); // without having tried to write
    await alice.sees('.chat-title p', 'Offline');
    await alice.clicks('[aria-label="Blocked people"]');
    await alice.sees('[role="dialog"] .person', 'Bob Brown');
    await isAccessible(alice.page, 'the blocked people');
    await alice.clicks('[aria-label="Unblock Bob Brown"]');
    await alice.sees('[role="dialog"] .empty', 'You have blocked nobody');
    await alice.page.keyboard.press('Escape');
    await alice.seesNo('.notice', 'You have blocked');
    await alice.sees('.chat-title p', 'Online');
  });

  test('unread is counted over all, without what was taken back; a person marks it again', async () => {
    const { alice, bob, demo } = scene;
    const conversation = await demo.between('alice', 'bob');
    await bob.opens('/messages');
    await demo.calls('bob', 'mark_conversation_as_read', { conversation_id: conversation });
    const { messages: before } = await demo.calls('bob', 'get_unread_total', {});
    const titled = (count) =>
      until(`a title with ${count}`, async () =>
        count === 0 ? !(await bob.title()).startsWith('(') : (await bob.title()).startsWith(`(${count}) `),
      );
    await titled(before);
    const oops = await demo.sends('alice', conversation, 'oops, wrong window');
    await titled(before + 1);
    await bob.sees('.conversation .badge', '1 unread');
    await demo.calls('alice', 'delete_message', { message_id: oops.id });
    await titled(before);
    await bob.seesNo('.conversation-unread', 'Alice');

    await bob.choosesConversation('Alice');
    await bob.clicks('[aria-label="Conversation menu"]');
    await bob.clicks('[role="menuitem"]', 'Mark as unread');
    await bob.sees('.conversation-unread', 'Alice');
    await titled(before + 1);
    await bob.sees('.chat-none'); // the list tells it before the conversation closes
    await bob.choosesConversation('Alice');
    await titled(before);
    await alice.opens();
    await alice.choosesConversation('Bob');
  });

  test('who is gone is told as such, and the field goes; what was said stays', async () => {
    const { demo } = scene;
    const alice = await somebody('alice');
    const conversation = await demo.between('alice', 'bob');
    await demo.sends('alice', conversation, 'before he went');
    for (const [status, words] of [
      ['gone', 'This person no longer uses the chat.'],
      ['apart', 'You two are no longer in one team.'],
    ]) {
      await alice.page.route('**/rpc/get_conversations', async (route) => {
        const answer = await route.fetch();
        const rows = (await answer.json()).map((row) => ({ ...row, partner_status: status }));
        await route.fulfill({ response: answer, json: rows });
      });
      await alice.opens(`/messages/${conversation}`);
      await alice.seesMessage('before he went');
      await alice.sees('.notice-farewell', words);
      await alice.seesNo('.composer');
      await alice.page.unrouteAll({ behavior: 'wait' });
    }
    await alice.opens(`/messages/${conversation}`);
    await alice.sees('.composer');
    await alice.seesNo('.notice-farewell');
    await leaves(alice);
  });

  test('too long cannot be sent, and is counted before; a draft outlives a reload', async () => {
    const { alice } = scene;
    await alice.pastes('x'.repeat(950));
    await alice.sees('.composer-left', '50');
    await alice.pastes('x'.repeat(1003));
    await alice.sees('.composer-over', '-3');
    assert.ok(await alice.page.evaluate(() => document.querySelector('.send-button').disabled));
    await alice.pastes('a draft of some importance');
    await alice.page.reload();
    await until('the draft', () =>
      alice.page.evaluate(() => document.querySelector('.composer textarea')?.value === 'a draft of some importance'),
    );
    await alice.pastes('');
  });

  test('images and files are cards', async () => {
    const { alice, bob } = scene;
    const picture = `${service.url}/assets/${readdirSync(new URL('../../../target/classes/page/assets', import.meta.url)).find((name) => name.endsWith('.svg'))}`;
    for (const [address, text, card] of [
      [picture, '', '.image-card img'],
      ['https://files.example.org/reports/quarter%203.pdf', 'Here is the report', '.file-card'],
    ]) {
      await alice.clicks('[aria-label="Attach by address"]');
      await alice.page.fill('.field input[type="url"]', address);
      await alice.page.fill('.field input[type="text"]', text);
      await alice.clicks('.fields .button-main');
      await bob.sees(card);
    }
    await bob.sees('.file-card', 'quarter 3.pdf');
  });

  test('archive, mute and the way back', async () => {
    const { alice, bob, demo } = scene;
    await alice.clicks('[aria-label="Conversation menu"]');
    await alice.clicks('[role="menuitem"]', 'Mute');
    await alice.clicks('.choices .button', 'Always');
    await alice.sees('.conversation [aria-label="Muted"]');
    await alice.clicks('[aria-label="Conversation menu"]');
    await alice.clicks('[role="menuitem"]', 'Unmute');
    await alice.seesNo('.conversation [aria-label="Muted"]');
    await alice.clicks('[aria-label="Conversation menu"]');
    await alice.clicks('[role="menuitem"]', 'Archive');
    await alice.seesNo('.conversation', 'Bob Brown');
    await demo.sends('bob', await demo.between('alice', 'bob'), 'back again');
    await alice.sees('.conversation', 'Bob Brown');
    await bob.seesMessage('back again');
  });

  test('axe finds nothing; screenshots to look at', async () => {
    const { demo } = scene;
    const carol = await demo.between('alice', 'carol');
    await demo.sends('carol', carol, 'Did you see the numbers from last week? They look rather good.');
    const views = [
      ['list-and-chat', {}, async (person) => person.choosesConversation('Bob')],
      ['dark', { colorScheme: 'dark' }, async (person) => person.choosesConversation('Bob')],
      ['phone-list', { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true }, async () => {}],
      [
        'phone-chat',
        { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true },
        async (person) => person.choosesConversation('Bob'),
      ],
      [
        'phone-dark',
        { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true, colorScheme: 'dark' },
        async (person) => person.choosesConversation('Bob'),
      ],
      [
        'dialog',
        {},
        async (person) => {
          await person.clicks('[aria-label="New conversation"]');
          await person.sees('[role="option"]');
        },
      ],
      [
        'search',
        {},
        async (person) => {
          await person.page.fill('.sidebar-search input', 'numbers');
          await person.sees('.search-headline');
        },
      ],
      [
        'menu',
        { colorScheme: 'dark' },
        async (person) => {
          await person.clicks('.me');
          await person.sees('[role="menuitemcheckbox"]');
        },
      ],
      [
        'forced-colours',
        { forcedColors: 'active' },
        async (person) => {
          await person.choosesConversation('Bob');
          const colours = () =>
            person.page.locator('.conversation-selected .avatar-initials').evaluate((initials) => {
              const { color, backgroundColor, borderTopColor } = getComputedStyle(initials);
              return [color === backgroundColor, color === borderTopColor];
            });
          assert.deepEqual(await colours(), [false, true], 'its letters and its circle are to be seen');
        },
      ],
      [
        'zoomed', // 1280 × 1024 pixels at 400 %
        { viewport: { width: 320, height: 256 } },
        async (person) => {
          await person.choosesConversation('Bob');
          assert.equal(await person.page.locator('.top-bar').isVisible(), false);
          assert.ok((await person.page.locator('.messages').boundingBox()).height >= 100, 'there is room to read');
        },
      ],
      [
        'large-text', // a browser's font size of 32 pixels
        {},
        async (person) => {
          await person.choosesConversation('Bob');
          await person.page.evaluate(() => (document.documentElement.style.fontSize = '32px'));
          const sizes = () =>
            person.page.evaluate(() => ['.bubble', 'h2', 'textarea'].map((one) => getComputedStyle(document.querySelector(one)).fontSize));
          assert.deepEqual(await sizes(), ['30px', '42px', '30px']);
          await person.standsStill();
        },
      ],
    ];
    for (const [name, options, prepare] of views) {
      const person = await somebody('alice', service.url, options);
      await person.opens();
      await prepare(person);
      await fades(person.page);
      await person.shot(name);
      if (!options.forcedColors) {
        await isAccessible(person.page, name); // axe sees the colours that were not forced
      }
      await leaves(person);
    }

    const nobody = await somebody('nobody');
    await nobody.page.goto(service.url);
    await nobody.sees('.welcome-person', 'Mallory');
    await nobody.shot('welcome');
    await isAccessible(nobody.page, 'welcome');
    await nobody.clicks('.welcome-person', 'Mallory');
    await nobody.sees('.empty', 'No conversations yet');
    await nobody.shot('empty');
    await isAccessible(nobody.page, 'empty');
    await leaves(nobody);
  });

  test('small, compressed, cached, and behind strict headers', async () => {
    const page = await fetch(service.url, { headers: { 'Accept-Encoding': 'identity' } });
    const csp = page.headers.get('content-security-policy');
    assert.match(csp, /default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.match(csp, /frame-ancestors 'self'/);
    assert.doesNotMatch(csp, /unsafe/);
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(page.headers.get('cache-control'), 'no-cache');
    const again = await fetch(service.url, { headers: { 'If-None-Match': page.headers.get('etag') } });
    assert.equal(again.status, 304);
    const html = await page.text();
    assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)/, 'no inline script');

    const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)[1];
    const { headers } = await fetch(service.url + script);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.has('content-security-policy'), false, 'bytes before the list that no browser heeds');
    for (const encoding of ['br', 'gzip']) {
      const packed = await fetch(service.url + script, { headers: { 'Accept-Encoding': encoding } });
      assert.equal(packed.headers.get('content-encoding'), encoding);
      assert.match(packed.headers.get('cache-control'), /immutable/);
      assert.equal(
        (await packed.text()).length,
        readFileSync(new URL(`../../../target/classes/page${script}`, import.meta.url), 'utf8').length,
      );
    }
    assert.equal((await fetch(`${service.url}/assets/..%2findex.html`)).status, 404);

    const conversation = await scene.demo.between('alice', 'bob');
    const person = await somebody('alice');
    const times = [];
    const sent = new Set(['/index.html']);
    person.page.on('request', (request) => {
      const { origin, pathname } = new URL(request.url());
      if (origin === service.url && pathname.startsWith('/assets/')) {
        sent.add(pathname);
      }
    });
    for (let i = 0; i < 3; i++) {
      const start = Date.now();
      await person.page.goto(`${service.url}/messages/${conversation}?as=alice`);
      await person.page.waitForSelector('.bubble');
      times.push(Date.now() - start);
    }
    const folder = new URL('../../../target/classes/page', import.meta.url).pathname;
    const bytes = [...sent].reduce((sum, name) => sum + statSync(`${folder}${name}.br`).size, 0);
    console.log(`A conversation as sent: ${(bytes / 1024).toFixed(1)} KiB (brotli) in ${sent.size} files`);
    assert.ok(bytes < 198 * 1024, 'under 198 KiB'); // each file by itself: some 10 more than in one, for a list that comes first
    console.log(`Time to the first message: ${times[0]} ms with an empty cache, then ${times.slice(1).join(' and ')} ms`);
    await leaves(person);
  });
});

// What a day with a chat brings: sound, a phone, an impatient double click, two tabs, somebody else's address, a service that dies.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { find, openChromium } from './browsers.js';
import { Demo } from './demo.js';
import { complainedOfNothing, Person } from './person.js';
import { Service } from '../node/service.js';
import { until } from '../node/deadline.js';
import { Wire } from './wire.js';

const chromium = find('chromium');
const PHONE = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true };

describe('A day in Chromium', { skip: chromium === null && 'chromium was not found' }, () => {
  const LIMIT = 4000;
  const service = new Service({ settings: { CHAT_MAX_MESSAGE_LENGTH: String(LIMIT) } });
  const everybody = [];
  let browser;
  let demo;
  let bob;

  async function somebody(name, { url = service.url, page, ...options } = {}) {
    const person = new Person(name, page ?? (await browser.newPage(options)), url);
    everybody.push(person);
    return person;
  }

  /** How often a text was stored, whatever the screens say. */
  async function stored(text) {
    const messages = await demo.calls('bob', 'get_messages', { conversation_id: await demo.between('alice', 'bob'), page_size: 50 });
    return messages.filter(({ content }) => content === text).length;
  }

  before(async () => {
    await service.start();
    browser = await openChromium(chromium);
    demo = await Demo.at(service.url);
    bob = await somebody('bob');
    await bob.opens();
    await bob.choosesConversation('Alice');
  });
  after(async () => {
    await browser?.close();
    await service.end();
    complainedOfNothing(everybody);
  });

  test('the longest message is as long as the operator allows', async () => {
    const longest = 'x'.repeat(LIMIT);
    await bob.pastes(`${longest}y`);
    await bob.sees('.composer-left', '-1');
    assert.equal(await bob.page.isDisabled('.send-button'), true);
    await bob.pastes(longest);
    await bob.sees('.composer-left', '0 characters left');
    await bob.clicks('.send-button');
    await bob.seesMessage(longest); // perhaps on its way
    await until('it to be stored', async () => (await stored(longest)) === 1);
  });

  test('a message that nobody looks at sounds, once for several together; not when looked at, muted or switched off', async () => {
    const alice = await somebody('alice');
    await alice.page.addInitScript(silentAudio);
    await alice.opens();
    await alice.choosesConversation('Bob'); // and allows sound by the click
    const [withBob, withCarol] = [await demo.between('alice', 'bob'), await demo.between('alice', 'carol')];
    const chimes = () => alice.page.evaluate(() => window.audio.starts.length);
    const hears = async (name, conversation, text) => {
      await alice.page.evaluate(() => (window.audio.time += 10));
      await demo.sends(name, conversation, text);
      await alice.sees('.conversation', text);
      return chimes();
    };

    assert.equal(await hears('bob', withBob, 'she looks at it'), 0);
    assert.equal(await hears('carol', withCarol, 'she looks at another conversation'), 1);
    await demo.sends('carol', withCarol, 'the second at once');
    await alice.sees('.conversation', 'the second at once');
    assert.equal(await chimes(), 1, 'one sound for both');

    await alice.page.evaluate(() => (document.hasFocus = () => false));
    assert.equal(await hears('bob', withBob, 'her window is in the background'), 2);

    await alice.clicks('[aria-label="Conversation menu"]');
    await alice.clicks('[role="menuitem"]', 'Mute');
    await alice.clicks('.choices .button', 'Always');
    await alice.sees('.conversation [aria-label="Muted"]');
    assert.equal(await hears('bob', withBob, 'muted'), 2);
    assert.equal(await hears('carol', withCarol, 'not muted'), 3);

    await alice.clicks('[aria-label="Conversation menu"]');
    await alice.clicks('[role="menuitem"]', 'Unmute');
    await alice.seesNo('.conversation [aria-label="Muted"]');

    await alice.clicks('[aria-label="Turn sound off"]');
    assert.equal(await hears('carol', withCarol, 'sound is off'), 3);
    await alice.clicks('[aria-label="Turn sound on"]');
    assert.equal(await hears('carol', withCarol, 'sound is on'), 4);

    // A mute ends by itself: the database tells nobody, and says so when it is asked.
    const setsMuted = (until) => demo.calls('alice', 'set_muted', { conversation_id: withBob, until });
    await setsMuted('infinity');
    await alice.sees('.conversation [aria-label="Muted"]');
    await alice.page.route('**/rpc/get_conversations', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: (await response.json()).map((row) => ({ ...row, is_muted: false })) });
    });
    await alice.page.evaluate(() => (window.audio.time += 10));
    await demo.sends('bob', withBob, 'muted no longer');
    await until('a sound', async () => (await chimes()) === 5);
    await alice.seesNo('.conversation [aria-label="Muted"]');
    await setsMuted(null);
    await alice.page.unroute('**/rpc/get_conversations');

    await alice.page.evaluate(() => (document.hasFocus = () => true));
    await alice.choosesConversation('Carol');
    await alice.choosesConversation('Bob');
    await alice.seesNo('.conversation .badge'); // the next tests begin with nothing unread
    await browser.closePage(alice.page);
  });

  test('a phone: everything by touch, and nothing wider than the screen', async () => {
    const alice = await somebody('alice', PHONE);
    const shows = (selector) => alice.page.locator(selector).isVisible();
    await alice.opens();
    await alice.page.locator('.conversation', { hasText: 'Bob' }).tap();
    await alice.sees('.chat-title h2', 'Bob');
    assert.deepEqual([await shows('.sidebar'), await shows('.chat')], [false, true]);
    await alice.page.tap('[aria-label="Back to conversations"]');
    await until('the list', async () => (await shows('.sidebar')) && !(await shows('.chat')));
    await alice.page.locator('.conversation', { hasText: 'Bob' }).tap();

    await alice.page.tap('.composer textarea');
    await alice.page.keyboard.type('from the tram');
    await alice.page.tap('.send-button');
    await bob.seesOnce('from the tram');
    await alice.seesOnce('from the tram');

    // A tap on a message brings its tools; a tap beside it, where they would be, brings nothing.
    const message = alice.page.locator('.message', { hasText: 'from the tram' });
    const tools = message.locator('.message-tools');
    const opacity = () => tools.evaluate((element) => getComputedStyle(element).opacity);
    assert.equal(await opacity(), '0');
    const { x, y, width, height } = await tools.boundingBox();
    await alice.page.touchscreen.tap(x + width / 4, y + height / 2);
    assert.equal(await alice.count('[role="menu"], .reaction-picker'), 0);
    await message.locator('.bubble').tap();
    await until('the tools', async () => (await opacity()) === '1');
    await message.getByLabel('React').tap();
    await alice.page.getByLabel('party').tap();
    await bob.sees('.reaction', '🎉');
    await message.locator('.bubble').tap();
    await message.getByLabel('More actions').tap();
    await alice.page.getByRole('menuitem', { name: 'Edit' }).tap();
    await alice.sees('.composer-edit');
    await alice.pastes(`from the tram ${'w'.repeat(200)} https://example.org/${'x'.repeat(200)}`);
    await alice.page.tap('.send-button');
    await bob.sees('.bubble-edited', 'from the tram w');
    assert.ok(
      await alice.page.evaluate(() =>
        [document.documentElement, document.querySelector('.messages')].every((one) => one.scrollWidth <= one.clientWidth),
      ),
      'nothing is wider than the screen',
    );
    await alice.shot('phone-touch');
    await browser.closePage(alice.page);
  });

  test('a double click sends once: a message, and an attachment', async () => {
    const alice = await somebody('alice');
    await alice.opens();
    await alice.choosesConversation('Bob');
    await alice.writes('clicked twice');
    await alice.page.dblclick('.send-button');
    await alice.clicks('[aria-label="Attach by address"]');
    await alice.page.fill('.field input[type="url"]', 'https://files.example.org/twice.pdf');
    await alice.page.dblclick('.fields .button-main');
    await bob.sees('.file-card', 'twice.pdf');
    await alice.sends('the marker');
    await bob.seesOnce('the marker');
    for (const text of ['clicked twice', 'twice.pdf']) {
      await bob.seesOnce(text);
      assert.equal(await stored(text), 1, text);
    }
    await browser.closePage(alice.page);
  });

  test('two tabs of one person: what one reads the other has read, what one sends the other shows', async () => {
    const one = await somebody('alice');
    const other = await somebody('alice', { page: await one.page.context().newPage() });
    await Promise.all([one.opens(), other.opens()]);
    const conversation = await demo.between('alice', 'bob');
    await demo.sends('bob', conversation, 'to both tabs');
    for (const tab of [one, other]) {
      await tab.sees('.conversation .badge', '1');
      await until('the title', async () => (await tab.title()).startsWith('(1) '));
    }
    await one.choosesConversation('Bob');
    for (const tab of [one, other]) {
      await tab.seesNo('.conversation .badge');
      await until('the title', async () => !(await tab.title()).startsWith('('));
    }
    await other.choosesConversation('Bob');
    await one.sends('from the one tab');
    await other.seesOnce('from the one tab');
    await one.seesOnce('from the one tab');
    assert.equal(await other.count('.conversation .badge'), 0);
    await browser.closePage(one.page);
  });

  test('two tabs closed while offline: what either of them kept is sent by the next visit, once', async () => {
    const wire = new Wire(service.url);
    const url = await wire.lay();
    const one = await somebody('alice', { url });
    const context = one.page.context();
    const other = await somebody('alice', { url, page: await context.newPage() });
    for (const tab of [one, other]) {
      await tab.opens();
      await tab.choosesConversation('Bob');
    }
    wire.cut();
    await one.sees('.banner', 'Connection lost');
    await one.sends('kept by the one tab');
    await other.sends('kept by the other tab');
    await one.sees('.message-sending', 'kept by the one tab');
    await other.sees('.message-sending', 'kept by the other tab');
    await one.page.close();
    await other.page.close();
    wire.mend();
    const next = await somebody('alice', { url, page: await context.newPage() });
    await next.opens();
    for (const text of ['kept by the one tab', 'kept by the other tab']) {
      await bob.seesOnce(text);
      assert.equal(await stored(text), 1, text);
    }
    await context.close();
    await wire.end();
  });

  test('the address of a conversation of others, or of none, says so and leads back', async () => {
    const alice = await somebody('alice');
    const others = await demo.between('mallory', 'niaj');
    await demo.sends('mallory', others, 'between the two of us');
    for (const conversation of [others, crypto.randomUUID()]) {
      await alice.opens(`/messages/${conversation}`);
      await alice.sees('.chat .empty', 'This conversation is not here');
      assert.equal(await alice.has('body', 'between the two of us'), false);
      await alice.sees('.conversation', 'Bob');
      await alice.clicks('.empty .button', 'Back to your conversations');
      await alice.sees('.chat .empty', 'Choose a conversation');
    }
    await alice.opens(`/messages/${others}`);
    await alice.sees('.chat .empty', 'This conversation is not here');
    await alice.shot('not-here');
    await browser.closePage(alice.page);
  });

  test('the service dies with its database and comes again: what was written meanwhile goes out once, in order', async () => {
    const alice = await somebody('alice');
    await alice.opens();
    await alice.choosesConversation('Bob');
    await alice.sends('before the crash');
    await bob.seesOnce('before the crash');

    await service.kill();
    await Promise.all([alice.sees('.banner', 'Connection lost'), bob.sees('.banner', 'Connection lost')]);
    await alice.sends('written meanwhile, 1');
    await bob.sends('answered meanwhile');
    await alice.sends('written meanwhile, 2');
    await alice.sees('.message-sending', 'written meanwhile, 2');
    await alice.shot('lost');
    await service.start();
    await Promise.all([alice.seesNo('.banner'), bob.seesNo('.banner')]);
    for (const text of ['before the crash', 'written meanwhile, 1', 'written meanwhile, 2', 'answered meanwhile']) {
      await Promise.all([alice.seesOnce(text), bob.seesOnce(text)]);
      assert.equal(await stored(text), 1, text);
    }
    await Promise.all([alice.seesNo('.message-sending'), bob.seesNo('.message-sending')]);
    const tail = (await alice.messages()).slice(-4);
    assert.deepEqual(tail, (await bob.messages()).slice(-4), 'both have the same order');
    assert.deepEqual(
      tail.filter((text) => text.startsWith('written')),
      ['written meanwhile, 1', 'written meanwhile, 2'],
    );
    await browser.closePage(alice.page);
  });
});

/** In the page, in place of the Web Audio API: notes when a chime begins, that is its first tone, by a clock the test sets. */
function silentAudio() {
  window.audio = { time: 1, starts: [] };
  const ramp = { setValueAtTime() {}, linearRampToValueAtTime() {}, exponentialRampToValueAtTime() {} };
  const node = () => ({
    connect: (next) => next,
    frequency: {},
    gain: ramp,
    start: (at) => at === window.audio.time && window.audio.starts.push(at),
    stop() {},
  });
  window.AudioContext = class {
    state = 'suspended';
    destination = {};
    createOscillator = node;
    createGain = node;
    get currentTime() {
      return window.audio.time;
    }
    async resume() {
      this.state = 'running';
    }
  };
}

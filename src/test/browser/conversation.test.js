// What two people do with what was said: answer it, find it, be left in peace by it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fades, isAccessible } from './axe.js';
import { find, openChromium } from './browsers.js';
import { Demo } from './demo.js';
import { complainedOfNothing, Person } from './person.js';
import { Service } from '../node/service.js';
import { until } from '../node/deadline.js';

const chromium = find('chromium');

describe('A conversation in Chromium', { skip: chromium === null && 'chromium was not found' }, () => {
  const service = new Service();
  let browser;
  let demo;
  let alice;
  let bob;
  let conversation;

  before(async () => {
    await service.start();
    browser = await openChromium(chromium);
    demo = await Demo.at(service.url);
    alice = new Person('alice', await browser.newPage(), service.url);
    bob = new Person('bob', await browser.newPage(), service.url);
    conversation = await demo.between('alice', 'bob');
  });
  after(async () => {
    await browser?.close();
    await service.end();
    complainedOfNothing([alice, bob].filter(Boolean));
  });

  /** Opens her list, and waits until it is asked for no more: at the start, by the session and by its socket. */
  async function isConnected() {
    let lists = 0;
    const answered = (response) => {
      const request = response.request();
      lists += request.url().endsWith('/get_conversations') && !request.postData().includes('conversation_id');
    };
    alice.page.on('response', answered);
    await alice.opens();
    await until('the lists of the start, of the session and of its socket', () => lists >= 3);
    alice.page.off('response', answered);
  }

  test('a list that was asked for before a message came does not hide it', async () => {
    await demo.sends('carol', await demo.between('alice', 'carol'), 'hello from Carol');
    await isConnected();
    let release;
    const held = new Promise((resolve) => (release = resolve));
    let asks;
    const asked = new Promise((resolve) => (asks = resolve));
    await alice.page.route('**/rpc/get_conversations', async (route) => {
      const response = await route.fetch();
      const rows = await response.json();
      asks();
      await held;
      rows.forEach(({ other_user }) => (other_user.full_name += ' as listed'));
      await route.fulfill({ response, json: rows });
    });
    await alice.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await asked;
    await demo.sends('bob', conversation, 'while the list was on its way');
    await alice.sees('.conversation', 'while the list was on its way');
    release();
    await alice.sees('.conversation', 'Carol Clark as listed');
    assert.ok(await alice.has('.conversation:has(.badge)', 'while the list was on its way'));
    await alice.page.unroute('**/rpc/get_conversations');
  });

  test('a conversation that was asked for before a message came does not hide it, and is asked for again', async () => {
    await isConnected();
    let release;
    const held = new Promise((resolve) => (release = resolve));
    let answered = 0;
    let asks;
    const asked = new Promise((resolve) => (asks = resolve));
    await alice.page.route('**/rpc/get_conversations', async (route) => {
      const response = await route.fetch();
      asks();
      await held;
      await route.fulfill({ response });
      answered++;
    });
    const mutes = (until) => demo.calls('alice', 'set_muted', { conversation_id: conversation, until });
    await mutes('infinity');
    await asked;
    await demo.sends('bob', conversation, 'while the conversation was on its way');
    await alice.sees('.conversation', 'while the conversation was on its way');
    await mutes(null);
    await demo.sends('bob', conversation, 'what comes after all that');
    await alice.sees('.conversation', 'what comes after all that');
    release();
    await until('a second answer', () => answered > 1);
    await alice.seesNo('.conversation [aria-label="Muted"]');
    assert.ok(await alice.has('.conversation:has(.badge)', 'what comes after all that'));
    await alice.page.unroute('**/rpc/get_conversations');
  });

  test('a reply shows what it answers, leads there, and follows what becomes of it', async () => {
    const question = await demo.sends('alice', conversation, 'the question of long ago');
    for (let i = 1; i <= 60; i++) {
      await demo.sends('alice', conversation, `much later, ${i}`);
    }
    await demo.calls('bob', 'mark_conversation_as_read', { conversation_id: conversation });
    await bob.opens(`/messages/${conversation}#${question.seq}`);
    await bob.usesTool('the question of long ago', 'More actions');
    await bob.clicks('[role="menuitem"]', 'Reply');
    await bob.sees('.composer-edit', 'the question of long ago');
    await bob.page.keyboard.press('Escape');
    await bob.seesNo('.composer-edit');
    await bob.usesTool('the question of long ago', 'More actions');
    await bob.clicks('[role="menuitem"]', 'Reply');
    await bob.sends('my answer');
    await bob.seesNo('.composer-edit');
    await bob.sees('.bubble:has(.answered)', 'my answer');
    await bob.sends('no answer to anything');
    await bob.sees('.bubble:not(:has(.answered))', 'no answer to anything');

    // Alice has the newest page, in which the question is not.
    await alice.opens(`/messages/${conversation}`);
    await alice.sees('.bubble:has(.answered)', 'my answer');
    await alice.sees('.answered', 'the question of long ago');
    await alice.sees('.answered-name', 'You');
    assert.equal(await alice.count('.message', 'the question of long ago'), 1, 'in the quote alone');
    const found = await alice.notesHit(); // it is highlighted for a moment
    await alice.clicks('.answered');
    const { text, visible } = await found();
    assert.match(text, /the question of long ago/);
    assert.ok(visible, 'it is on the screen');

    await demo.calls('alice', 'edit_message', {
      message_id: question.id,
      content: 'the **question**,\n- `edited`\n- https://example.org/a_b_',
    });
    await bob.sees('.answered', 'the question, edited https://example.org/a_b_');
    await demo.calls('alice', 'delete_message', { message_id: question.id });
    await bob.sees('.answered', 'This message was deleted');
    await bob.opens(`/messages/${conversation}`);
    await bob.sees('.answered', 'This message was deleted');

    for (const reply_to of [999999, -1, 'x', {}]) {
      await demo.calls('alice', 'send_message', { conversation_id: conversation, content: `to ${reply_to}`, metadata: { reply_to } });
    }
    await bob.sees('.bubble', 'to [object Object]');
    await bob.sees('.bubble:has(.answered)', 'The message that this answers is not here any more');
    assert.equal(await bob.count('.answered'), 2, 'a number alone names a message');
    await isAccessible(bob.page, 'a reply', '.bubble:has(.answered)');
    await bob.shot('reply');
  });

  test('a search within the conversation leads from hit to hit, and to more of them', async () => {
    const others = await demo.between('alice', 'carol');
    await demo.sends('carol', others, 'the plum of somebody else');
    const { seq } = await demo.sends('bob', conversation, 'the first plum of all');
    for (let i = 1; i <= 45; i++) {
      await demo.sends('bob', conversation, i % 2 ? `plum, ${i}` : `pear, ${i}`);
    }
    await alice.opens(`/messages/${conversation}`);
    await alice.clicks('[aria-label="Conversation menu"]');
    await alice.clicks('[role="menuitem"]', 'Search');
    await alice.sees('.chat-search input:focus');
    await alice.page.keyboard.type('plum');
    await alice.sees('.found mark', 'plum');
    assert.equal(await alice.count('.found'), 20);
    await alice.clicks('.chat-search .link-button', 'Show more');
    await alice.sees('.found', 'the first plum of all');
    assert.equal(await alice.count('.found'), 24);
    assert.equal((await alice.count('.found', 'somebody else')) + (await alice.count('.found', 'pear')), 0);
    await isAccessible(alice.page, 'a search within the conversation', '.chat-search');
    await alice.shot('search-here');

    for (const [hit, highlighted] of [
      ['the first plum of all', `[data-seq="${seq}"] .message-highlighted`],
      ['plum, 45', '.message-highlighted'],
      ['the first plum of all', `[data-seq="${seq}"] .message-highlighted`],
    ]) {
      const seen = await alice.notices(highlighted, hit); // for a moment
      await alice.clicks('.found', hit);
      await seen();
    }

    await alice.clicks('.chat-search input');
    await alice.page.keyboard.type('s and cherries');
    await alice.sees('.chat-search-found', 'Nothing found for “plums and cherries”');
    await alice.page.keyboard.press('Escape');
    await alice.seesNo('.chat-search');
  });

  test('emoji are chosen by their names, for the field and as reactions, from this service alone', async () => {
    const elsewhere = [];
    alice.page.on('request', (request) => request.url().startsWith(service.url) || elsewhere.push(request.url()));
    const field = () => alice.page.evaluate(() => document.querySelector('.composer textarea').value);
    const chooses = async (name, emoji) => {
      await alice.sees('.emoji-picker input:focus');
      await alice.sees('.emoji-picker-list button');
      await alice.page.keyboard.type(name);
      await alice.sees('.emoji-picker-list [data-active]', emoji);
      await fades(alice.page);
      await isAccessible(alice.page, 'the emoji', '.emoji-popover, .reaction-picker');
      await alice.shot(`emoji-${emoji.codePointAt(0).toString(16)}-${await alice.page.evaluate(() => document.documentElement.lang)}`);
      await alice.page.keyboard.press('Enter');
      await alice.seesNo('.emoji-picker');
    };
    await alice.writes('ab');
    await alice.page.keyboard.press('ArrowLeft');
    await alice.clicks('[aria-label="Emoji"]');
    await chooses('pizza', '🍕');
    await alice.sees('.composer textarea:focus');
    await alice.page.keyboard.type('x');
    assert.equal(await field(), 'a🍕xb');
    await alice.page.keyboard.press('Enter');
    await bob.sees('.bubble', 'a🍕xb');

    await alice.usesTool('a🍕xb', 'React');
    await alice.clicks('.reaction-picker button', 'More emoji');
    await chooses('unicorn', '🦄');
    await bob.sees('.reaction', '🦄1');

    await alice.clicks('.me');
    await alice.clicks('[role="menuitemcheckbox"]', 'Deutsch');
    await alice.clicks('.composer [aria-label="Emoji"]');
    await chooses('Einhorn', '🦄');
    assert.equal(await field(), '🦄');
    await alice.pastes('');

    await alice.clicks('.me');
    await alice.clicks('[role="menuitemcheckbox"]', 'العربية');
    await alice.clicks('.composer [aria-label="رموز تعبيرية"]');
    await chooses('بيتزا', '🍕');
    assert.equal(await field(), '🍕');
    await alice.pastes('');
    await alice.clicks('.me');
    await alice.clicks('[role="menuitemcheckbox"]', 'English');
    assert.deepEqual(elsewhere, []);
  });

  test('muted for an hour, for eight, until tomorrow, always', async () => {
    const asked = [];
    alice.page.on('request', (request) => request.url().endsWith('/set_muted') && asked.push(request.postDataJSON().until));
    const chooses = async (length) => {
      await alice.clicks('[aria-label="Conversation menu"]');
      await alice.clicks('[role="menuitem"]', 'Mute');
      await alice.sees('.dialog');
      await fades(alice.page);
      await isAccessible(alice.page, 'the choice of a time', '.dialog');
      const earliest = Date.now();
      await alice.clicks('.choices .button', length);
      await alice.sees('.conversation [aria-label="Muted"]');
      const latest = Date.now();
      await alice.clicks('[aria-label="Conversation menu"]');
      await alice.clicks('[role="menuitem"]', 'Unmute');
      await alice.seesNo('.conversation [aria-label="Muted"]');
      assert.equal(asked.pop(), null);
      return { until: asked.pop(), earliest, latest };
    };
    // The page has the server's clock from a header with whole seconds, and as of the middle of a call, however long that took.
    const ABOUT = 60_000;
    for (const [label, hours] of [
      ['For 1 hour', 1],
      ['For 8 hours', 8],
    ]) {
      const { until, earliest, latest } = await chooses(label);
      const from = Date.parse(until) - hours * 3_600_000;
      assert.ok(earliest - ABOUT <= from && from <= latest + ABOUT, `${label}: ${until}`);
    }
    const { until, earliest, latest } = await chooses('Until tomorrow');
    const mornings = [earliest - ABOUT, latest + ABOUT].map((now) => {
      const morning = new Date(now);
      morning.setDate(morning.getDate() + 1);
      return new Date(morning.setHours(8, 0, 0, 0)).toISOString();
    });
    assert.ok(mornings.includes(until), `${until} is none of ${mornings}`); // two of them at midnight
    assert.equal((await chooses('Always')).until, 'infinity');
  });

  test('a mute ends by the clock, without an answer of the service', async () => {
    await isConnected();
    const seen = await alice.notices('.conversation:has([aria-label="Muted"])');
    let answers = 0;
    await alice.page.route('**/rpc/get_conversations', async (route) => {
      if (answers++ > 0) {
        await route.abort();
        return;
      }
      const response = await route.fetch();
      const rows = await response.json();
      rows.forEach((row) => Object.assign(row, { is_muted: true, muted_until: new Date(Date.now() + 500).toISOString() }));
      await route.fulfill({ response, json: rows });
    });
    await alice.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await seen();
    await alice.seesNo('.conversation [aria-label="Muted"]');
    await alice.page.unroute('**/rpc/get_conversations');
  });

  test('the tick of a message: sent, received by a page of the other, read', async () => {
    await alice.opens(`/messages/${conversation}`);
    await bob.page.goto('about:blank');
    const shows = async (text, state, label) => {
      await alice.sees(`.message:has(.delivery-${state})`, text);
      await alice.sees(`.conversation-selected [aria-label="${label}:"]`);
    };
    await alice.sends('how far does this come?');
    await shows('how far does this come?', 'sent', 'Sent');
    await bob.opens(); // the list alone
    await shows('how far does this come?', 'delivered', 'Delivered');
    await alice.sends('and this, while he is there?');
    await shows('and this, while he is there?', 'delivered', 'Delivered');
    assert.equal(await alice.count('.message:has(.delivery-read)', 'this'), 0, 'none is read');
    await alice.opens(`/messages/${conversation}`);
    await shows('and this, while he is there?', 'delivered', 'Delivered');
    await bob.choosesConversation('Alice');
    await shows('and this, while he is there?', 'read', 'Read');
    await alice.sees('.message:has(.delivery-read)', 'how far does this come?');
  });

  test('what a message said before each edit is shown to both, with its times', async () => {
    const { id } = await demo.sends('alice', conversation, 'the first words');
    await demo.calls('alice', 'edit_message', { message_id: id, content: 'the **second** words' });
    await demo.calls('alice', 'edit_message', { message_id: id, content: 'the last words' });
    for (const person of [alice, bob]) {
      await person.opens(`/messages/${conversation}`);
      await person.clicks('.bubble:has(.foot-button) .foot-button', 'edited');
      await person.sees('.versions > li:nth-child(3)');
      assert.deepEqual(await person.texts('.version-text'), ['the last words', 'the second words', 'the first words']);
      assert.equal(await person.count('.version-about time'), 3);
      await person.sees('.version-about b', 'Now');
      await isAccessible(person.page, 'the edits', '.dialog');
      await person.page.keyboard.press('Escape');
      await person.seesNo('.versions');
    }
  });

  test('the list shows a message without its marks', async () => {
    await demo.sends('bob', conversation, '**bold** and `code`, ¯\\_(ツ)_/¯');
    await alice.opens();
    await alice.sees('.conversation-words', 'bold and code, ¯\\_(ツ)_/¯');
  });
});

// The page by keyboard, and the list's filters: in Chromium and in Firefox.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { isAccessible } from './axe.js';
import { find, openChromium, openFirefox } from './browsers.js';
import { Demo } from './demo.js';
import { complainedOfNothing, Person } from './person.js';
import { Service } from '../node/service.js';
import { until } from '../node/deadline.js';

for (const [name, open] of Object.entries({ chromium: openChromium, firefox: openFirefox })) {
  const program = find(name);

  describe(`Keyboard, in ${name}`, { skip: program === null && `${name} was not found` }, () => {
    const service = new Service();
    let browser;
    let demo;
    let alice;

    before(async () => {
      await service.start();
      browser = await open(program);
      demo = await Demo.at(service.url);
      alice = new Person('alice', await browser.newPage(), service.url);
      for (const other of ['bob', 'carol']) {
        const conversation = await demo.between('alice', other);
        await demo.sends(other, conversation, `see https://example.org/ says ${other}`);
        const { id } = await demo.sends(other, conversation, `the last of ${other}`);
        await demo.calls('alice', 'add_reaction', { message_id: id, reaction: '🎉' });
      }
      await alice.opens();
      await alice.turnsToIt();
    });
    after(async () => {
      await browser?.close();
      await service.end();
      complainedOfNothing([alice].filter(Boolean));
    });

    const press = async (...keys) => {
      for (const key of keys) {
        await alice.page.keyboard.press(key);
      }
      await alice.standsStill();
    };
    const focused = (selector) => alice.page.evaluate((wanted) => document.activeElement.matches(wanted), selector);
    const focusedText = () => alice.page.evaluate(() => document.activeElement.textContent);

    test('Ctrl+K leads to the search, arrows to what is found, Enter opens it', async () => {
      await alice.page.keyboard.down('Control');
      await press('k');
      await alice.page.keyboard.up('Control');
      assert.ok(await focused('.sidebar-search input'));
      await alice.page.keyboard.type('Carol');
      await until('Carol alone', async () => (await alice.texts('.conversation .conversation-name')).every((one) => one.includes('Carol')));
      await press('ArrowDown');
      assert.match(await focusedText(), /Carol/);
      await press('Enter');
      await alice.sees('.chat-title h2', 'Carol');
    });

    test('arrows go through the list, and three Tabs lead from there to the field', async () => {
      await alice.page.focus('.conversation-selected');
      await press('Home');
      const reached = () => alice.page.evaluate(() => document.activeElement.dataset.conversation);
      const first = await reached();
      await press('ArrowDown');
      assert.notEqual(await reached(), first);
      await press('ArrowUp');
      assert.equal(await reached(), first);
      let tabs = 0;
      while (!(await focused('.composer textarea'))) {
        assert.ok(tabs < 3, `the field after ${tabs} Tabs`);
        await press('Tab');
        tabs++;
      }
    });

    test('a link at the beginning skips to the field', async () => {
      await alice.page.focus('.skip');
      await press('Enter');
      assert.ok(await focused('.composer textarea'));
    });

    test('arrows go through the messages, and Tab to what is in the one with the focus', async () => {
      await alice.seesMessage('the last of carol');
      await alice.page.focus('.messages');
      await press('ArrowDown');
      assert.match(await focusedText(), /the last of carol/);
      await press('ArrowUp');
      assert.match(await focusedText(), /https:\/\/example\.org\//);
      await press('Tab');
      assert.ok(await focused('.bubble-text a'));
      await press('Tab');
      assert.ok(await focused('[aria-label="React"]'));
      await press('Enter');
      await alice.sees('.reaction-picker');
      await press('Escape');
      await alice.seesNo('.reaction-picker');
      await until('the focus to come back', () => focused('[aria-label="React"]'));
    });

    test('the list shows all, unread or archived ones', async () => {
      await alice.opens();
      await alice.clicks('.filter', 'Unread');
      await alice.sees('.conversation', 'Bob');
      await alice.seesNo('.conversation', 'Carol');
      await alice.clicks('.conversation', 'Bob');
      await alice.seesNo('.conversation .badge');
      await alice.sees('.conversation', 'Bob'); // still there while it is open
      await demo.calls('alice', 'set_archived', { conversation_id: await demo.between('alice', 'carol'), archived: true });
      await alice.clicks('.filter', 'Archived');
      await alice.sees('.conversation', 'Carol');
      await alice.seesNo('.conversation', 'Bob');
      await alice.clicks('.filter', 'All');
      await alice.sees('.conversation', 'Bob');
      await alice.seesNo('.conversation', 'Carol');
    });

    test('an image opens large, among the others of the conversation, and gives the focus back', async () => {
      const withBob = await demo.between('alice', 'bob');
      const icon = readdirSync(new URL('../../../target/classes/page/assets', import.meta.url)).find((one) => one.endsWith('.svg'));
      for (const file_name of ['first.svg', 'second.svg']) {
        await demo.calls('bob', 'send_message', {
          conversation_id: withBob,
          content: file_name,
          message_type: 'image',
          file_url: `${service.url}/assets/${icon}`,
          file_name,
        });
      }
      await alice.opens(`/messages/${withBob}`);
      await alice.clicks('.image-card', 'first.svg');
      await alice.sees('.viewer-title', 'first.svg');
      await alice.sees('.viewer-place', 'Image 1 of 2');
      if (name === 'chromium') {
        await isAccessible(alice.page, 'an image', '.viewer');
      }
      await press('ArrowLeft'); // there is none before it
      await press('ArrowRight');
      await alice.sees('.viewer-title', 'second.svg');
      // At the last one, the button and the keys go on being there.
      await press('ArrowLeft');
      await alice.page.focus('.viewer-next');
      await press('Enter');
      await alice.sees('.viewer-title', 'second.svg');
      assert.ok(await focused('.viewer-next[aria-disabled="true"]'));
      await press('ArrowLeft');
      await alice.sees('.viewer-title', 'first.svg');
      await press('ArrowRight');
      await alice.sees('.viewer-title', 'second.svg');
      const width = () => alice.page.evaluate(() => document.querySelector('.viewer img').clientWidth);
      const whole = await width();
      await press('+', '+');
      assert.ok((await width()) > whole * 1.9, 'twice as wide, but for bars to scroll by');
      await press('0');
      assert.equal(await width(), whole);
      await press('ArrowLeft');
      await alice.sees('.viewer-title', 'first.svg');
      await alice.shot(`viewer-${name}`);
      await press('Escape');
      await alice.seesNo('.viewer');
      await until('the focus to come back', () => focused('.bubble:has(.image-card), .image-card'));

      await alice.clicks('.image-card', 'second.svg');
      await alice.sees('.viewer-title', 'second.svg');
      const { id } = (await demo.calls('bob', 'get_messages', { conversation_id: withBob })).at(-1);
      await demo.calls('bob', 'delete_message', { message_id: id });
      await alice.seesNo('.viewer'); // what is taken back is not looked at
    });

    test('of ten thousand conversations the document has those on the screen, and one that changes moves alone', async () => {
      await alice.prepares(manyConversations, MANY);
      await alice.opens();
      await alice.sees('.conversation', 'of list 2'); // the one after the join, which is sorted whole
      const shown = () => alice.count('.conversation');
      await alice.sees(`[aria-setsize="${MANY}"][aria-posinset="1"]`);
      const first = await shown();
      assert.ok(first > 5 && first < 60, `${first} of them at first`);

      await alice.clicks('.conversation', 'Bob');
      await press('End');
      assert.match(await focusedText(), /Person 9999/);
      const place = await alice.page.evaluate(() => {
        const [pane, item] = [document.querySelector('.sidebar-scroll'), document.activeElement].map((one) => one.getBoundingClientRect());
        return { above: item.top - pane.top, below: pane.bottom - item.bottom };
      });
      assert.ok(place.above >= 0 && place.below >= 0, `it is on the screen: ${JSON.stringify(place)}`);
      await alice.sees(`[aria-posinset="${MANY}"]`, 'Person 9999');
      await until('the rows to be few', async () => (await shown()) < 60);
      await press('ArrowUp');
      assert.match(await focusedText(), /Person 9998/);
      if (name === 'chromium') {
        await isAccessible(alice.page, 'ten thousand conversations', '.sidebar');
      }
      await press('Home');
      assert.equal(await alice.page.evaluate(() => document.activeElement.closest('li').ariaPosInSet), '1');
      await until('the rows to be few again', async () => (await shown()) < 60);

      await alice.page.evaluate(watchList);
      await demo.sends('bob', await demo.between('alice', 'bob'), 'moves to the top');
      await alice.sees('[aria-posinset="1"]', 'moves to the top');
      const { moved, sorted } = await alice.page.evaluate(() => window.watched);
      assert.ok(moved <= 4, `${moved} rows were put in, taken out or moved`);
      assert.equal(sorted, 0, 'lists that were sorted whole');
    });
  });
}

const MANY = 10_000;

/** In the page: the list that the service answers, and behind it people enough. */
function manyConversations(many) {
  const ask = window.fetch;
  let first = true; // the one before the page, which shows all it is answered
  let lists = 0;
  window.fetch = async (request, options) => {
    const answer = await ask(request, options);
    const list =
      String(request.url ?? request).endsWith('/get_conversations') && !/conversation_id|"archived":true/.test(options?.body ?? '');
    if (!list || first) {
      first &&= !list;
      return answer;
    }
    const rows = await answer.json();
    lists++;
    while (rows.length < many) {
      const i = rows.length;
      const moment = new Date(Date.UTC(2020, 0, 1) - i * 1000).toISOString();
      const id = `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;
      rows.push({
        ...rows[0],
        id,
        other_user: { ...rows[0].other_user, id, full_name: `Person ${i} of list ${lists}` },
        last_message_at: moment,
        created_at: moment,
      });
    }
    return new Response(JSON.stringify(rows), { headers: { date: answer.headers.get('date') } });
  };
}

/** In the page: counts rows that are put into the list, out of it or elsewhere in it, and long lists that are sorted. */
function watchList() {
  window.watched = { moved: 0, sorted: 0 };
  new MutationObserver((records) =>
    records.forEach(({ addedNodes, removedNodes }) => (window.watched.moved += addedNodes.length + removedNodes.length)),
  ).observe(document.querySelector('.conversations'), { childList: true });
  for (const sort of ['sort', 'toSorted']) {
    const own = Array.prototype[sort];
    Array.prototype[sort] = function (...order) {
      window.watched.sorted += this.length > 1000;
      return own.apply(this, order);
    };
  }
}

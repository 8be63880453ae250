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
      const first = await focusedText();
      await press('ArrowDown');
      assert.notEqual(await focusedText(), first);
      await press('ArrowUp');
      assert.equal(await focusedText(), first);
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
  });
}

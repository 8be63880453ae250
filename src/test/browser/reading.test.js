// Where a conversation opens, what counts as read, and that nothing but the panes scrolls: in Chromium and in Firefox.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { find, openChromium, openFirefox } from './browsers.js';
import { Demo } from './demo.js';
import { complainedOfNothing, Person } from './person.js';
import { Service } from '../node/service.js';
import { until } from '../node/deadline.js';

const UNREAD = 40;

/** Runs in the page: what marks as unread is answered once `window.held` has ended. */
function holding() {
  const real = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await real(...asked);
    if (String(asked[0].url ?? asked[0]).includes('/mark_as_unread')) {
      await window.held;
    }
    return answer;
  };
}

for (const [name, open] of Object.entries({ chromium: openChromium, firefox: openFirefox })) {
  const program = find(name);

  describe(`Reading, in ${name}`, { skip: program === null && `${name} was not found` }, () => {
    const service = new Service();
    let browser;
    let demo;
    let bob;
    let conversation;
    let withCarol;

    before(async () => {
      await service.start();
      browser = await open(program);
      demo = await Demo.at(service.url);
      bob = new Person('bob', await browser.newPage(), service.url);
      await bob.prepares(holding);
      conversation = await demo.between('alice', 'bob');
      for (let i = 1; i <= 70; i++) {
        await demo.sends(i % 2 ? 'alice' : 'bob', conversation, `read already, ${i}`);
      }
      await demo.calls('bob', 'mark_conversation_as_read', { conversation_id: conversation });
      withCarol = await demo.between('carol', 'bob');
      await demo.sends('carol', withCarol, 'another conversation');
      await demo.calls('bob', 'mark_conversation_as_read', { conversation_id: withCarol });
    });
    after(async () => {
      await bob?.shot(`reading-${name}`).catch(() => {});
      await browser?.close();
      await service.end();
      complainedOfNothing([bob].filter(Boolean));
    });

    /** As the database has it: how far Bob has read, which Alice's ticks show, and what is left. */
    const stored = async () => {
      const [row] = await demo.calls('bob', 'get_conversations', { conversation_id: conversation });
      return row;
    };
    const inView = () => bob.page.evaluate(messagesInView);
    const says = async (count, words) => {
      for (let i = 1; i <= count; i++) {
        await demo.sends('alice', conversation, `${words} ${i}`);
      }
    };
    /** Exactly what has been on the screen is read. */
    const hasReadWhatIsInView = () =>
      until('what is in view, and nothing else, to be read', async () => {
        const [shown, { read_seq }] = [await inView(), await stored()];
        return read_seq === shown.last;
      });

    test(`${UNREAD} unread: it opens at the first, reads what is in view, and counts what is below`, async () => {
      await bob.opens();
      await says(UNREAD, 'unread');
      await bob.sees('.conversation .badge', `${UNREAD}`);
      await bob.choosesConversation('Alice');
      await bob.sees('.new-line');
      await until('the line to be in view', async () => (await inView()).line);
      await hasReadWhatIsInView();
      const [shown, { last_message_seq: newest }] = [await inView(), await stored()];
      assert.equal(shown.afterLine, 'unread 1');
      assert.ok(shown.last < newest, `the newest is not on the screen: ${shown.last} of ${newest}`);
      await bob.sees('.to-end', `${newest - shown.last} new`);
      const alice = await demo.calls('alice', 'get_conversations', { conversation_id: conversation });
      assert.equal(alice[0].other_read_seq, shown.last, 'Alice gets ticks for these alone');
    });

    test('scrolling reads on; the button leads to the newest; the line stays while the conversation is open', async () => {
      await bob.page.evaluate(() => (document.querySelector('.messages').scrollTop += 200));
      await hasReadWhatIsInView();
      assert.ok((await stored()).unread_count > 0);
      await bob.clicks('.to-end');
      await until('the newest to be in view', async () => (await inView()).last === (await stored()).last_message_seq);
      await until('all to be read', async () => (await stored()).unread_count === 0);
      await bob.seesNo('.to-end');
      await bob.seesNo('.conversation .badge');
      await bob.sends('an answer');
      await bob.seesNo('.message-sending');
      assert.equal(await bob.count('.new-line'), 1);
    });

    test('a second visit has its own line', async () => {
      await bob.choosesConversation('Carol');
      await says(3, 'meanwhile');
      await bob.sees('.conversation .badge', '3');
      await bob.choosesConversation('Alice');
      await until('the line before the first of them', async () => {
        const { line, afterLine } = await inView();
        return line && afterLine === 'meanwhile 1';
      });
      await until('all to be read', async () => (await stored()).unread_count === 0);
      // And without anything new, none.
      await bob.choosesConversation('Carol');
      await bob.choosesConversation('Alice');
      await bob.seesMessage('meanwhile 3');
      assert.equal(await bob.count('.new-line'), 0);
    });

    test('while nobody looks nothing is read, and the first unread stays on the screen', async () => {
      await bob.page.evaluate(() => (document.hasFocus = () => false));
      const { read_seq } = await stored();
      await says(UNREAD, 'in your absence');
      await bob.seesMessage(`in your absence ${UNREAD}`);
      await until('the line to be in view', async () => (await inView()).line);
      assert.equal((await inView()).afterLine, 'in your absence 1');
      assert.equal((await stored()).read_seq, read_seq);
      await bob.sees('.to-end', `${UNREAD} new`);
      await bob.page.evaluate(() => {
        delete document.hasFocus;
        dispatchEvent(new Event('focus'));
      });
      await bob.turnsToIt();
      await hasReadWhatIsInView();
      const shown = await inView();
      assert.ok(shown.last > read_seq && shown.last < read_seq + UNREAD, `some of them: ${shown.last - read_seq}`);
      await bob.clicks('.to-end');
      await until('all to be read', async () => (await stored()).unread_count === 0);
    });

    test('unread again from a message on: the list counts, and the next visit begins there', async () => {
      const before = await stored();
      await bob.usesTool('in your absence 31', 'More actions');
      await bob.clicks('[role="menuitem"]', 'Mark as unread from here');
      await bob.sees('.conversation .badge', '10 unread');
      assert.equal((await stored()).unread_count, 10);
      const alice = await demo.calls('alice', 'get_conversations', { conversation_id: conversation });
      assert.equal(alice[0].other_read_seq, before.last_message_seq, 'the other does not learn of it');
      await bob.sees('.chat-none'); // the list tells it before the conversation closes
      await bob.choosesConversation('Alice');
      await until('the line before it', async () => {
        const { line, afterLine } = await inView();
        return line && afterLine === 'in your absence 31';
      });
      await until('all to be read', async () => (await stored()).unread_count === 0);
      await bob.clicks('.conversation', 'Carol');
    });

    test('who chooses another conversation while one becomes unread stays there', async () => {
      await bob.choosesConversation('Alice');
      await bob.page.evaluate(() => {
        window.held = new Promise((resolve) => (window.letGo = resolve));
      });
      await bob.usesTool('in your absence 31', 'More actions');
      await bob.clicks('[role="menuitem"]', 'Mark as unread from here');
      await until('the database to have it', async () => (await stored()).unread_count === 10);
      await bob.choosesConversation('Carol');
      await bob.page.evaluate(() => window.letGo());
      await bob.sees('.conversation .badge', '10 unread');
      await demo.sends('carol', withCarol, 'a marker');
      await bob.seesMessage('a marker');
      assert.equal(await bob.count('.chat-none'), 0);
      await bob.choosesConversation('Alice');
      await until('all to be read', async () => (await stored()).unread_count === 0);
      await bob.clicks('.conversation', 'Carol');
    });

    test('more unread than a page holds: still at the first', async () => {
      await bob.opens();
      await says(90, 'of the holidays');
      await bob.sees('.conversation .badge', '90');
      await bob.choosesConversation('Alice');
      await until('the line before the first', async () => {
        const { line, afterLine } = await inView();
        return line && afterLine === 'of the holidays 1';
      });
      await hasReadWhatIsInView();
      await bob.clicks('.to-end');
      await bob.seesMessage('of the holidays 90');
      await until('all to be read', async () => (await stored()).unread_count === 0);
    });

    test('a copied link leads to its message', async () => {
      await bob.opens(`/messages/${conversation}#12`);
      await until('the message in the middle of the screen', () =>
        bob.page.evaluate(() => {
          const [one, pane] = ['[data-seq="12"]', '.messages'].map((it) => document.querySelector(it)?.getBoundingClientRect());
          return Boolean(one) && Math.abs((one.top + one.bottom - pane.top - pane.bottom) / 2) < 60;
        }),
      );
    });

    test('with 65 conversations a search hit moves the pane alone, at any zoom', async () => {
      await bob.prepares(manyConversations, 65);
      await bob.opens();
      const all = () => Number(document.querySelector('[aria-setsize]')?.getAttribute('aria-setsize')) > 65;
      await until('all of them', () => bob.page.evaluate(all));
      await bob.standsStill();
      await bob.page.click('.sidebar-search input');
      await bob.page.keyboard.type('already, 7');
      const highlighted = await bob.notices('.message-highlighted', 'already, 7');
      await bob.clicks('.conversation:has(mark)', 'already, 7');
      await highlighted();
      await bob.standsStill();
      // 1280 × 1024 and 1440 × 900 at 400 %, a phone on its side, and a wide screen.
      for (const [width, height] of [
        [320, 256],
        [360, 225],
        [780, 390],
        [1440, 900],
      ]) {
        await bob.hasWindow(width, height);
        await bob.standsStill();
        await bob.sends(`at ${width} × ${height}`);
        await bob.seesMessage(`at ${width} × ${height}`);
        await bob.seesNo('.message-sending');
        await bob.usesTool(`at ${width} × ${height}`, 'More actions');
        await bob.page.keyboard.press('Escape');
        await bob.standsStill();
        const composer = await bob.page.evaluate(() => document.querySelector('.composer').getBoundingClientRect().bottom);
        assert.ok(composer <= height, `the field is on the screen: ${composer} of ${height}`);
      }
    });
  });
}

/** In the page: the highest number that is on the screen by half, and whether the line is, and before what. */
function messagesInView() {
  const pane = document.querySelector('.messages').getBoundingClientRect();
  const shows = (one) => {
    const { top, bottom, height } = one.getBoundingClientRect();
    return Math.min(bottom, pane.bottom) - Math.max(top, pane.top) >= height / 2;
  };
  const line = document.querySelector('.new-line');
  return {
    last: Math.max(0, ...[...document.querySelectorAll('[data-seq]')].filter(shows).map((one) => Number(one.dataset.seq))),
    line: line !== null && shows(line),
    afterLine: line?.nextElementSibling.querySelector('.bubble-text')?.textContent ?? null,
  };
}

/** In the page: the answer of get_conversations, with as many more rows. */
function manyConversations(count) {
  const real = window.fetch;
  window.fetch = async (request, options) => {
    const answer = await real(request, options);
    if (!String(request.url ?? request).endsWith('/get_conversations') || String(options?.body).includes('conversation_id')) {
      return answer;
    }
    const rows = await answer.json();
    const more = Array.from({ length: count }, (_, i) => ({
      ...rows[0],
      id: `00000000-0000-7000-8000-${String(i).padStart(12, '0')}`,
      last_message_at: new Date(Date.parse(rows[0].last_message_at) - (i + 1) * 3_600_000).toISOString(),
      other_user: { ...rows[0].other_user, full_name: `Somebody ${i}` },
      unread_count: i % 3,
    }));
    return new Response(JSON.stringify([...rows, ...more]), { status: 200, headers: answer.headers });
  };
}

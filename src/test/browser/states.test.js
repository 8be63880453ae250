// What the page says when something is wrong: once, in words for people, with what helps. In Chromium and in Firefox.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { find, openChromium, openFirefox } from './browsers.js';
import { Demo } from './demo.js';
import { complainedOfNothing, Person } from './person.js';
import { Service } from '../node/service.js';
import { until } from '../node/deadline.js';
import { Wire } from './wire.js';

/** What a program says, and no person should read: names of functions, settings and tables, SQL, statuses. */
const PROGRAM = /function|_|SQL|column|relation|null|undefined|Error|\b[45]\d\d\b/;

for (const [name, open] of Object.entries({ chromium: openChromium, firefox: openFirefox })) {
  const program = find(name);

  describe(`Honest states, in ${name}`, { skip: program === null && `${name} was not found` }, () => {
    const service = new Service();
    const wire = {};
    let browser;
    let demo;
    let alice;

    before(async () => {
      await service.start();
      browser = await open(program);
      demo = await Demo.at(service.url);
      wire.itself = new Wire(service.url);
      alice = new Person('alice', await browser.newPage(), await wire.itself.lay());
      await alice.prepares(ruledFetch);
      await demo.sends('bob', await demo.between('alice', 'bob'), 'hello');
      await demo.sends('carol', await demo.between('alice', 'carol'), 'hello, too');
    });
    after(async () => {
      await browser?.close();
      await wire.itself?.end();
      await service.end();
      complainedOfNothing([alice].filter(Boolean));
    });

    /** From now on calls of these functions are answered so; of all, by '*'. */
    const answers = (rules) => alice.page.evaluate((given) => (window.rules = given), rules);
    const notices = () => alice.texts('.banner, .inline-problem, .notice, .message-problem, .sidebar .empty, .chat .empty');
    const field = () => alice.page.evaluate(() => document.querySelector('.composer textarea').value);

    test('signed out: it is said, with what to do; messages and drafts stay and go on after it', async () => {
      await alice.opens();
      await alice.choosesConversation('Bob');
      await answers({ '*': { status: 401, code: 'PGRST303', message: 'JWT expired' } });
      await alice.sends('written without a token');
      await alice.sees('.banner', 'You are signed out. Sign in again');
      await alice.sees('.message-sending', 'written without a token');
      await alice.seesMessage('hello');
      await alice.pastes('a draft');
      await alice.choosesConversation('Bob');
      assert.equal(await field(), 'a draft');
      assert.deepEqual(await notices(), [(await alice.texts('.banner'))[0]], 'one notice');
      await alice.shot(`signed-out-${name}`);
      await alice.sees('.banner button', 'I have signed in');
      // At once, before the page tries by itself.
      await alice.page.evaluate(() => {
        window.rules = {};
        document.querySelector('.banner button').click();
      });
      await alice.seesNo('.banner');
      await alice.seesNo('.message-sending');
      await alice.seesOnce('written without a token');
      assert.equal(await field(), 'a draft');
      await alice.pastes('');
    });

    test('one outage, one notice; what was not loaded comes after it', async () => {
      await alice.opens();
      await alice.choosesConversation('Bob');
      wire.itself.cut();
      await alice.sees('.banner', 'Connection lost');
      await alice.clicks('.conversation', 'Carol');
      await alice.sees('.chat-title h2', 'Carol');
      await until('the call that failed', () => alice.page.evaluate(() => window.failed.includes('get_messages')));
      await alice.standsStill();
      assert.deepEqual(await notices(), await alice.texts('.banner'));
      wire.itself.mend();
      await alice.seesNo('.banner');
      await alice.seesMessage('hello, too');
      await until('no notice to be left', async () => (await notices()).length === 0);
    });

    test('what was seen while the service could not be told is read once it can', async () => {
      const conversation = await demo.between('alice', 'carol');
      await demo.calls('alice', 'mark_conversation_as_read', { conversation_id: conversation }); // so that no late call of the page does
      await alice.opens();
      const [before] = await demo.calls('alice', 'get_conversations', { conversation_id: conversation });
      await answers({ mark_conversation_as_read: { status: 503, code: 'PT503', message: 'busy' } });
      await demo.sends('carol', conversation, 'seen in an outage');
      await alice.choosesConversation('Carol');
      await alice.seesMessage('seen in an outage');
      await until('the answer that refused', () => alice.page.evaluate(() => window.ruled.includes('mark_conversation_as_read')));
      const [during] = await demo.calls('alice', 'get_conversations', { conversation_id: conversation });
      assert.equal(during.unread_count, before.unread_count + 1);
      await answers({});
      wire.itself.cut();
      await alice.sees('.banner', 'Connection lost');
      wire.itself.mend();
      await alice.seesNo('.banner');
      await until('it to be read', async () => {
        const [{ unread_count }] = await demo.calls('alice', 'get_conversations', { conversation_id: conversation });
        return unread_count === 0;
      });
    });

    test('no words of a program, and "Try again" only where it can help', async () => {
      await alice.opens();
      await alice.choosesConversation('Bob');
      for (const [refusal, says, helps] of [
        [{ status: 400, code: 'PT400', details: 'too_long', message: 'chat.max_message_length' }, 'This is too long.', 'Copy text'],
        [{ status: 403, code: 'PT403', details: 'gone', message: 'gone' }, 'This person no longer uses the chat.', 'Copy text'],
        [
          { status: 403, code: 'PT403', details: 'blocked', message: 'blocked' },
          'This person does not take messages from you.',
          'Try again',
        ],
        [{ status: 400, code: '42883', message: 'function public.send() does not exist', hint: 'SQL' }, 'This did not work.', 'Try again'],
        [
          { status: 404, code: 'PGRST202', message: 'Could not find the function public.send_message' },
          'Load the page again.',
          'Try again',
        ],
        [
          { status: 403, code: 'PT403', details: 'over_quota', message: 'Your team has written enough today.' },
          'Your team has written enough',
          'Try again',
        ],
      ]) {
        await answers({ send_message: refusal });
        await alice.sends(`refused: ${says}`);
        await alice.sees('.message-problem', says);
        const [words, ...buttons] = await alice.texts('.message-problem > span, .message-problem button');
        assert.doesNotMatch(words, PROGRAM);
        assert.deepEqual(buttons, [helps, 'Discard']);
        await alice.clicks('.message-problem button', 'Discard');
        await alice.seesNo('.message-problem');
      }
      const broken = { get_conversations: { status: 500, code: 'XX000', message: 'relation "user_conversations" does not exist' } };
      await alice.page.evaluate((rules) => sessionStorage.setItem('rules', rules), JSON.stringify(broken));
      await alice.opens();
      await alice.sees('.sidebar .empty', 'The service has trouble at the moment.');
      assert.doesNotMatch((await alice.texts('.sidebar .empty')).join(), PROGRAM);
      await alice.page.evaluate(() => sessionStorage.removeItem('rules'));
      await alice.sees('.sidebar .empty button', 'Try again');
      await answers({});
      // Unless the page has tried again by itself.
      await alice.page.evaluate(() => document.querySelector('.sidebar .empty button')?.click());
      await alice.sees('.conversation', 'Bob');
    });

    test('a draft that is sent in one tab leaves the others', async () => {
      await alice.opens();
      await alice.choosesConversation('Bob');
      await alice.pastes('one draft');
      const other = new Person('alice', await browser.newTab(alice.page), alice.url);
      await other.opens();
      await other.sees('.conversation-draft', 'Draft');
      await other.choosesConversation('Bob');
      assert.equal(await other.page.evaluate(() => document.querySelector('.composer textarea').value), 'one draft');
      await alice.turnsToIt();
      await alice.pastes('one draft, and more of it');
      const holds = (text) => other.page.evaluate((words) => document.querySelector('.composer textarea').value === words, text);
      await until('the other tab to follow', () => holds('one draft, and more of it'));
      await alice.page.keyboard.press('Enter');
      await until('the draft to leave the other tab', () => holds(''));
      await other.seesOnce('one draft, and more of it');
      assert.deepEqual(other.complaints, []);
      await other.page.close();
    });

    test('a new conversation does not promise more than is true', async () => {
      const mallory = new Person('mallory', await browser.newPage(), service.url);
      await mallory.opens(`/messages/${await demo.between('mallory', 'niaj')}`);
      await mallory.sees('.chat .empty', 'Whoever runs the chat may.');
      assert.deepEqual(mallory.complaints, []);
    });
  });
}

/** In the page: calls of functions are answered as window.rules says, and those that get no answer are noted. */
function ruledFetch() {
  const real = window.fetch;
  const isPage = location.protocol.startsWith('http'); // an empty document, which a tab has at first, may not ask for what is stored
  window.rules = JSON.parse((isPage && sessionStorage.getItem('rules')) || '{}');
  window.failed = [];
  window.ruled = [];
  window.fetch = async (request, options) => {
    const called = /\/rpc\/(\w+)/.exec(String(request.url ?? request))?.[1];
    const rule = called && (window.rules[called] ?? window.rules['*']);
    if (rule) {
      window.ruled.push(called);
      const { status, ...body } = rule;
      return new Response(JSON.stringify({ details: null, hint: null, ...body }), {
        status,
        headers: { 'Content-Type': 'application/json' },
      });
    }
    try {
      return await real(request, options);
    } catch (error) {
      window.failed.push(called);
      throw error;
    }
  };
}

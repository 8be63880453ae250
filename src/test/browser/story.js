// The core story, the same in every browser: two people talk.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../node/deadline.js';

/** @param scene {alice, bob, demo}, filled before the first test runs */
export function coreStory(scene) {
  test('what one sends, the other reads: once, in order, with ticks for sent and read', async () => {
    const { alice, bob } = scene;
    await Promise.all([alice.opens(), bob.opens()]);
    await Promise.all([alice.choosesConversation('Bob'), bob.choosesConversation('Alice')]);

    await alice.sends('one o’clock then');
    await bob.seesOnce('one o’clock then');
    await alice.seesOnce('one o’clock then');
    await bob.sends('fine 🙂');
    await alice.seesOnce('fine 🙂');
    await bob.seesOnce('fine 🙂');
    for (const person of [alice, bob]) {
      assert.deepEqual((await person.messages()).slice(-2), ['one o’clock then', 'fine 🙂'], `${person.name} has both in order`);
    }
    // Two windows, and only one can have the focus: who looks has read.
    await alice.turnsToIt();
    await bob.turnsToIt();
    await alice.sees('.message-own:has(.delivery-read)', 'one o’clock then');
  });

  test('Shift+Enter makes a line, Enter sends', async () => {
    const { alice, bob } = scene;
    await alice.writes('first line');
    await alice.page.keyboard.down('Shift');
    await alice.page.keyboard.press('Enter');
    await alice.page.keyboard.up('Shift');
    await alice.sends('second line');
    await bob.seesOnce('first line\nsecond line');
  });

  test('typing shows at once and clears by itself', async () => {
    const { alice, bob } = scene;
    const seen = await bob.notices('.typing', 'Alice is typing');
    await alice.writes('hm');
    await seen();
    await bob.seesNo('.typing');
    await alice.page.keyboard.press('Backspace');
    await alice.page.keyboard.press('Backspace');
  });

  test('edit, react and delete reach the other', async () => {
    const { alice, bob, demo } = scene;
    await alice.sends('see you at tweve');
    await bob.seesMessage('see you at tweve');
    await alice.usesTool('see you at tweve', 'More actions');
    await alice.clicks('[role="menuitem"]', 'Edit');
    await alice.sees('.composer-edit');
    await alice.pastes('see you at twelve');
    await alice.page.keyboard.press('Enter');
    await bob.sees('.message:has(.bubble-edited)', 'see you at twelve');
    assert.equal(await bob.count('.bubble', 'tweve'), 0);

    // Each of the two sees what it said before.
    for (const person of [bob, alice]) {
      await person.clicks('.message:has(.bubble-edited) .foot-button');
      await person.sees('.versions > li:first-child', 'see you at twelve');
      await person.sees('.versions > li:first-child', 'Now, since');
      await person.sees('.versions > li:last-child', 'see you at tweve');
      assert.equal(await person.count('.versions > li'), 2);
      await person.page.keyboard.press('Escape');
      await person.seesNo('.dialog');
      await until('the focus to come back', () =>
        person.page.evaluate(() => document.activeElement.matches('.bubble-edited, .foot-button')),
      );
    }
    await bob.clicks('.message:has(.bubble-edited) .foot-button');
    await bob.sees('.versions');
    await demo.calls('alice', 'edit_message', {
      message_id: (await demo.calls('alice', 'get_messages', { conversation_id: await demo.between('alice', 'bob') })).at(-1).id,
      content: 'see you at twelve!',
    });
    await bob.sees('.versions > li:first-child', 'see you at twelve!');
    assert.equal(await bob.count('.versions > li'), 3);
    await bob.page.keyboard.press('Escape');
    await bob.seesNo('.dialog');

    await bob.usesTool('see you at twelve', 'React');
    await bob.clicks('.reaction-picker button', 'party');
    await alice.sees('.reaction', '🎉');
    await alice.clicks('.reaction', '🎉');
    await bob.sees('.reaction', '🎉2');
    await bob.clicks('.reaction', '🎉');
    await alice.sees('.reaction', '🎉1');

    await alice.usesTool('see you at twelve', 'More actions');
    await alice.clicks('[role="menuitem"]', 'Delete');
    await alice.clicks('[role="alertdialog"] .button-danger');
    await bob.sees('.bubble-deleted', 'This message was deleted');
    await alice.sees('.bubble-deleted', 'You deleted this message');
    assert.equal(await bob.count('.bubble', 'twelve'), 0);
    assert.equal(await bob.count('.reaction', '🎉'), 0);
  });

  test('HTML is text; addresses are links and nothing else is', async () => {
    const { alice, bob } = scene;
    const nasty =
      '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> javascript:alert(1) https://example.org/a_(b)?c=d.';
    await alice.pastes(nasty);
    await alice.page.keyboard.press('Enter');
    await bob.seesMessage(nasty);
    assert.equal(await bob.page.evaluate(() => window.hacked), undefined);
    assert.equal(await bob.page.evaluate(() => document.querySelector('.bubble script, .bubble img')), null);
    const links = await bob.page.evaluate(() =>
      [...document.querySelectorAll('.bubble-text a')].map(({ href, rel, target }) => `${href} ${target} ${rel}`),
    );
    assert.deepEqual(links, ['https://example.org/a_(b)?c=d _blank noopener noreferrer nofollow']);
  });

  test('unread: badge, title and a line where the new ones begin; read when looked at', async () => {
    const { alice, bob, demo } = scene;
    await bob.turnsToIt(); // and has read what was said so far
    await alice.sees('.message-own:has(.delivery-read)', 'window.hacked');
    await bob.opens(); // the list alone
    await bob.seesNo('.conversation .badge');
    const conversation = await demo.between('alice', 'bob');
    await demo.sends('alice', conversation, 'unread, the first');
    await demo.sends('alice', conversation, 'unread, the second');
    await bob.sees('.conversation .badge', '2');
    await bob.sees('.nav-item .badge', '2');
    await until('the title', async () => (await bob.title()).startsWith('(2) '));
    await bob.turnsToIt();
    await bob.choosesConversation('Alice');
    await bob.sees('.new-line');
    const after = await bob.page.evaluate(() => {
      const line = document.querySelector('.new-line');
      return line.nextElementSibling.textContent;
    });
    assert.match(after, /unread, the first/);
    await bob.seesNo('.conversation .badge');
    await until('the title', async () => !(await bob.title()).startsWith('('));
    await alice.sees('.message-own:has(.delivery-read)', 'unread, the second');
  });
}

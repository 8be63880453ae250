// Texts in every script, addresses, input methods, and the page from right to left: in Chromium and in Firefox.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { find, openChromium, openFirefox } from './browsers.js';
import { Demo } from './demo.js';
import { complainedOfNothing, Person } from './person.js';
import { Service } from '../node/service.js';
import { until } from '../node/deadline.js';

const HEBREW = 'נפגשים מחר בבוקר במשרד ואז נדבר על התוכנית של השבוע הבא עם כל הצוות';
const ARABIC = 'نلتقي غدا صباحا في المكتب ثم نتحدث عن خطة الأسبوع القادم مع الفريق كله';
const ENGLISH = 'We meet tomorrow in the office and then talk about the plan of next week with the team';
const ZALGO = `z${'\u0300\u0301\u0308\u030a\u0323\u0316'.repeat(40)}algo`;

/** Each text cut after each of its words, so that some last line ends wherever a line can end. */
const LINES = [HEBREW, ARABIC, ENGLISH].flatMap((text) => {
  const words = text.split(' ');
  return words.map((_, i) => words.slice(0, i + 1).join(' '));
});
const MARKED = ['`code`', '**bold** words', '- one\n- two', `> ${HEBREW}\n${ENGLISH}`, '```\ncode\n```'];
const MIXED = [
  ...MARKED,
  `${ENGLISH}\n${HEBREW}`,
  `${ARABIC}\n${ENGLISH}`,
  `${HEBREW} GPT Desk`,
  `(${ARABIC})`,
  '42',
  '🙂 🙃 !',
  `${HEBREW}\n42`,
];

for (const [name, open] of Object.entries({ chromium: openChromium, firefox: openFirefox })) {
  const program = find(name);

  describe(`Scripts and input, in ${name}`, { skip: program === null && `${name} was not found` }, () => {
    const service = new Service();
    let browser;
    let demo;
    let alice;
    let conversation;

    before(async () => {
      await service.start();
      browser = await open(program);
      demo = await Demo.at(service.url);
      alice = new Person('alice', await browser.newPage(), service.url);
      conversation = await demo.between('alice', 'bob');
    });
    after(async () => {
      await browser?.close();
      await service.end();
      complainedOfNothing([alice].filter(Boolean));
    });

    /** Another conversation with nothing but these messages, read to the end by Alice. */
    const shows = async (messages) => {
      for (const [who, fields] of messages) {
        await demo.calls(who, 'send_message', { conversation_id: conversation, ...fields });
      }
      await demo.calls('alice', 'mark_conversation_as_read', { conversation_id: conversation });
      await alice.opens(`/messages/${conversation}`);
      await alice.sees('.message');
      await until('the end of them', async () => {
        const { seq } = (await demo.calls('alice', 'get_messages', { conversation_id: conversation, page_size: 1 }))[0];
        return alice.has(`[data-seq="${seq}"]`);
      });
    };

    for (const direction of ['ltr', 'rtl']) {
      test(`the time covers no text, in a page ${direction}`, async () => {
        for (const texts of [LINES.slice(0, 44), [...LINES.slice(44), ...MIXED]]) {
          await shows(texts.map((content, i) => [i % 2 ? 'alice' : 'bob', { content }]));
          await alice.page.evaluate((dir) => (document.documentElement.dir = dir), direction);
          for (const width of [390, 1180]) {
            await alice.hasWindow(width, 760);
            const { covered, checked } = await alice.page.evaluate(textsUnderTimes);
            assert.deepEqual(covered, [], `at ${width} px`);
            assert.ok(checked >= 40, `${checked} messages were looked at`);
          }
        }
        await alice.shot(`scripts-${direction}-${name}`);
      });
    }

    test('each paragraph has its own direction', async () => {
      await shows([['bob', { content: `${ENGLISH.slice(0, 10)}\n${HEBREW.slice(0, 10)}` }]]);
      const [first, second] = await alice.page.evaluate(() => {
        const text = [...document.querySelectorAll('.bubble-text')].at(-1);
        const lines = document.createRange();
        lines.selectNodeContents(text);
        const box = text.getBoundingClientRect();
        const drawn = [...lines.getClientRects()].filter(({ width }) => width > 1);
        return [drawn[0], drawn.at(-1)].map(({ left, right }) => ({ left: left - box.left, right: box.right - right }));
      });
      assert.ok(first.left < 2, 'English begins at the left');
      assert.ok(second.right < 2, 'Hebrew begins at the right');
    });

    test('the whole page is mirrored', async () => {
      const places = () =>
        alice.page.evaluate(() => {
          const middle = (selector) => {
            const { left, right } = [...document.querySelectorAll(selector)].at(-1).getBoundingClientRect();
            return (left + right) / 2 / innerWidth;
          };
          return [
            '.sidebar',
            '.message-own .bubble',
            '.message-other .bubble',
            '.send-button',
            '.chat-header .avatar',
            '.conversation time',
            '.me',
          ].map(middle);
        });
      await shows([
        ['alice', { content: 'mine' }],
        ['bob', { content: 'his' }],
      ]);
      await alice.hasWindow(1180, 760);
      const [before, overflow] = [await places(), await alice.page.evaluate(() => document.documentElement.scrollWidth)];
      await alice.page.evaluate(() => (document.documentElement.dir = 'rtl'));
      const mirrored = await places();
      before.forEach((place, i) => assert.ok(Math.abs(place + mirrored[i] - 1) < 0.02, `${i}: ${place} and ${mirrored[i]}`));
      assert.equal(await alice.page.evaluate(() => document.documentElement.scrollWidth), overflow);
      await alice.clicks('[aria-label="Conversation menu"]');
      await alice.sees('[role="menuitem"]', 'Mute');
      await alice.shot(`mirrored-${name}`);
      await alice.page.keyboard.press('Escape');
    });

    test('a file without text shows its time beside it, and accents upon accents end at the bubble', async () => {
      await shows([
        ['bob', { content: '', message_type: 'file', file_url: 'https://files.example.org/a.pdf', file_name: 'a.pdf' }],
        ['bob', { content: 'b.pdf', message_type: 'file', file_url: 'https://files.example.org/b.pdf', file_name: 'b.pdf' }],
        ['bob', { content: ZALGO }],
      ]);
      const { cards, clipped } = await alice.page.evaluate(() => ({
        cards: [...document.querySelectorAll('.bubble:has(.file-card)')].map((bubble) => {
          const [card, foot, box] = ['.file-card', '.bubble-foot', null].map((one) =>
            (one ? bubble.querySelector(one) : bubble).getBoundingClientRect(),
          );
          return foot.top >= card.bottom && foot.bottom <= box.bottom;
        }),
        clipped: getComputedStyle([...document.querySelectorAll('.bubble')].at(-1)).overflowY,
      }));
      assert.deepEqual(cards, [true, true]);
      assert.equal(clipped, 'clip');
    });

    test('addresses are links, whatever stands around them; nothing else is', async () => {
      const cases = [
        ['见https://example.org/路径。好', 'https://example.org/%E8%B7%AF%E5%BE%84'],
        ['（https://example.org/a）', 'https://example.org/a'],
        ['「https://example.org/b」、次', 'https://example.org/b'],
        ['"https://example.org/c", then', 'https://example.org/c'],
        ['see https://example.org/d_(e)?f=g.', 'https://example.org/d_(e)?f=g'],
        ['at www.example.org/h!', 'https://www.example.org/h'],
        ['write to somebody@example.org.', 'mailto:somebody@example.org'],
        ['אתר https://example.org/i.', 'https://example.org/i'],
        ['**https://example.org/l**', 'https://example.org/l'],
        ['_https://example.org/m_, then', 'https://example.org/m'],
        ['~~https://example.org/n~~', 'https://example.org/n'],
        ['`https://example.org/o`', 'https://example.org/o'],
        ['(**_see https://example.org/p._**)', 'https://example.org/p'],
        ['_https://example.org_', 'https://example.org/'],
        ['**somebody@example.org**', 'mailto:somebody@example.org'],
        ['见**https://example.org/y**。好', 'https://example.org/y'],
        ['https://example.org/*', 'https://example.org/*'],
        ['https://example.org/_q_/*r*?s=~t', 'https://example.org/_q_/*r*?s=~t'],
        ['https://user@example.org:8080/u?v=1#w', 'https://user@example.org:8080/u?v=1#w'],
        ['https://user:word@example.org/x', 'https://user:word@example.org/x'],
        ['javascript:alert(1) data:text/html,x ftp://example.org/j file:///etc/passwd README.md //example.org/k', null],
      ];
      await shows(cases.map(([content]) => ['bob', { content }]));
      const links = await alice.page.evaluate(
        (count) =>
          [...document.querySelectorAll('.bubble-text')]
            .slice(-count)
            .map((text) => [...text.querySelectorAll('a')].map(({ href, rel }) => `${href} ${rel}`).join(' and ')),
        cases.length,
      );
      assert.deepEqual(
        links,
        cases.map(([, href]) => (href === null ? '' : `${href} noopener noreferrer nofollow`)),
      );
    });

    test('code and simple marks of emphasis, and nothing else, are elements', async () => {
      const deep = '>'.repeat(60);
      const cases = [
        [
          '**bold** *italic* _too_ ~~gone~~ `a *b* <i>`',
          '<strong>bold</strong> <em>italic</em> <em>too</em> <s>gone</s> <code>a *b* &lt;i&gt;</code>',
        ],
        ['**bold** and\n\n  two  lines', '<strong>bold</strong> and\n\n  two  lines'],
        ['```js\nif (a < b) {\n  c();\n}\n```\nthen', '<pre><code>if (a &lt; b) {\n  c();\n}</code></pre><p>then</p>'],
        ['> said **once**\nmy answer', '<blockquote><p>said <strong>once</strong></p></blockquote><p>my answer</p>'],
        ['- one\n- two\n  - three\nafter', '<ul><li>one</li><li>two<ul><li>three</li></ul></li></ul><p>after</p>'],
        ['3. three\n4. four', '<ol><li>three</li><li>four</li></ol>'],
        [
          '<b>x</b> <img src=x onerror=alert(1)> [a](javascript:alert(1)) ![b](https://example.org/b.png)',
          '&lt;b&gt;x&lt;/b&gt; &lt;img src=x onerror=alert(1)&gt; [a](javascript:alert(1)) ![b](<a>https://example.org/b.png</a>)',
        ],
        ['2*3*4 a_b_c * - # none &amp; \\*\n---\n    four spaces', '2*3*4 a_b_c * - # none &amp;amp; \\*\n---\n    four spaces'],
        ['¯\\_(ツ)_/¯ \\*as it is\\* C:\\_x', '¯\\_(ツ)_/¯ \\*as it is\\* C:\\_x'],
        ['*https://example.org/_c_/*d*', '<em><a>https://example.org/_c_/*d</a></em>'],
        ['`https://example.org/e` \ue0000\ue000', '<code><a>https://example.org/e</a></code> \ue0000\ue000'],
        ['见**粗体**。', '见<strong>粗体</strong>。'],
        [`${deep} deep`, `${deep.replaceAll('>', '&gt;')} deep`],
      ];
      await shows(cases.map(([content]) => ['bob', { content }]));
      const html = await alice.page.evaluate(
        (count) =>
          [...document.querySelectorAll('.bubble-text')]
            .slice(-count)
            .map((text) => text.innerHTML.replace(/<(\w+)(?: [\w-]+="[^"]*")*>/g, '<$1>')),
        cases.length,
      );
      assert.deepEqual(
        html,
        cases.map(([, wanted]) => wanted),
      );
      await alice.shot(`marks-${name}`);
    });

    test('the Enter that ends a composition does not send, in any browser’s way; the next one does', async () => {
      await alice.pastes('にほん');
      const enter = (fields) =>
        alice.page.evaluate((given) => {
          const event = new KeyboardEvent('keydown', {
            key: 'Enter',
            bubbles: true,
            cancelable: true,
            isComposing: given.isComposing ?? false,
          });
          if (given.keyCode) {
            Object.defineProperty(event, 'keyCode', { value: given.keyCode });
          }
          document.querySelector('.composer textarea').dispatchEvent(event);
        }, fields);
      await enter({ isComposing: true });
      // Safari: compositionend comes first, then a keydown that no longer says so.
      await alice.page.evaluate(() =>
        document
          .querySelector('.composer textarea')
          .dispatchEvent(new CompositionEvent('compositionend', { data: 'にほん', bubbles: true })),
      );
      await enter({ keyCode: 229 });
      assert.equal(await alice.page.evaluate(() => document.querySelector('.composer textarea').value), 'にほん');
      await enter({ keyCode: 13 });
      await alice.seesOnce('にほん');
      await alice.seesNo('.message-sending');
    });

    test('the page in German and in Arabic: all texts, plurals, dates, refusals and the direction', async () => {
      const speaks = async (language) => {
        await alice.clicks('.me');
        await alice.clicks('[role="menuitemcheckbox"]', language);
      };
      const root = () => alice.page.evaluate(() => [document.documentElement.lang, document.documentElement.dir, document.title]);
      await shows([['bob', { content: 'gestern' }]]);

      await speaks('Deutsch');
      await alice.sees('.sidebar h2', 'Nachrichten');
      assert.deepEqual(await root(), ['de', 'ltr', 'Nachrichten · GPT Desk']);
      await alice.sees('.composer textarea', 'Nachricht an Bob');
      await alice.sees('.day-line', 'Heute');
      await demo.calls('bob', 'block_user', { user_id: demo.user('alice').id });
      await alice.sends('wer hört mich?');
      await alice.sees('.message-problem', 'Nicht gesendet. Diese Person nimmt keine Nachrichten von dir an.');

      await speaks('العربية');
      await alice.sees('.message-problem', 'هذا الشخص لا يستقبل رسائل منك.');
      assert.deepEqual(await root(), ['ar', 'rtl', 'الرسائل · GPT Desk']);
      await alice.clicks('.message-problem .link-button', 'تجاهل');
      await demo.calls('bob', 'unblock_user', { user_id: demo.user('alice').id });
      for (const [left, words] of [
        [0, 'لم يبقَ أي حرف'],
        [1, 'بقي حرف واحد'],
        [2, 'بقي حرفان'],
        [3, 'أحرف'],
        [11, 'حرفًا'],
        [100, 'حرف'],
      ]) {
        await alice.pastes('x'.repeat(1000 - left));
        await alice.sees('.composer-left', words);
      }
      await alice.pastes('');
      assert.equal(
        await alice.page.evaluate(() => getComputedStyle(document.querySelector('.composer textarea')).direction),
        'rtl',
        'what an empty field invites to, a name of Latin letters in it',
      );
      await alice.clicks('[aria-label="قائمة المحادثة"]');
      await alice.sees('[role="menu"][dir="rtl"] [role="menuitem"]', 'كتم');
      assert.deepEqual(
        await alice.page.evaluate(
          wordsInLatin,
          demo.users.map(({ full_name }) => full_name),
        ),
        [],
        'what is not Arabic',
      );
      await alice.page.keyboard.press('Escape');
      await alice.clicks('[aria-label="الأشخاص المحظورون"]');
      await alice.sees('.dialog', 'لم تحظر أحدًا');
      await alice.page.keyboard.press('Escape');
      await alice.shot(`arabic-${name}`);

      await alice.opens(`/messages/${conversation}`); // it stays chosen
      await alice.sees('.sidebar h2', 'الرسائل');
      await speaks('English');
      await alice.sees('.sidebar h2', 'Messages');
    });

    test('one to three emoji and nothing else are large', async () => {
      const texts = ['👍', '👩‍👩‍👧‍👦 ❤️', '🇺🇦🎉🎉', '🎉🎉🎉🎉', 'ok 👍', '12'];
      await shows(texts.map((content) => ['bob', { content }]));
      const large = await alice.page.evaluate(
        (count) => [...document.querySelectorAll('.bubble')].slice(-count).map((bubble) => bubble.matches('.bubble-emoji')),
        texts.length,
      );
      assert.deepEqual(large, [true, true, true, false, false, false]);
    });
  });
}

/** In the page: texts and labels with Latin letters that are neither somebody's words nor a name. */
function wordsInLatin(names) {
  const name = new RegExp(`\\b(?:GPT Desk|${names.flatMap((one) => one.split(' ')).join('|')})\\b`, 'g');
  const others = '.bubble-text, .file-card, .conversation-words, .conversation-name, .me-name, .avatar, .brand, [lang="en"], [lang="de"]';
  const found = new Set();
  for (const element of document.body.querySelectorAll('*')) {
    if (element.closest(`script, style, noscript, ${others}`)) continue;
    const own = [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE).map(({ data }) => data);
    const labels = ['aria-label', 'title', 'placeholder', 'alt'].map((label) => element.getAttribute(label) ?? '');
    for (const text of [...own, ...labels]) {
      if (/[A-Za-z]{2}/.test(text.replace(name, ''))) found.add(text);
    }
  }
  return [...found];
}

/** In the page: messages whose time lies over a line of their text. */
function textsUnderTimes() {
  const covered = [];
  let checked = 0;
  for (const bubble of document.querySelectorAll('.bubble')) {
    const text = bubble.querySelector('.bubble-text');
    const foot = bubble.querySelector('.bubble-foot').getBoundingClientRect();
    if (!text) continue;
    checked++;
    const range = document.createRange();
    range.selectNodeContents(text);
    const over = [...range.getClientRects()].find(
      ({ left, right, top, bottom, width }) =>
        width > 0 && left < foot.right - 0.5 && right > foot.left + 0.5 && top < foot.bottom - 0.5 && bottom > foot.top + 0.5,
    );
    const box = bubble.getBoundingClientRect();
    if (over || foot.left < box.left || foot.right > box.right) {
      covered.push(`${text.textContent.slice(-20)}: ${JSON.stringify(over)} under ${JSON.stringify(foot)}`);
    }
  }
  return { covered, checked };
}

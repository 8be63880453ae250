// The package's sheet reaches nothing of an application, and the application's own sheet does not undo it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { find, openChromium, openFirefox } from './browsers.js';
import { packageFolder } from './package.js';

const sheet = (name) => readFileSync(new URL(`../../main/web/src/styles/${name}.css`, import.meta.url), 'utf8');
const LIFTED = readFileSync(join(packageFolder(), 'dist/styles.css'), 'utf8');

/** Of the chat's class names, and of what the chat's sheet resets, something on the application's own page. */
const HOST = `
  <style>
    :root { --accent: rgb(9, 9, 9); font-size: 18px; }
    body { margin: 24px; overflow: auto; background: rgb(250, 240, 230); letter-spacing: 2px; text-align: center; }
    button { letter-spacing: 3px; text-transform: uppercase; }
    h1 { margin: 30px 0; }
    ul { list-style: square; padding-left: 40px; }
    .button { background: rgb(1, 2, 3); border-radius: 0; }
    .button:disabled { cursor: help; }
    .menu { padding: 77px; }
    .message, .person, .field, .notice { color: rgb(4, 5, 6); }
  </style>
  <body>
    <h1>Host</h1><h2>Part</h2><p>Text</p><ul><li>one</li></ul><a href="#">link</a>
    <button class="button">Save</button> <button class="button" disabled>Off</button> <button>Plain</button>
    <input placeholder="Name" /><textarea placeholder="Text"></textarea>
    <div class="menu">menu</div><div class="message">m</div><div class="person">p</div><div class="field">f</div>
    <div class="notice">n</div><div class="veil">v</div><div class="badge">b</div><mark>mark</mark>
    <div class="dialog">d</div><div class="bubble"><p>b</p></div><div class="chat">c</div><div class="whole">w</div>
    <div style="height: 3000px"></div>
  </body>`;

const PART =
  '<div class="gptdesk-chat"><h2>Messages</h2><ul><li>one</li></ul><button class="button button-main">New</button><div class="menu">x</div></div>';

for (const [name, open] of Object.entries({ chromium: openChromium, firefox: openFirefox })) {
  const program = find(name);

  describe(`Styles that are lifted, in ${name}`, { skip: program === null && `${name} was not found` }, () => {
    let browser;
    let page;
    before(async () => {
      browser = await open(program);
      page = await browser.newPage();
    });
    after(() => browser?.close());

    const shows = async (content, ...sheets) => {
      await page.setContent(content);
      for (const content of sheets) {
        await page.addStyleTag({ content });
      }
    };

    test('every rule is under the one class, and every animation under its name', async () => {
      await shows('<p>nothing</p>', LIFTED);
      const { reached, rules } = await page.evaluate(reaching);
      assert.deepEqual(reached, []);
      assert.ok(rules > 200, `the sheets were read: ${rules} rules`);
    });

    test('nothing of the application changes, and its page still scrolls', async () => {
      await shows(HOST);
      const before = await page.evaluate(computed);
      await page.addStyleTag({ content: LIFTED });
      assert.deepEqual(await page.evaluate(computed), before);
      await page.evaluate(() => scrollTo(0, 500));
      assert.equal(await page.evaluate(() => scrollY), 500);

      await page.addStyleTag({ content: sheet('base') }); // the control: what an application does not lift would show
      assert.notDeepEqual(await page.evaluate(computed), before);
    });

    test('the chat inside it looks as it does alone', async () => {
      await shows(PART, LIFTED);
      const alone = await page.evaluate(looks);
      const inside = HOST.replace('</body>', `${PART}</body>`);
      await shows(inside, LIFTED);
      assert.notDeepEqual(await page.evaluate(looks), alone, 'text is as large as the root says');
      await shows(inside, LIFTED, '.gptdesk-chat { --rem: 16px }');
      assert.deepEqual(await page.evaluate(looks), alone);
    });

    test('a theme is a choice of the application', async () => {
      await shows(PART, LIFTED);
      const colours = (theme) =>
        page.evaluate((chosen) => {
          document.documentElement.dataset.theme = chosen;
          return getComputedStyle(document.querySelector('.menu')).backgroundColor;
        }, theme);
      assert.equal(await colours('light'), 'rgb(255, 255, 255)');
      assert.equal(await colours('dark'), 'rgb(22, 25, 32)');
    });
  });
}

describe('Styles that are lifted, by the system', { skip: find('chromium') === null && 'chromium was not found' }, () => {
  test('without a choice the colours are those of the system', async () => {
    const browser = await openChromium(find('chromium'));
    try {
      const page = await browser.newPage({ colorScheme: 'light' });
      await page.setContent(PART);
      await page.addStyleTag({ content: LIFTED });
      const background = () => page.evaluate(() => getComputedStyle(document.querySelector('.menu')).backgroundColor);
      assert.equal(await background(), 'rgb(255, 255, 255)');
      await page.emulateMedia({ colorScheme: 'dark' });
      assert.equal(await background(), 'rgb(22, 25, 32)');
      await page.evaluate(() => (document.documentElement.dataset.theme = 'light'));
      assert.equal(await background(), 'rgb(255, 255, 255)');
    } finally {
      await browser.close();
    }
  });
});

/** Every computed property of every element of the application, a line for each. */
function computed() {
  return [...document.querySelectorAll('html, body, body *')]
    .filter((one) => one.tagName !== 'STYLE')
    .flatMap((one) =>
      [null, '::before', '::placeholder'].map((part) => {
        const style = getComputedStyle(one, part);
        const values = ['--accent', ...style].map((name) => `${name}: ${style.getPropertyValue(name)}`);
        return `${one.tagName}.${one.className}${part ?? ''} ${values.join('; ')}`;
      }),
    );
}

/** How the chat's elements look. */
function looks() {
  return [...document.querySelectorAll('.gptdesk-chat, .gptdesk-chat *')].map((one) => {
    const { margin, padding, backgroundColor, borderRadius, fontSize, color, listStyleType } = getComputedStyle(one);
    const { letterSpacing, textAlign, textTransform } = getComputedStyle(one);
    return { margin, padding, backgroundColor, borderRadius, fontSize, color, listStyleType, letterSpacing, textAlign, textTransform };
  });
}

/** Selectors that do not name the chat's class, and animations without its name: what could reach an application. */
function reaching() {
  const reached = [];
  let rules = 0;
  const visit = (list) => {
    for (const rule of list) {
      rules++;
      if (rule instanceof CSSKeyframesRule) {
        if (!rule.name.startsWith('gptdesk-chat-')) reached.push(`@keyframes ${rule.name}`);
      } else if (rule instanceof CSSStyleRule) {
        let outer = rule.selectorText; // without what is in brackets, which only narrows
        while (outer !== (outer = outer.replace(/\([^()]*\)/g, '')));
        if (!outer.split(',').every((one) => one.includes('.gptdesk-chat'))) reached.push(rule.selectorText);
        rules += rule.cssRules.length; // nested ones are under it
      } else if (rule.cssRules) {
        visit(rule.cssRules);
      } else {
        reached.push(rule.cssText);
      }
    }
  };
  for (const one of document.styleSheets) visit(one.cssRules);
  return { reached, rules };
}

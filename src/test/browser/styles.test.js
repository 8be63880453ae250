// The sheets that an application lifts reach nothing of its own, and its own sheet does not undo them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { find, openChromium } from './browsers.js';

const chromium = find('chromium');
const sheet = (name) => readFileSync(new URL(`../../main/web/src/styles/${name}.css`, import.meta.url), 'utf8');

const HOST = `
  <style>
    :root { --accent: rgb(9, 9, 9); font-size: 18px; }
    body { margin: 24px; overflow: auto; background: rgb(250, 240, 230); }
    h1 { margin: 30px 0; }
    .button { background: rgb(1, 2, 3); border-radius: 0; }
    .menu { padding: 77px; }
    .message, .person, .field, .notice { color: rgb(4, 5, 6); }
  </style>
  <body>
    <h1>Host</h1><h2>Part</h2><p>Text</p><ul><li>one</li></ul><a href="#">link</a>
    <button class="button">Save</button> <button>Plain</button> <input placeholder="Name" /><textarea></textarea>
    <div class="menu">menu</div><div class="message">m</div><div class="person">p</div><div class="field">f</div>
    <div class="notice">n</div><div class="veil">v</div><div class="badge">b</div><mark>mark</mark>
    <div style="height: 3000px"></div>
  </body>`;

describe('Styles that are lifted', { skip: chromium === null && 'chromium was not found' }, () => {
  let browser;
  before(async () => (browser = await openChromium(chromium)));
  after(() => browser?.close());

  test('nothing of the application changes, and its page still scrolls', async () => {
    const page = await browser.newPage();
    await page.setContent(HOST);
    const before = await page.evaluate(computed);
    await page.addStyleTag({ content: `${sheet('tokens')}\n${sheet('chat')}` });
    assert.deepEqual(await page.evaluate(computed), before);
    await page.evaluate(() => scrollTo(0, 500));
    assert.equal(await page.evaluate(() => scrollY), 500);
  });

  test('the chat inside it looks as it does alone', async () => {
    const part = '<div class="gptdesk-chat"><h2>Messages</h2><button class="button button-main">New</button><div class="menu">x</div></div>';
    const looks = () =>
      [...document.querySelectorAll('.gptdesk-chat, .gptdesk-chat *')].map((one) => {
        const { margin, padding, backgroundColor, borderRadius, fontSize, color } = getComputedStyle(one);
        return { margin, padding, backgroundColor, borderRadius, fontSize, color };
      });
    const alone = await browser.newPage();
    await alone.setContent(part);
    await alone.addStyleTag({ content: `${sheet('tokens')}\n${sheet('chat')}` });
    const inside = await browser.newPage();
    await inside.setContent(HOST.replace('</body>', `${part}</body>`));
    await inside.addStyleTag({ content: `${sheet('tokens')}\n${sheet('chat')}` });
    assert.deepEqual(await inside.evaluate(looks), await alone.evaluate(looks));
  });

  test('a theme is a choice of the application', async () => {
    const page = await browser.newPage({ colorScheme: 'light' });
    await page.setContent('<div class="gptdesk-chat"><div class="menu">x</div></div>');
    await page.addStyleTag({ content: `${sheet('tokens')}\n${sheet('chat')}` });
    const background = () => page.evaluate(() => getComputedStyle(document.querySelector('.menu')).backgroundColor);
    assert.equal(await background(), 'rgb(255, 255, 255)');
    await page.evaluate(() => (document.documentElement.dataset.theme = 'dark'));
    assert.equal(await background(), 'rgb(22, 25, 32)');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.evaluate(() => (document.documentElement.dataset.theme = 'light'));
    assert.equal(await background(), 'rgb(255, 255, 255)');
  });
});

/** Every computed property of every element of the application. */
function computed() {
  return [...document.querySelectorAll('html, body, body *')]
    .filter((one) => one.tagName !== 'STYLE')
    .map((one) => {
      const style = getComputedStyle(one);
      return Object.fromEntries([...style].map((name) => [name, style.getPropertyValue(name)]));
    });
}

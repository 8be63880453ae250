// The package in somebody else's application: examples/nextjs, built and started as it stands, with two people in it.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { find, openChromium } from './browsers.js';
import { Demo } from './demo.js';
import { packageFolder, ROOT } from './package.js';
import { before as soon, until } from '../node/deadline.js';
import { freePort, Service } from '../node/service.js';

const chromium = find('chromium');
const EXAMPLE = `${ROOT}examples/nextjs`;
const LONGEST = 300;

describe('A Next.js application', { skip: chromium === null && 'chromium was not found' }, () => {
  const service = new Service();
  let application;
  let url;
  let browser;
  let alice;
  let bob;

  before(async () => {
    packageFolder();
    const at = { cwd: EXAMPLE, env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' } };
    const run = promisify(execFile);
    await Promise.all([service.start(), run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], at)]);
    Object.assign(at.env, {
      NEXT_PUBLIC_CHAT_URL: service.url,
      NEXT_PUBLIC_MAX_MESSAGE_LENGTH: String(LONGEST),
      CHAT_JWT_SECRET: service.shared().CHAT_JWT_SECRET,
    });
    await run('npm', ['run', 'build'], at);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    application = spawn(process.execPath, ['node_modules/next/dist/bin/next', 'start', '-p', String(port)], { ...at, stdio: 'inherit' });
    await until('the application to answer', async () => (await fetch(`${url}/sign-in`)).ok);
    browser = await openChromium(chromium);
    alice = await signedIn('Alice Adams');
    bob = await signedIn('Bob Brown');
  });
  after(async () => {
    await browser?.close();
    if (application) {
      const gone = new Promise((resolve) => application.once('exit', resolve));
      application.kill('SIGTERM');
      await soon('the application to end', gone);
    }
    await service.end();
  });

  /** A window of somebody who has signed in, at the overview. */
  async function signedIn(name) {
    const page = await browser.newPage();
    page.complaints = [];
    page.on('pageerror', (error) => page.complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && page.complaints.push(message.text()));
    await page.goto(`${url}/sign-in`);
    await page.getByRole('button', { name }).click();
    await page.waitForURL('**/dashboard/user');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    return page;
  }

  test('the entry of the navigation counts what is unread, in the look of the application', async () => {
    const demo = await Demo.at(service.url);
    await demo.sends('bob', await demo.between('alice', 'bob'), 'unread in the navigation');
    const entry = alice.getByRole('link', { name: 'Messages' });
    await entry.locator('.badge').waitFor();
    assert.equal(await entry.getAttribute('href'), '/dashboard/user/messages');
    assert.equal(await entry.locator('.badge').evaluate((badge) => getComputedStyle(badge).backgroundColor), 'rgb(15, 118, 110)');
  });

  test('the chat shows the buttons and the words of the application', async () => {
    const page = alice;
    await page.getByRole('link', { name: 'Messages' }).click();
    await page.getByRole('heading', { name: 'Whom would you like to write to?' }).waitFor();
    await page.getByPlaceholder('Search conversations...').waitFor(); // where it has none, those of the chat
    const button = page.locator('.chat-none .desk-button');
    assert.equal(await button.evaluate((one) => getComputedStyle(one).borderTopColor), 'rgb(15, 118, 110)');
    await button.click();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal(await page.locator('.gptdesk-chat .icon-button, .gptdesk-chat .button').count(), 0, 'and none of its own');
  });

  test('two people write to each other, and the address is that of the conversation', async () => {
    for (const [page, other] of [
      [alice, 'Bob Brown'],
      [bob, 'Alice Adams'],
    ]) {
      await page.getByRole('link', { name: 'Messages' }).click();
      await page.locator('.conversation', { hasText: other }).click();
      await page.waitForURL(/\/dashboard\/user\/messages\/[0-9a-f-]{36}$/);
    }
    await alice.locator('.composer textarea').fill('from a Next.js application');
    await alice.locator('.composer textarea').press('Enter');
    await bob.locator('.bubble', { hasText: 'from a Next.js application' }).waitFor();
    await bob.locator('.composer textarea').fill('and back');
    await bob.locator('.composer textarea').press('Enter');
    await alice.locator('.bubble', { hasText: 'and back' }).waitFor();

    await alice.reload();
    await alice.locator('.bubble', { hasText: 'and back' }).waitFor();
    await alice.goBack();
    await alice.locator('.chat-none').waitFor();
    await alice.goForward();
    await alice.locator('.bubble', { hasText: 'and back' }).waitFor();
  });

  test('the switch of the application sets the length of a message', async () => {
    await bob.locator('.composer textarea').fill('x'.repeat(LONGEST + 2));
    await bob.locator('.composer-left', { hasText: '2 characters too many' }).waitFor();
    await bob.locator('.composer textarea').fill('');
  });

  test('the chat changes nothing of the look of the application', async () => {
    const page = await signedIn('Carol Clark');
    const alone = await page.evaluate(computed);
    assert.equal(await page.evaluate(hasSheet), false, 'the chat has not been there yet');
    await page.getByRole('link', { name: 'Messages' }).click();
    await page.locator('.gptdesk-chat-page .sidebar').waitFor();
    assert.equal(await page.evaluate(hasSheet), true, 'the control: now it is');
    const around = (lines) => lines.filter((line) => /^(?:HTML|BODY|HEADER|FOOTER|STRONG)\b/.test(line));
    assert.deepEqual(around(await page.evaluate(computed)), around(alone), 'beside the chat');
    await page.screenshot({ path: `${ROOT}target/screenshots/nextjs.png` });

    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    assert.deepEqual(await page.evaluate(computed), alone, 'after it');
  });

  test('no browser complained', () => {
    assert.deepEqual([...alice.complaints, ...bob.complaints], []);
  });
});

/** Every computed property of the application's elements, a line for each; without what the pointer and the focus change. */
function computed() {
  document.activeElement?.blur();
  return [...document.querySelectorAll('html, body, body *')]
    .filter((one) => !one.closest('.gptdesk-chat, script, nextjs-portal, next-route-announcer'))
    .map((one) => {
      const style = getComputedStyle(one);
      const values = ['--accent', '--radius', ...style].map((name) => `${name}: ${style.getPropertyValue(name)}`);
      return `${one.tagName}.${one.className} ${values.join('; ')}`;
    });
}

/** Whether the chat's sheet is in the document. */
function hasSheet() {
  return [...document.styleSheets].some((sheet) => [...sheet.cssRules].some((rule) => rule.cssText.includes('.gptdesk-chat-page')));
}

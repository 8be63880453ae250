// The page inside another application, without the demo: the application around it signs people in; no other can.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { find, openChromium } from './browsers.js';
import { Demo } from './demo.js';
import { Person } from './person.js';
import { freePort, Service } from '../node/service.js';
import { until } from '../node/deadline.js';

const chromium = find('chromium');

describe('In another application', { skip: chromium === null && 'chromium was not found' }, () => {
  const demonstration = new Service(); // has people and makes their tokens
  const hosts = {};
  const settings = {};
  let service;
  let browser;
  let demo;

  before(async () => {
    await demonstration.start();
    demo = await Demo.at(demonstration.url);
    const ports = [await freePort(), await freePort()];
    service = new Service({
      settings,
      beside: { shared: () => ({ ...demonstration.shared(), CHAT_PAGE_HOSTS: `http://127.0.0.1:${ports[0]}` }) },
    });
    await service.start();
    const token = await demo.token('alice');
    for (const [i, name] of ['desk', 'stranger'].entries()) {
      hosts[name] = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(hostPage(service.url, token)));
      await new Promise((resolve) => hosts[name].listen(ports[i], '127.0.0.1', resolve));
    }
    browser = await openChromium(chromium);
  });
  after(async () => {
    await browser?.close();
    Object.values(hosts).forEach((host) => host.close());
    await service?.end();
    await demonstration.end();
  });

  test('alone it says where to open it', async () => {
    const nobody = new Person('nobody', await browser.newPage(), service.url);
    await nobody.page.goto(service.url);
    await nobody.sees('.empty', 'Open the chat from your application');
    assert.deepEqual(nobody.complaints, []);
  });

  test('an application that the service names signs its people in, and hears what is unread', async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${hosts.desk.address().port}/`);
    const frame = page.frameLocator('iframe');
    await frame.locator('.conversation', { hasText: 'Bob Brown' }).waitFor();
    await demo.sends('bob', await demo.between('alice', 'bob'), 'hello in there');
    await frame.locator('.conversation .badge').waitFor();
    await until('the count to reach the application', () => page.evaluate(() => window.unread === 1));
  });

  test('a token that is refused is told before anything is shown, and a good one opens the page', async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${hosts.desk.address().port}/`);
    const frame = page.frameLocator('iframe');
    await frame.locator('.conversation', { hasText: 'Bob Brown' }).waitFor();
    const good = await page.evaluate(() => window.token);
    const forged = good.replace(/[^.]+$/, (signature) => signature.split('').reverse().join(''));
    await page.evaluate((token) => (window.token = token), forged);
    await frame.locator('body').evaluate(() => location.reload());
    await frame.locator('.empty', { hasText: 'You are signed out' }).waitFor();
    assert.equal(await frame.locator('.messages-page').count(), 0);
    await page.evaluate((token) => (window.token = token), good);
    await frame.getByRole('button', { name: 'I have signed in' }).click();
    await frame.locator('.conversation', { hasText: 'Bob Brown' }).waitFor();
  });

  test('a token that ends while the page is open: it says so, keeps what was written, and goes on with the next token', async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${hosts.desk.address().port}/`);
    const frame = page.frameLocator('iframe');
    await frame.locator('.conversation', { hasText: 'Bob Brown' }).click();
    await frame.locator('.bubble', { hasText: 'hello in there' }).waitFor();

    settings.CHAT_JWT_SECRET = 'another secret, of more than the thirty-two bytes that are asked for';
    await service.restart();
    await frame.locator('.banner', { hasText: 'You are signed out' }).waitFor();
    await frame.locator('.composer textarea').fill('written while signed out');
    await frame.locator('.composer textarea').press('Enter');
    await frame.locator('.message-sending', { hasText: 'written while signed out' }).waitFor();
    assert.equal(await frame.locator('.banner, .inline-problem, .notice, .message-problem').count(), 1, 'one notice');

    const token = signedWith(settings.CHAT_JWT_SECRET, await page.evaluate(() => window.token));
    await page.evaluate(
      ([next, chat]) => {
        window.token = next;
        document.querySelector('iframe').contentWindow.postMessage({ type: 'gptdesk-chat:token', token: next }, chat);
      },
      [token, service.url],
    );
    await frame.locator('.banner').waitFor({ state: 'detached' });
    await frame.locator('.message-own:not(.message-sending)', { hasText: 'written while signed out' }).waitFor();
    delete settings.CHAT_JWT_SECRET;
    await service.restart();
  });

  test('another one cannot even show it', async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${hosts.stranger.address().port}/`);
    await until('the browser to refuse the frame', async () => page.frames().some((frame) => frame.url().startsWith('chrome-error://')));
    assert.equal(await page.frameLocator('iframe').locator('.conversation, .empty').count(), 0);
  });
});

/** The same claims, signed with another secret. */
function signedWith(secret, token) {
  const claims = token.replace(/\.[^.]+$/, '');
  return `${claims}.${createHmac('sha256', secret).update(claims).digest('base64url')}`;
}

/** What a host application does: answers who asks from the chat's origin, and from no other. */
function hostPage(chat, token) {
  return `<!doctype html><title>Desk</title><iframe src="${chat}/messages" width="1000" height="600"></iframe><script>
    window.token = '${token}';
    addEventListener('message', (event) => {
      if (event.origin !== '${chat}') return;
      if (event.data.type === 'gptdesk-chat:token-wanted') event.source.postMessage({ type: 'gptdesk-chat:token', token: window.token }, event.origin);
      if (event.data.type === 'gptdesk-chat:unread') window.unread = event.data.count;
    });
  </script>`;
}

// The page inside another application, without the demo: the application around it signs people in; no other can.
import assert from 'node:assert/strict';
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
  let service;
  let browser;
  let demo;

  before(async () => {
    await demonstration.start();
    demo = await Demo.at(demonstration.url);
    const ports = [await freePort(), await freePort()];
    service = new Service({ beside: { shared: () => ({ ...demonstration.shared(), CHAT_PAGE_HOSTS: `http://127.0.0.1:${ports[0]}` }) } });
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
    await frame.locator('.empty', { hasText: 'The chat cannot be opened' }).waitFor();
    assert.equal(await frame.locator('.messages-page').count(), 0);
    await page.evaluate((token) => (window.token = token), good);
    await frame.getByRole('button', { name: 'Try again' }).click();
    await frame.locator('.conversation', { hasText: 'Bob Brown' }).waitFor();
  });

  test('another one cannot even show it', async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${hosts.stranger.address().port}/`);
    await until('the browser to refuse the frame', async () => page.frames().some((frame) => frame.url().startsWith('chrome-error://')));
    assert.equal(await page.frameLocator('iframe').locator('.conversation, .empty').count(), 0);
  });
});

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

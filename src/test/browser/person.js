// Somebody at a browser: types, clicks and looks. Written with what Playwright's and Puppeteer's pages have in common, so that
// the same story runs in Chromium and in Firefox.
import assert from 'node:assert/strict';
import { until } from '../node/deadline.js';

/** Words about a cut wire, which is what some tests are about; and about sockets of a page that was left. */
const WIRE =
  /ERR_|dynamically imported module|Failed to load resource|WebSocket|NetworkError|establish a connection|interrupted while the page/i;

export class Person {
  /** What the browser complained of: errors, and what the content security policy forbade. */
  complaints = [];

  constructor(name, page, url) {
    this.name = name;
    this.page = page;
    this.url = url;
    const complain = (text) => WIRE.test(text) || this.complaints.push(text);
    page.on('pageerror', (error) => complain(String(error)));
    page.on('console', (message) => message.type() === 'error' && complain(message.text()));
  }

  async opens(path = '/messages') {
    const [place, message] = path.split('#');
    await this.page.goto(`${this.url}${place}?as=${this.name}${message ? `#${message}` : ''}`);
    await this.sees('.conversation, .empty');
    await this.seesNo('[aria-busy="true"]'); // a list that is there before the rest of the page
    await this.standsStill();
  }

  /** Runs in each page before the page's own scripts. */
  async prepares(script, argument) {
    await (this.page.addInitScript ?? this.page.evaluateOnNewDocument).call(this.page, script, argument);
  }

  async hasWindow(width, height) {
    await (this.page.setViewportSize ?? this.page.setViewport).call(this.page, { width, height });
  }

  /** Nothing scrolls but the page's panes: checked after each action. */
  async standsStill() {
    assert.deepEqual(await this.page.evaluate(outOfPlace, PANES), [], `what scrolls, or could, in ${this.name}'s window`);
  }

  /** Opens the conversation with somebody from the list. */
  async choosesConversation(withWhom) {
    await this.clicks('.conversation', withWhom);
    await this.sees('.chat-title h2', withWhom);
    await this.sees('.messages-content .message, .messages-content .empty');
  }

  /** Whoever uses a window has it in front; a browser keeps the clicks of the others waiting. */
  async turnsToIt() {
    await this.page.bringToFront();
  }

  async writes(text) {
    await this.turnsToIt();
    await this.page.click('.composer textarea');
    await this.page.keyboard.type(text);
    await this.standsStill();
  }

  async sends(text) {
    await this.writes(text);
    await this.page.keyboard.press('Enter');
    await this.standsStill();
  }

  /** Puts a long text in at once, as pasting does. */
  async pastes(text) {
    await this.turnsToIt();
    await this.page.click('.composer textarea');
    await this.page.evaluate((words) => {
      const area = document.querySelector('.composer textarea');
      Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(area, words);
      area.dispatchEvent(new Event('input', { bubbles: true }));
    }, text);
    await this.standsStill();
  }

  /** Waits until there is such an element, with that text in it or its label. */
  async sees(selector, text = '') {
    await until(
      () => `${this.name} to see ${selector} ${text}`,
      () => this.has(selector, text),
    );
  }

  async seesNo(selector, text = '') {
    await until(
      () => `${selector} ${text} to go from ${this.name}'s screen`,
      async () => !(await this.has(selector, text)),
    );
  }

  /** From now on, notices such an element even if it does not stay. Returns how to wait until that has been so. */
  async notices(selector, text = '') {
    await this.page.evaluate(
      ([wanted, words]) => {
        window.noticed = false;
        const look = () => {
          window.noticed ||= [...document.querySelectorAll(wanted)].some((one) => one.textContent.includes(words));
          return window.noticed;
        };
        const observer = new MutationObserver(() => look() && observer.disconnect());
        if (!look()) {
          observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
        }
      },
      [selector, text],
    );
    return () =>
      until(
        () => `${this.name} to have noticed ${selector} ${text}`,
        () => this.page.evaluate(() => window.noticed),
      );
  }

  /** From now on, notes the message that is highlighted, for it stays so for a moment. Returns how to get its text, and whether it was in view. */
  async notesHit() {
    await this.page.evaluate(() => {
      new MutationObserver((_, observer) => {
        const hit = document.querySelector('.message-highlighted');
        if (hit) {
          observer.disconnect();
          const box = document.querySelector('.messages').getBoundingClientRect();
          const { top, bottom } = hit.getBoundingClientRect();
          window.hit = { text: hit.textContent, visible: top >= box.top && bottom <= box.bottom };
        }
      }).observe(document.body, { subtree: true, childList: true, attributes: true });
    });
    return async () => {
      await until(
        () => `${this.name} to have a message highlighted`,
        () => this.page.evaluate(() => window.hit !== undefined),
      );
      return this.page.evaluate(() => window.hit);
    };
  }

  has(selector, text = '') {
    return this.page.evaluate(
      ([wanted, words]) =>
        [...document.querySelectorAll(wanted)].some((one) => `${one.textContent} ${one.getAttribute('aria-label') ?? ''}`.includes(words)),
      [selector, text],
    );
  }

  async seesMessage(text) {
    await this.sees('.bubble', text);
  }

  count(selector, text = '') {
    return this.page.evaluate(
      ([wanted, words]) => [...document.querySelectorAll(wanted)].filter((one) => one.textContent.includes(words)).length,
      [selector, text],
    );
  }

  texts(selector) {
    return this.page.evaluate((wanted) => [...document.querySelectorAll(wanted)].map((one) => one.textContent), selector);
  }

  /** The words of all messages on the screen, without their times. */
  messages() {
    return this.texts('.bubble-text, .bubble-deleted');
  }

  async seesOnce(text) {
    await this.seesMessage(text);
    assert.equal(await this.count('.bubble', text), 1, `${this.name} has "${text}" once`);
  }

  /** Clicks the first element that says so, with the browser's own mouse. */
  async clicks(selector, text = '') {
    await this.turnsToIt();
    await this.sees(selector, text);
    const mark = `clicked-${Math.random().toString(36).slice(2)}`;
    await this.page.evaluate(
      ([wanted, words, name]) => {
        const found = [...document.querySelectorAll(wanted)].find((one) =>
          `${one.textContent} ${one.getAttribute('aria-label') ?? ''}`.includes(words),
        );
        found?.setAttribute('data-test', name);
      },
      [selector, text, mark],
    );
    await this.page.click(`[data-test="${mark}"]`);
    await this.standsStill();
  }

  /** A tool beside a message, which shows when one points at it. */
  async usesTool(text, label) {
    await this.turnsToIt();
    await this.seesMessage(text);
    await this.page.evaluate((words) => {
      document.querySelectorAll('[data-pointed]').forEach((one) => one.removeAttribute('data-pointed'));
      const bubble = [...document.querySelectorAll('.bubble')].findLast((one) => one.textContent.includes(words));
      bubble.closest('.message').setAttribute('data-pointed', '');
      const pane = bubble.closest('.messages');
      pane.scrollTop += bubble.getBoundingClientRect().top - pane.getBoundingClientRect().top - pane.clientHeight / 2;
    }, text);
    await this.sees(`[data-pointed] [aria-label="${label}"]`); // a message on its way has no tools yet
    await this.page.hover('[data-pointed] .bubble');
    await this.page.click(`[data-pointed] [aria-label="${label}"]`);
    await this.standsStill();
  }

  title() {
    return this.page.title();
  }

  async shot(name) {
    await this.page.screenshot({ path: `${SHOTS}/${name}.png` });
  }
}

/** The last check of a suite: their browsers had nothing to say against the page. */
export function complainedOfNothing(people) {
  assert.deepEqual(
    people.flatMap(({ name, complaints }) => complaints.map((text) => `${name}: ${text}`)),
    [],
    'what the browser complained of',
  );
}

const PANES = '.messages, .sidebar-scroll, .emoji-picker-pane, .chat-search-found, .people, .dialog, .menu, .whole, textarea, input';

/** In the page: what is scrolled and should not be, and whether the document could be. */
function outOfPlace(panes) {
  const root = document.scrollingElement;
  if (root === null) {
    return []; // a page that is just being loaded
  }
  const moved = [root, ...document.querySelectorAll('*')].filter((one) => (one.scrollTop || one.scrollLeft) && !one.matches(panes));
  const found = moved.map((one) => `${one.tagName}.${one.className} is scrolled by ${one.scrollLeft}, ${one.scrollTop}`);
  if (root.scrollHeight > root.clientHeight || root.scrollWidth > root.clientWidth) {
    found.push(`the document has ${root.scrollWidth} × ${root.scrollHeight} in ${root.clientWidth} × ${root.clientHeight}`);
  }
  return found;
}

const SHOTS = new URL('../../../target/screenshots', import.meta.url).pathname;

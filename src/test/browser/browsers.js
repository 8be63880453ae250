// Which browsers are here, and how to open them. One that is missing is said aloud; CHAT_REQUIRE=browser makes it a failure.
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { PATIENCE } from '../node/deadline.js';

/** Their names on the PATH, as scripts/test looks for them; CHAT_CHROMIUM and CHAT_FIREFOX name others. */
const NAMES = {
  chromium: [process.env.CHAT_CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'],
  firefox: [process.env.CHAT_FIREFOX, 'firefox-esr', 'firefox'],
};

mkdirSync(new URL('../../../target/screenshots', import.meta.url), { recursive: true });

/** The program's path; null when it is missing and not required. */
export function find(browser) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const place = NAMES[browser]
    .filter(Boolean)
    .flatMap((name) => (isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name))))
    .find((path) => existsSync(path));
  if (place) {
    return place;
  }
  if ((process.env.CHAT_REQUIRE ?? '').split(',').includes('browser')) {
    throw new Error(`${browser} is required (CHAT_REQUIRE) and was not found`);
  }
  console.log(`*** SKIPPED ${browser}: it was not found`);
  return null;
}

/**
 * {newPage(options), close()}: each page in a context of its own, as another person's browser. Without service workers, unless
 * the options say `serviceWorkers: 'allow'`: what a test holds back or answers itself would pass by them.
 */
export async function openChromium(executablePath) {
  const browser = await chromium.launch({
    executablePath,
    timeout: PATIENCE,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    newPage: async (options) => {
      const context = await browser.newContext({
        viewport: { width: 1180, height: 760 },
        serviceWorkers: 'block',
        ...options,
      });
      context.setDefaultTimeout(PATIENCE);
      return context.newPage();
    },
    newTab: (page) => page.context().newPage(),
    closePage: (page) => page.context().close(),
    close: () => browser.close(),
  };
}

/** How Firefox answers a page that asks for a permission. */
const [ASKED, ALLOWED] = [0, 1];

/** Headless, Firefox knows no mouse; this says that there is one, fine and hovering. */
const MOUSE = { 'ui.primaryPointerCapabilities': 6, 'ui.allPointerCapabilities': 6 };

/** A process for each person: headless, Firefox lets no window come before another one of the same process. */
export async function openFirefox(executablePath) {
  const browsers = new Map();
  return {
    newPage: async ({ serviceWorkers = 'block', permissions = [] } = {}) => {
      const browser = await puppeteer.launch({
        browser: 'firefox',
        executablePath,
        headless: true,
        extraPrefsFirefox: {
          ...MOUSE,
          'dom.serviceWorkers.enabled': serviceWorkers === 'allow',
          'permissions.default.desktop-notification': permissions.includes('notifications') ? ALLOWED : ASKED,
        },
        timeout: PATIENCE,
      });
      const page = await browser.newPage(); // the page it starts with never gets the focus
      page.setDefaultTimeout(PATIENCE);
      browsers.set(page, browser);
      await page.setViewport({ width: 1180, height: 760 });
      return page;
    },
    newTab: async (page) => {
      const tab = await browsers.get(page).newPage();
      tab.setDefaultTimeout(PATIENCE);
      return tab;
    },
    closePage: (page) => browsers.get(page).close(),
    close: () => Promise.all([...browsers.values()].map((browser) => browser.close())),
  };
}

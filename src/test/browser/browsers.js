// Which browsers are here, and how to open them. One that is missing is said aloud; CHAT_REQUIRE=browser makes it a failure.
import { existsSync, mkdirSync } from 'node:fs';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';

const PLACES = {
  chromium: [process.env.CHAT_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'],
  firefox: [process.env.CHAT_FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox', '/Applications/Firefox.app/Contents/MacOS/firefox'],
};

mkdirSync(new URL('../../../target/screenshots', import.meta.url), { recursive: true });

/** The program's path; null when it is missing and not required. */
export function find(browser) {
  const place = PLACES[browser].find((path) => path && existsSync(path));
  if (place) {
    return place;
  }
  if ((process.env.CHAT_REQUIRE ?? '').split(',').includes('browser')) {
    throw new Error(`${browser} is required (CHAT_REQUIRE) and was not found`);
  }
  console.log(`*** SKIPPED ${browser}: it was not found`);
  return null;
}

/** {newPage(options), close()}: each page in a context of its own, as another person's browser. */
export async function openChromium(executablePath) {
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  return {
    newPage: async (options) => (await browser.newContext({ viewport: { width: 1180, height: 760 }, ...options })).newPage(),
    closePage: (page) => page.context().close(),
    close: () => browser.close(),
  };
}

export async function openFirefox(executablePath) {
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true });
  return {
    newPage: async () => {
      const page = await (await browser.createBrowserContext()).newPage();
      await page.setViewport({ width: 1180, height: 760 });
      return page;
    },
    closePage: (page) => page.browserContext().close(),
    close: () => browser.close(),
  };
}

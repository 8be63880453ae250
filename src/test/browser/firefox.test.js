// The core story in Firefox, driven over WebDriver BiDi.
import { after, before, describe } from 'node:test';
import { find, openFirefox } from './browsers.js';
import { Demo } from './demo.js';
import { complainedOfNothing, Person } from './person.js';
import { Service } from '../node/service.js';
import { coreStory } from './story.js';

const firefox = find('firefox');

describe('Firefox', { skip: firefox === null && 'firefox was not found' }, () => {
  const service = new Service();
  const scene = {};
  let browser;

  before(async () => {
    await service.start();
    browser = await openFirefox(firefox);
    scene.demo = await Demo.at(service.url);
    for (const name of ['alice', 'bob']) {
      scene[name] = new Person(name, await browser.newPage(), service.url);
    }
  });
  after(async () => {
    await scene.bob?.shot('firefox').catch(() => {});
    await browser?.close();
    await service.end();
    complainedOfNothing([scene.alice, scene.bob].filter(Boolean));
  });

  coreStory(scene);
});

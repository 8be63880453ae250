// What axe finds on a page, in Chromium.
import assert from 'node:assert/strict';
import { AxeBuilder } from '@axe-core/playwright';

/** Waits for what appears or changes its colour; what breathes for ever is not waited for. */
export function fades(page) {
  return page.evaluate(async () => {
    const ending = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ending.map(({ finished }) => finished));
  });
}

/** @param part of the page, by its selector; else all of it */
export async function isAccessible(page, where, part) {
  await fades(page); // half a colour is no colour to judge
  const axe = new AxeBuilder({ page });
  if (part) {
    axe.include(part);
  }
  // An open menu hangs at the end of the body, as Radix makes it, outside of any landmark: its role is what readers go by.
  const { violations } = await (where === 'menu' || part ? axe.disableRules(['region']) : axe).analyze();
  assert.deepEqual(
    violations.map(
      ({ id, impact, nodes }) =>
        `${where}: ${id} (${impact}) ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`,
    ),
    [],
    `axe on ${where}`,
  );
}

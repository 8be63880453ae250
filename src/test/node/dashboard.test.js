// The dashboard of scripts/monitoring, asked panel by panel of a real Prometheus that scrapes a service in use.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import './quiet.js';
import { Bustle } from './bustle.js';
import { dashboard, filledIn, panels } from './dashboard.js';
import { until } from './deadline.js';
import { Prometheus } from './prometheus.js';
import { Service } from './service.js';

const METRICS_TOKEN = 'watchman-watchman';
const ALERTS = readFileSync(new URL('../../../scripts/monitoring/alerts.yml', import.meta.url), 'utf8');
const METRIC = /\b(?:chat|hikaricp|jvm|process|system)_[a-z_]+|\bup\b/g;
const COLOURS = { page: 'red', ticket: 'orange' };

test('each threshold of an alert is a line of that colour in a panel that shows the same metric and names the alert', () => {
  const alerts = [...ALERTS.matchAll(/- alert: (\w+)\n\s+expr: ((?:.|\n)*?)\n\s+for:(?:.|\n)*?severity: (\w+)/g)];
  assert.equal(alerts.length, ALERTS.match(/- alert:/g).length);
  for (const [, name, expression, severity] of alerts) {
    const panel = panels.find(({ description }) => description.includes(`Alert ${name}.`));
    assert.ok(panel, `no panel names ${name}`);
    for (const metric of expression.match(METRIC)) {
      assert.ok(
        panel.targets.some(({ expr }) => expr.includes(metric)),
        `"${panel.title}" does not show ${metric}`,
      );
    }
    const [, comparison, number] = [...expression.matchAll(/(==|<|>) ([\d.]+)/g)].at(-1);
    const limit = number === '0' ? 1 : Number(number); // of whole numbers: the next
    const { steps } = panel.fieldConfig.defaults.thresholds;
    const [below, above] = comparison === '>' ? ['green', COLOURS[severity]] : [COLOURS[severity], 'green'];
    assert.deepEqual(
      steps,
      [
        { color: below, value: null },
        { color: above, value: limit },
      ],
      `${name}, "${panel.title}"`,
    );
  }
});

test('the panels have a place, a unit and a source of their own', () => {
  assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  const taken = new Set();
  for (const {
    title,
    gridPos: { x, y, w, h },
  } of dashboard.panels) {
    assert.ok(x + w <= 24, title);
    for (let place = 0; place < w * h; place++) {
      const cell = `${x + (place % w)} ${y + Math.floor(place / w)}`;
      assert.ok(!taken.has(cell), `"${title}" lies on another`);
      taken.add(cell);
    }
  }
  for (const { title, description, datasource, fieldConfig } of panels) {
    assert.ok(description && fieldConfig.defaults.unit, title);
    assert.deepEqual(datasource, { type: 'prometheus', uid: '${datasource}' }, title);
  }
});

if (Prometheus.isHere()) {
  // Little memory, so that there is garbage to collect.
  const service = new Service({ settings: { CHAT_METRICS_TOKEN: METRICS_TOKEN, JAVA_OPTS: '-Xmx128m' } });
  const prometheus = new Prometheus();
  let bustle;

  before(async () => {
    await service.start();
    await prometheus.start(service.url, METRICS_TOKEN, '500ms');
    bustle = await Bustle.at(service.url);
  });
  after(async () => {
    await bustle?.end();
    await prometheus.end();
    await service.end();
  });

  test('each expression gives data while people talk, of metrics that are there', async () => {
    const missing = new Map(panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [filledIn(expr, '20s'), title])));
    assert.ok(missing.size > 40, `${missing.size}`);
    await until(
      () => `data of ${[...missing].map(([expression, title]) => `"${title}": ${expression}`).join('\n')}`,
      async () => {
        await bustle.talk();
        await bustle.comesBack();
        for (const expression of [...missing.keys()]) {
          const series = await prometheus.query(expression);
          if (series.some(({ value }) => Number.isFinite(Number(value[1])))) {
            missing.delete(expression);
          }
        }
        return missing.size === 0;
      },
    );
    const names = new Set(await prometheus.names());
    for (const expression of panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))) {
      for (const name of expression.match(METRIC)) {
        assert.ok(names.has(name), `${name} is not told`);
      }
    }
  });

  test('Prometheus takes the expressions of the annotations and of the variables', async () => {
    for (const { expr } of dashboard.annotations.list) {
      await prometheus.query(expr); // empty as long as no alert fires
    }
    const { query } = dashboard.templating.list.find(({ name }) => name === 'instance').query;
    const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(query);
    const series = await prometheus.query(selector);
    assert.deepEqual(
      series.map(({ metric }) => metric[label]),
      [new URL(service.url).host],
    );
  });
}

// Draws scripts/monitoring/dashboard.png: a service in use for some minutes, scraped by Prometheus, which is asked what the panels
// of dashboard.json ask; drawn by uPlot in Chromium, as near to Grafana as a page of this size is. Argument: the minutes.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Bustle } from '../node/bustle.js';
import { dashboard, filledIn } from '../node/dashboard.js';
import { Prometheus } from '../node/prometheus.js';
import { Service } from '../node/service.js';
import { find, openChromium } from './browsers.js';

const PICTURE = fileURLToPath(new URL('../../../scripts/monitoring/dashboard.png', import.meta.url));
const UPLOT = new URL('./node_modules/uplot/dist/', import.meta.url);
const METRICS_TOKEN = 'watchman-watchman';
const STEP_S = 5;
const RATE_INTERVAL = '30s';

const minutes = Number(process.argv[2] ?? 7);
if (!(minutes > 0 && minutes <= 60)) {
  console.error('usage: scripts/monitoring/draw [minutes, at most 60]');
  process.exit(2);
}
const chromium = find('chromium');
if (!chromium || !Prometheus.isHere()) {
  process.exit(1);
}

/** Talks, sometimes much and sometimes not at all, until the time is over. */
async function use(service, end) {
  const bustle = await Bustle.at(service.url);
  try {
    for (let round = 0; Date.now() < end; round++) {
      // A minute of talk that grows and ebbs, then silence for long enough that the relay falls asleep.
      const pause = 60 + 400 * Math.abs(Math.cos(round / 40));
      await bustle.talk();
      if (round % 50 === 49) {
        await bustle.comesBack();
      }
      await new Promise((resolve) => setTimeout(resolve, round % 200 === 199 ? 30_000 : pause));
    }
  } finally {
    await bustle.end();
  }
}

async function ask(prometheus, start, end) {
  const data = {};
  for (const { id, targets = [] } of dashboard.panels) {
    const series = await Promise.all(
      targets.map(async ({ expr, legendFormat }) =>
        (await prometheus.queryRange(filledIn(expr, RATE_INTERVAL), start, end, STEP_S)).map(({ metric, values }) => ({
          name: legendFormat.replaceAll(/{{(\w+)}}/g, (_, label) => metric[label] ?? ''),
          values: Object.fromEntries(values.map(([time, value]) => [time, Number(value)])),
        })),
      ),
    );
    data[id] = series.flat();
  }
  return data;
}

/** Runs in the page. */
function draw({ dashboard, data, times, note }) {
  const COLOURS = [
    '#73bf69',
    '#f2cc0c',
    '#5794f2',
    '#ff780a',
    '#b877d9',
    '#8ab8ff',
    '#e02f44',
    '#37872d',
    '#c4162a',
    '#fade2a',
    '#3274d9',
    '#a352cc',
  ];
  const LINES = { red: '#f2495c', orange: '#ff9830', green: '#37872d' };
  const SIZES = ['', 'k', 'M', 'G'];
  const shortly = (value, base) => {
    let size = 0;
    while (Math.abs(value) >= base && size < 3) {
      value /= base;
      size++;
    }
    return `${+value.toPrecision(3)}${base === 1024 && size ? ` ${SIZES[size].toUpperCase()}iB` : SIZES[size]}`;
  };
  const UNITS = {
    s: (v) =>
      v === 0 ? '0 s' : v < 1 ? `${+(v * 1000).toPrecision(3)} ms` : v < 120 ? `${+v.toPrecision(3)} s` : `${+(v / 60).toPrecision(3)} min`,
    percentunit: (v) => `${+(v * 100).toPrecision(3)} %`,
    bytes: (v) => shortly(v, 1024),
    reqps: (v) => `${shortly(v, 1000)} req/s`,
    cps: (v) => `${shortly(v, 1000)} c/s`,
    ops: (v) => `${shortly(v, 1000)} ops/s`,
    short: (v) => shortly(v, 1000),
    none: (v) => `${v}`,
  };
  const [CELL_W, CELL_H, GAP] = [58, 27, 4];
  document.title = dashboard.title;
  document.body.innerHTML = '<header><b></b> <small></small></header><main></main>';
  document.querySelector('b').textContent = dashboard.title;
  document.querySelector('small').textContent = note;
  const main = document.querySelector('main');
  for (const { id, type, title, gridPos, fieldConfig, options } of dashboard.panels) {
    const box = main.appendChild(document.createElement('section'));
    box.className = type;
    box.style.cssText = `left:${gridPos.x * CELL_W}px;top:${gridPos.y * CELL_H}px;width:${gridPos.w * CELL_W - GAP}px;height:${gridPos.h * CELL_H - GAP}px`;
    box.appendChild(document.createElement('h2')).textContent = title;
    if (type === 'row') {
      continue;
    }
    const { unit, min, max, thresholds, custom } = fieldConfig.defaults;
    const series = data[id];
    const tell = (value) => (value == null ? '' : UNITS[unit](value));
    if (type === 'stat') {
      for (const { name, values } of series) {
        const last = Object.values(values).at(-1);
        const { color } = thresholds.steps.filter((step) => step.value === null || last >= step.value).at(-1);
        const stat = box.appendChild(document.createElement('p'));
        stat.style.background = LINES[color];
        stat.textContent = name;
        stat.appendChild(document.createElement('strong')).textContent = tell(last);
      }
      continue;
    }
    const columns = series.map(({ values }) => times.map((time) => (Number.isFinite(values[time]) ? values[time] : null)));
    if (custom.stacking.mode === 'normal') {
      columns.forEach((column, i) => i > 0 && column.forEach((value, t) => (column[t] = (value ?? 0) + (columns[i - 1][t] ?? 0))));
    }
    const most = Math.max(...columns.flat(), 0);
    const step = thresholds.steps.find(({ value }) => value !== null);
    new uPlot(
      {
        width: gridPos.w * CELL_W - GAP - 12,
        height: gridPos.h * CELL_H - GAP - 24 - (series.length > 4 ? 34 : 18),
        cursor: { show: false },
        scales: { y: { range: [min ?? 0, max ?? (most * 1.1 || 2 * (step?.value ?? 0.5))] } },
        axes: [
          {
            stroke: '#aaa',
            grid: { stroke: '#2c2f36', width: 1 },
            ticks: { show: false },
            font: '10px sans-serif',
            size: 20,
            space: 70,
            values: (_, splits) => splits.map((time) => new Date(time * 1000).toTimeString().slice(0, 8)),
          },
          {
            stroke: '#aaa',
            grid: { stroke: '#2c2f36', width: 1 },
            ticks: { show: false },
            font: '10px sans-serif',
            size: 62,
            values: (_, splits) => splits.map(tell),
          },
        ],
        series: [
          {},
          ...series.map(({ name }, i) => ({
            label: name,
            stroke: COLOURS[i % COLOURS.length],
            width: 1.5,
            points: { show: false },
          })),
        ],
        hooks: {
          draw: [
            (plot) => {
              const y = step && custom.thresholdsStyle.mode === 'line' ? plot.valToPos(step.value, 'y', true) : -1;
              if (y >= plot.bbox.top && y <= plot.bbox.top + plot.bbox.height) {
                plot.ctx.fillStyle = LINES[step.color];
                plot.ctx.fillRect(plot.bbox.left, y, plot.bbox.width, 2);
              }
            },
          ],
        },
        legend: { show: true, live: false },
      },
      [times, ...columns],
      box,
    );
  }
  const bottom = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  main.style.height = `${bottom * CELL_H}px`;
}

const STYLE = `
  body { margin: 0; padding: 8px; width: 1392px; background: #111217; color: #ccccdc; font: 12px sans-serif }
  header { padding: 4px 2px 8px } header b { font-size: 16px } header small { float: right; color: #9a9aaa }
  main { position: relative } section { position: absolute; box-sizing: border-box; overflow: hidden; padding: 4px 6px; background: #181b1f; border: 1px solid #2c2f36 }
  section.row { background: none; border: none; padding: 5px 2px } h2 { margin: 0 0 2px; font-size: 12px; font-weight: 600 } section.row h2 { font-size: 14px }
  .stat p { margin: 6px 0 0; padding: 12px 10px; border-radius: 3px; color: #fff } .stat strong { float: right; font-size: 22px; line-height: 16px }
  .u-legend { font-size: 10px; text-align: left } .u-legend th { font-weight: normal; padding: 0 2px } .u-inline tr { margin-right: 6px } .u-legend.u-inline .u-series > * { padding: 1px 2px } .u-legend .u-value { display: none }
`;

const service = new Service({ settings: { CHAT_METRICS_TOKEN: METRICS_TOKEN } });
const prometheus = new Prometheus();
let browser;
try {
  await service.start();
  await prometheus.start(service.url, METRICS_TOKEN, `${STEP_S}s`);
  const begun = Math.ceil(Date.now() / 1000 / STEP_S) * STEP_S;
  console.log(`The service is used for ${minutes} minutes ...`);
  await use(service, Date.now() + minutes * 60_000);
  const ended = Math.floor(Date.now() / 1000 / STEP_S) * STEP_S;
  const times = Array.from({ length: (ended - begun) / STEP_S + 1 }, (_, i) => begun + i * STEP_S);
  const data = await ask(prometheus, begun, ended);

  browser = await openChromium(chromium);
  const page = await browser.newPage({ viewport: { width: 1408, height: 900 } });
  await page.setContent('<!doctype html><html lang="en"><body></body></html>');
  await page.addStyleTag({ content: readFileSync(new URL('uPlot.min.css', UPLOT), 'utf8') + STYLE });
  await page.addScriptTag({ content: readFileSync(new URL('uPlot.iife.min.js', UPLOT), 'utf8') });
  const note = `dashboard.json, asked of Prometheus over ${minutes} minutes; drawn by scripts/monitoring/draw, not by Grafana`;
  await page.evaluate(draw, { dashboard, data, times, note });
  await page.screenshot({ path: PICTURE, fullPage: true });
  console.log(`Drawn: ${PICTURE}`);
} finally {
  await browser?.close();
  await prometheus.end();
  await service.end();
}

// The dashboard as Grafana would read it: its panels, and what they ask Prometheus when all nodes are chosen.
import { readFileSync } from 'node:fs';

const FILE = new URL('../../../scripts/monitoring/dashboard.json', import.meta.url);

export const dashboard = JSON.parse(readFileSync(FILE, 'utf8'));

/** Without the rows. */
export const panels = dashboard.panels.filter(({ type }) => type !== 'row');

/** An expression with Grafana's variables put in. */
export function filledIn(expression, rateInterval) {
  return expression.replaceAll('$__rate_interval', rateInterval).replaceAll('$instance', '.*');
}

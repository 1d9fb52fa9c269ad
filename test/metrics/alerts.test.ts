/** Runs the cases of deploy/prometheus/tests, which need promtool, and checks that every alert has both kinds. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { NO_PROMETHEUS } from '../helpers/prometheus.ts';

if (NO_PROMETHEUS !== null) console.warn(`skipped: ${NO_PROMETHEUS}`);

const file = (path: string) => fileURLToPath(new URL(`../../deploy/prometheus/${path}`, import.meta.url));
const RULES = file('rules/alerts.yml');
const CASES = file('tests/alerts.yml');

interface Case {
  name: string;
  alert_rule_test: { alertname: string; exp_alerts: unknown[] }[];
}

const alerts = [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name ?? '');
const { tests } = parse(readFileSync(CASES, 'utf8')) as { tests: Case[] };
/** Fire at once where the cause is an event: there is nothing to stay quiet about. */
const EVENTS = new Set(['TikTokEngineRejected']);

describe('the alerts', () => {
  it.skipIf(NO_PROMETHEUS !== null)('fire and stay quiet as their cases say', () => {
    const run = () => execFileSync('promtool', ['test', 'rules', CASES], { encoding: 'utf8', stdio: 'pipe' });
    expect(run()).toContain('SUCCESS');
  });

  it.each(alerts)('%s has a case in which it fires, and one in which it stays quiet', (alert) => {
    const own = tests.filter(({ alert_rule_test: [first] }) => first?.alertname === alert);
    expect(own.some(({ name }) => name.startsWith(`${alert} fires`))).toBe(true);
    expect(own.some(({ name }) => name.startsWith(`${alert} stays quiet`)) || EVENTS.has(alert)).toBe(true);
    for (const { name, alert_rule_test: checks } of own) {
      expect(checks.at(-1)?.exp_alerts, name).toHaveLength(name.startsWith(`${alert} fires`) ? 1 : 0);
    }
  });

  it('have no case of an alert that does not exist', () => {
    const named = tests.flatMap(({ alert_rule_test: checks }) => checks.map(({ alertname }) => alertname));
    expect(named.filter((name) => !alerts.includes(name))).toEqual([]);
  });
});

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './service.ts';

/** Why tests with a Prometheus cannot run here; null where they can. */
export const NO_PROMETHEUS = prometheusProblem();

const RULES = fileURLToPath(new URL('../../deploy/prometheus/rules/*.yml', import.meta.url));
const START_LIMIT_MS = 30_000;

/** A Prometheus with the rules of deploy/prometheus as they are, which looks each second instead of each quarter minute. */
export class TestPrometheus {
  readonly #url: string;
  readonly #child: ChildProcess;
  readonly #dir: string;

  static async start(serviceUrl: string): Promise<TestPrometheus> {
    const prometheus = new TestPrometheus(serviceUrl, await freePort());
    const limit = Date.now() + START_LIMIT_MS;
    while (!(await prometheus.#ready())) {
      if (Date.now() > limit) throw new Error('prometheus did not start');
      await sleep(100);
    }
    return prometheus;
  }

  private constructor(serviceUrl: string, port: number) {
    this.#url = `http://127.0.0.1:${port}`;
    this.#dir = mkdtempSync(join(tmpdir(), 'prometheus-'));
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [RULES],
      scrape_configs: [
        { job_name: 'tiktok-downloader', static_configs: [{ targets: [new URL(serviceUrl).host] }] },
      ],
    };
    const file = join(this.#dir, 'prometheus.yml');
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(config));
    const args = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(this.#dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    this.#child = spawn('prometheus', args, { stdio: 'ignore' });
  }

  /** The alerts that are pending or firing, by name. */
  async alerts(): Promise<Map<string, 'pending' | 'firing'>> {
    const answer = await fetch(`${this.#url}/api/v1/alerts`);
    const { data } = (await answer.json()) as {
      data: { alerts: { labels: { alertname: string }; state: 'pending' | 'firing' }[] };
    };
    return new Map(data.alerts.map(({ labels, state }) => [labels.alertname, state]));
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #ready(): Promise<boolean> {
    return fetch(`${this.#url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}

function prometheusProblem(): string | null {
  try {
    execFileSync('prometheus', ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'prometheus is not installed (Debian: apt-get install prometheus)';
  }
}

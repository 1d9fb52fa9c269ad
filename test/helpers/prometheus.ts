import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './service.ts';

/** Why tests with a Prometheus cannot run here; null where they can. */
export const NO_PROMETHEUS = runs('prometheus')
  ? null
  : 'prometheus is not installed (Debian: apt-get install prometheus)';

/** Debian's name of the Alertmanager, or its own; null where there is none. */
export const ALERTMANAGER = ['prometheus-alertmanager', 'alertmanager'].find(runs) ?? null;

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const START_LIMIT_MS = 30_000;

export type AlertState = 'pending' | 'firing';

interface TestPrometheusOptions {
  /** Ports in place of those in prometheus.yml. */
  ports: { service: number; alertmanager?: number };
  /** Names that the DNS of the test knows, all with the address 127.0.0.1. Without it, `app` is a static target. */
  names?: ReadonlySet<string>;
}

/** A Prometheus with the files of deploy/prometheus, which looks each second instead of every 15. */
export class TestPrometheus {
  readonly #url: string;
  readonly #child: ChildProcess;
  readonly #dir: string;
  readonly #dns: Dns | null;

  static async start({ ports, names }: TestPrometheusOptions): Promise<TestPrometheus> {
    const dns = names ? await Dns.start(names) : null;
    const prometheus = new TestPrometheus(ports, dns, await freePort());
    await ready(`${prometheus.#url}/-/ready`, 'prometheus');
    return prometheus;
  }

  private constructor(ports: TestPrometheusOptions['ports'], dns: Dns | null, port: number) {
    this.#url = `http://127.0.0.1:${port}`;
    this.#dir = mkdtempSync(join(tmpdir(), 'prometheus-'));
    this.#dns = dns;
    const shipped = readFileSync(join(DEPLOY, 'prometheus/prometheus.yml'), 'utf8');
    const config = shipped
      .replaceAll(/_interval: 15s/g, '_interval: 1s')
      .replace('refresh_interval: 10s', 'refresh_interval: 1s')
      .replace('rules/*.yml', join(DEPLOY, 'prometheus/rules/*.yml'))
      .replace('port: 3022', `port: ${ports.service}`)
      .replace('port: 9093', `port: ${ports.alertmanager ?? 9}\n          refresh_interval: 1s`);
    const target = `    static_configs: [{ targets: ["127.0.0.1:${ports.service}"] }]\n`;
    const file = join(this.#dir, 'prometheus.yml');
    writeFileSync(file, dns ? config : config.replace(/^ {4}dns_sd_configs:\n[\s\S]*$/m, target));
    const args = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(this.#dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    if (dns) {
      const resolv = join(this.#dir, 'resolv.conf');
      writeFileSync(resolv, `nameserver ${dns.address}\n`);
      const mounted = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
      this.#child = spawn('unshare', ['-m', 'sh', '-c', mounted, resolv, 'prometheus', ...args], {
        stdio: 'ignore',
      });
    } else {
      this.#child = spawn('prometheus', args, { stdio: 'ignore' });
    }
  }

  /** The alerts that are pending or firing, by name. */
  async alerts(): Promise<Map<string, AlertState>> {
    const { data } = (await this.#get('alerts')) as {
      data: { alerts: { labels: { alertname: string }; state: AlertState }[] };
    };
    return new Map(data.alerts.map(({ labels, state }) => [labels.alertname, state]));
  }

  /** Values of an instant query. */
  async query(expression: string): Promise<number[]> {
    const { data } = (await this.#get(`query?query=${encodeURIComponent(expression)}`)) as {
      data: { result: { value: [number, string] }[] };
    };
    return data.result.map(({ value }) => Number(value[1]));
  }

  async #get(path: string): Promise<unknown> {
    return (await fetch(`${this.#url}/api/v1/${path}`)).json();
  }

  async stop(): Promise<void> {
    await kill(this.#child);
    this.#dns?.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** An Alertmanager with the shipped example, and the mail server that it sends to. */
export class TestAlertmanager {
  readonly port: number;
  readonly mails: string[] = [];
  readonly #child: ChildProcess;
  readonly #smtp: Server;
  readonly #dir: string;

  static async start(): Promise<TestAlertmanager> {
    const mails: string[] = [];
    const smtp = createServer((socket) => {
      let mail: string[] | null = null;
      const say = (line: string) => socket.write(`${line}\r\n`);
      say('220 test');
      socket.on('error', () => {});
      createInterface({ input: socket }).on('line', (line) => {
        if (mail === null) {
          if (/^DATA/i.test(line)) mail = [];
          say(mail ? '354 go on' : /^QUIT/i.test(line) ? '221 bye' : '250 ok');
        } else if (line === '.') {
          mails.push(mail.join('\n'));
          mail = null;
          say('250 ok');
        } else mail.push(line);
      });
    });
    smtp.listen(0, '127.0.0.1');
    await once(smtp, 'listening');
    const alertmanager = new TestAlertmanager(await freePort(), mails, smtp);
    await ready(`http://127.0.0.1:${alertmanager.port}/-/ready`, 'alertmanager');
    return alertmanager;
  }

  private constructor(port: number, mails: string[], smtp: Server) {
    this.port = port;
    this.mails = mails;
    this.#smtp = smtp;
    this.#dir = mkdtempSync(join(tmpdir(), 'alertmanager-'));
    const config = readFileSync(join(DEPLOY, 'alertmanager/alertmanager.yml.example'), 'utf8')
      .replace('smtp.example.com:587', `127.0.0.1:${(smtp.address() as AddressInfo).port}`)
      .replace('global:', 'global:\n  smtp_require_tls: false')
      .replaceAll(/group_wait: \d+s/g, 'group_wait: 1s')
      .replace('group_interval: 5m', 'group_interval: 1s');
    const file = join(this.#dir, 'alertmanager.yml');
    writeFileSync(file, config);
    const args = [
      `--config.file=${file}`,
      `--storage.path=${join(this.#dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ];
    this.#child = spawn(ALERTMANAGER ?? '', args, { stdio: 'ignore' });
  }

  async stop(): Promise<void> {
    await kill(this.#child);
    this.#smtp.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Answers A queries: 127.0.0.1 for the given names, NXDOMAIN for others. Needs port 53, hence root. */
class Dns {
  readonly address = '127.0.0.53';
  readonly #socket: Socket;

  static async start(names: ReadonlySet<string>): Promise<Dns> {
    const socket = createSocket('udp4');
    const dns = new Dns(socket);
    socket.on('message', (query, { port, address }) => socket.send(answerTo(query, names), port, address));
    socket.bind(53, dns.address);
    await once(socket, 'listening');
    return dns;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  stop(): void {
    this.#socket.close();
  }
}

function answerTo(query: Buffer, names: ReadonlySet<string>): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const question = query.subarray(12, at + 5);
  const known = names.has(labels.join('.').toLowerCase());
  const header = Buffer.from(query.subarray(0, 12));
  // A response without recursion; NXDOMAIN is code 3.
  header.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(known ? 1 : 0, 6);
  header.writeUInt32BE(0, 8);
  // A pointer to the name, type A, class IN, TTL 1 s, 4 bytes.
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
  return Buffer.concat(known ? [header, question, record] : [header, question]);
}

async function ready(url: string, name: string): Promise<void> {
  const limit = Date.now() + START_LIMIT_MS;
  const isReady = () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (Date.now() > limit) throw new Error(`${name} did not start`);
    await sleep(100);
  }
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

function runs(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

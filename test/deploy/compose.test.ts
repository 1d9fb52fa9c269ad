import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { composeTool } from '../helpers/compose.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILES = ['docker-compose.yml', 'docker-compose.no-vpn.yml'];
/** The variables that an operator has to set. */
const REQUIRED = { ENCRYPTION_KEY: 'the key of this test 47', GLUETUN_API_KEY: 'the other key of this test' };
/** gluetun sets up a tunnel and a firewall: root, NET_ADMIN, and files of its own. */
const PRIVILEGED = new Set(['gluetun']);

interface ServiceFile {
  image?: string;
  extends?: { file: string; service: string };
  profiles?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  networks?: string[];
  network_mode?: string;
  depends_on?: string[] | Record<string, { condition: string; restart?: boolean }>;
  privileged?: boolean;
  cap_add?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  read_only?: boolean;
  tmpfs?: string[];
  user?: string;
  pids_limit?: number;
  mem_limit?: string;
  healthcheck?: { test: string[] };
  logging?: { options: Record<string, string> };
  stop_grace_period?: string;
  restart?: string;
}

interface ComposeFile {
  services: Record<string, ServiceFile>;
  configs?: Record<string, { content: string }>;
  volumes?: Record<string, null>;
}

function read(name: string): ComposeFile {
  // `merge` for the anchors.
  return parse(readFileSync(`${ROOT}/${name}`, 'utf8'), { merge: true }) as ComposeFile;
}

/** The services of a file merged with what they extend, as Compose does it. */
function servicesOf(name: string): [string, ServiceFile][] {
  return Object.entries(read(name).services).map(([service, own]) => {
    const base = own.extends && read(own.extends.file).services[own.extends.service];
    const environment = { ...base?.environment, ...own.environment };
    return [service, { ...base, ...own, environment }];
  });
}

const tool = composeTool();
if (!tool) console.warn('skipped: no Compose 2 (bash .ci/install-compose)');

/** Runs Compose without the developer's environment and .env. */
function compose(file: string, args: string[], env: Record<string, string>) {
  const [command = '', ...before] = tool ?? [];
  const all = [...before, '--env-file', '/dev/null', '-f', `${ROOT}/${file}`, ...args];
  return spawnSync(command, all, {
    cwd: tmpdir(),
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', ...env },
  });
}

describe.each(FILES)('%s', (file) => {
  const services = servicesOf(file);
  const byName = Object.fromEntries(services);
  const instances = services.filter(([, { image }]) => image?.includes('tiktok-downloader-service'));

  describe.skipIf(tool === null)('as Compose sees it', () => {
    it('is valid, with every profile', () => {
      const { status, stderr } = compose(file, ['--profile', '*', 'config', '-q'], REQUIRED);
      expect([status, stderr]).toEqual([0, '']);
    });

    it('fails without an ENCRYPTION_KEY', () => {
      const { status, stderr } = compose(file, ['config', '-q'], { ...REQUIRED, ENCRYPTION_KEY: '' });
      expect(status).not.toBe(0);
      expect(stderr).toContain('ENCRYPTION_KEY');
    });

    it('is merged as this test merges it', () => {
      const { stdout } = compose(file, ['--profile', '*', 'config', '--format', 'json'], REQUIRED);
      const whole = JSON.parse(stdout) as { services: Record<string, ServiceFile> };
      expect(Object.keys(whole.services).sort()).toEqual(Object.keys(byName).sort());
      for (const [name, service] of services) {
        const seen = whole.services[name];
        expect(seen?.cap_drop, name).toEqual(service.cap_drop);
        expect(Object.keys(seen?.environment ?? {}).sort(), name).toEqual(
          Object.keys(service.environment ?? {}).sort(),
        );
      }
    });

    it('starts only the service without a profile', () => {
      const { stdout } = compose(file, ['config', '--services'], REQUIRED);
      const plain = stdout.trim().split('\n').sort();
      expect(plain).toEqual(file === 'docker-compose.yml' ? ['app', 'gluetun'] : ['app']);
    });
  });

  it('requires an ENCRYPTION_KEY for every instance', () => {
    expect(instances.length).toBeGreaterThan(0);
    for (const [, { environment }] of instances) {
      expect(environment?.ENCRYPTION_KEY).toMatch(/^\$\{ENCRYPTION_KEY:\?.+\}$/);
      expect(environment?.NODE_ENV).toBe('production');
    }
  });

  it('keeps engine updates in a volume that the image gives to the service’s user', () => {
    for (const [name, { volumes, environment }] of instances) {
      expect(volumes, name).toContain(`engines:${environment?.ENGINE_DIR}`);
    }
    expect(read(file).volumes).toHaveProperty('engines');
    const dockerfile = readFileSync(`${ROOT}/Dockerfile`, 'utf8');
    expect(dockerfile).toMatch(/^RUN install -d -o 1000 -g 1000 -m 0700 .*\bengines\b/m);
    // An anonymous volume would be writable as well.
    expect(dockerfile).not.toMatch(/^VOLUME/m);
  });

  it('passes every variable of the service on, and no other', () => {
    const example = readFileSync(`${ROOT}/.env.example`, 'utf8').split(/^# === /m)[0] ?? '';
    const names = [...example.matchAll(/^#?([A-Z_]+)=/gm)].map((match) => match[1]);
    for (const [name, { environment }] of instances) {
      expect(Object.keys(environment ?? {}).sort(), name).toEqual(names.sort());
    }
  });

  it.each(services)('%s is pinned, limited and restarted', (_name, service) => {
    expect(service.image).toMatch(/^[\w./-]+:v?\d+\.\d+\.\d+(-\w+)?$|^\$\{APP_IMAGE:-/);
    expect(service.restart).toBe('unless-stopped');
    expect(service.pids_limit).toBeGreaterThan(0);
    expect(service.mem_limit).toBeTruthy();
    expect(service.logging?.options).toHaveProperty('max-size');
    expect(service.privileged).toBeUndefined();
  });

  it.each(services.filter(([name]) => !PRIVILEGED.has(name)))('%s is hardened', (_name, service) => {
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.cap_add).toBeUndefined();
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
    expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(service.healthcheck?.test[0]).toBe('CMD');
    for (const volume of service.volumes ?? [])
      expect(volume).toMatch(/:ro$|^(prometheus|alertmanager|engines):/);
    for (const mount of service.tmpfs ?? []) expect(mount).toMatch(/:size=.*nosuid,nodev/);
  });

  it('checks the health on the management port, which is not published', () => {
    for (const [name, { environment, healthcheck }] of instances) {
      expect(environment?.MANAGEMENT_PORT, name).toBe('3022');
      expect(healthcheck?.test.join(' '), name).toContain('http://127.0.0.1:3022/health/ready');
    }
    for (const [name, { ports }] of services) expect(ports?.join() ?? '', name).not.toMatch(/3022$/);
  });

  it('holds no secret', () => {
    for (const [name, { environment }] of services) {
      for (const [variable, value] of Object.entries(environment ?? {})) {
        if (/KEY|SECRET|PASSWORD|TOKEN|USER$/.test(variable))
          expect(value, `${name} ${variable}`).toMatch(/^\$\{/);
      }
    }
    for (const { content } of Object.values(read(file).configs ?? {})) {
      for (const [, value] of content.matchAll(/\b(?:api)?key = "(.*)"/g))
        expect(value).toMatch(/^\$\{GLUETUN_API_KEY:\?/);
    }
  });

  it('publishes its monitoring, which has no password, to this machine only', () => {
    for (const name of ['prometheus', 'grafana', 'alertmanager']) {
      expect(byName[name]?.profiles).toEqual([name === 'alertmanager' ? 'alerting' : 'monitoring']);
      for (const port of byName[name]?.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  it('stops the service later than its grace period ends', () => {
    for (const [, { stop_grace_period }] of instances) {
      expect(Number(/:-(\d+)s\}$/.exec(stop_grace_period ?? '')?.[1])).toBeGreaterThan(30);
    }
  });
});

describe('deploy/compose/one-file.yml', () => {
  const { services, volumes } = read('deploy/compose/one-file.yml');
  const { app } = services;

  it('needs nothing but itself', () => {
    expect(Object.keys(services)).toEqual(['app']);
    expect(app).not.toHaveProperty('build');
    expect(app).not.toHaveProperty('extends');
    expect(app).not.toHaveProperty('env_file');
    // Named volumes only, which are declared.
    for (const volume of app?.volumes ?? [])
      expect(Object.keys(volumes ?? {})).toContain(volume.split(':')[0]);
  });

  it('is as hardened as the service of the other files', () => {
    const other = read('deploy/compose/common.yml').services.app;
    const hardening = ({ user, read_only, cap_drop, security_opt, pids_limit, restart }: ServiceFile) => ({
      ...{ user, read_only, cap_drop, security_opt, pids_limit, restart },
    });
    expect(hardening(app ?? {})).toEqual(hardening(other ?? {}));
    expect(app?.mem_limit).toBeTruthy();
  });

  it('keeps what is written in folders that the image gives to the service’s user', () => {
    const dockerfile = readFileSync(`${ROOT}/Dockerfile`, 'utf8');
    const [, owned = ''] = /^RUN install -d -o 1000 -g 1000 -m 0700 (.*?) &&/m.exec(dockerfile) ?? [];
    expect(app?.volumes).toEqual(owned.split(' ').map((folder) => `${folder}:/app/${folder}`));
  });

  it('explains every variable that it needs, and sets none that is unknown', () => {
    const text = readFileSync(`${ROOT}/deploy/compose/one-file.yml`, 'utf8');
    const example = readFileSync(`${ROOT}/.env.example`, 'utf8');
    for (const name of Object.keys(app?.environment ?? {}))
      expect(example).toMatch(new RegExp(`^#?${name}=`, 'm'));
    for (const [, name = ''] of text.matchAll(/\$\{([A-Z_]+):\?/g))
      expect(text).toMatch(new RegExp(`^#   ${name} `, 'm'));
  });

  it.skipIf(tool === null)('is valid, and says which variable is missing', () => {
    const run = (env: Record<string, string>) =>
      compose('deploy/compose/one-file.yml', ['-p', 'x', 'config', '-q'], env);
    const given = { APP_IMAGE: 'image:1.2.3', ENCRYPTION_KEY: REQUIRED.ENCRYPTION_KEY };
    expect([run(given).status, run(given).stderr]).toEqual([0, '']);
    for (const name of Object.keys(given))
      expect(run({ ...given, [name]: '' }).stderr).toContain(`set ${name}`);
  });
});

describe.skipIf(tool === null)('deploy/compose/small.yml', () => {
  it('keeps the service within 512 MB, and its files on the disk', () => {
    const small = ['-f', `${ROOT}/deploy/compose/small.yml`, 'config', '--format', 'json', 'app'];
    const { stdout } = compose('docker-compose.no-vpn.yml', small, REQUIRED);
    const { app } = (JSON.parse(stdout) as { services: Record<string, ServiceFile> }).services;
    expect(Number(app?.mem_limit)).toBe(512 * 1024 * 1024);
    expect(app?.tmpfs?.map((mount) => mount.split(':')[0])).toEqual(['/tmp']);
    expect(app?.volumes).toContainEqual(expect.objectContaining({ type: 'volume', target: '/app/temp' }));
  });
});

describe('the VPN', () => {
  const { gluetun, app } = Object.fromEntries(servicesOf('docker-compose.yml'));

  it('is the service’s only network, healthy before it starts, and restarted with it', () => {
    expect(app?.network_mode).toBe('service:gluetun');
    expect(app?.networks).toBeUndefined();
    expect(app?.ports).toBeUndefined();
    expect(app?.depends_on).toEqual({ gluetun: { condition: 'service_healthy', restart: true } });
    expect(gluetun?.ports).toEqual([expect.stringMatching(/^\$\{PORT:-3021\}:3021$/)]);
    expect(gluetun?.cap_add).toEqual(['NET_ADMIN']);
  });

  it('takes requests for a new address from the service only', () => {
    const address = gluetun?.environment?.HTTP_CONTROL_SERVER_ADDRESS;
    expect(address).toMatch(/^127\.0\.0\.1:/);
    expect(app?.environment?.GLUETUN_URL).toBe(`http://${address}`);
    expect(read('docker-compose.yml').configs?.gluetun_roles?.content).toContain('"PUT /v1/vpn/status"');
  });
});

describe('several instances', () => {
  const { instance, nginx, redis } = Object.fromEntries(servicesOf('docker-compose.no-vpn.yml'));

  it('are reached through nginx only, under the name in upstreams.conf', () => {
    expect(instance?.ports).toBeUndefined();
    expect(instance?.environment?.TRUST_PROXY).toBe('1');
    const upstreams = readFileSync(`${ROOT}/deploy/nginx/upstreams.conf`, 'utf8');
    expect(upstreams.match(/server instance:3021 resolve/g)).toHaveLength(2);
    expect(nginx?.volumes).toEqual(['./deploy/nginx:/etc/nginx:ro']);
    expect(nginx?.depends_on).toEqual({ instance: { condition: 'service_healthy' } });
  });

  it('share a Redis that no other container can reach', () => {
    expect(instance?.environment?.REDIS_URL).toBe('redis://redis:6379');
    expect(redis?.networks).toEqual(['redis']);
    expect(redis?.ports).toBeUndefined();
  });

  it('are scraped by Prometheus under each of their names, on the management port', () => {
    const config = parse(readFileSync(`${ROOT}/deploy/prometheus/prometheus.yml`, 'utf8')) as {
      scrape_configs: { dns_sd_configs: { names: string[]; port: number }[] }[];
      alerting: { alertmanagers: { dns_sd_configs: { names: string[]; port: number }[] }[] };
    };
    const found = config.scrape_configs[0]?.dns_sd_configs[0];
    expect(found).toMatchObject({ names: ['app', 'instance', 'gluetun'], port: 3022 });
    expect(config.alerting.alertmanagers[0]?.dns_sd_configs[0]).toMatchObject({
      names: ['alertmanager'],
      port: 9093,
    });
  });
});

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILES = ['docker-compose.yml', 'docker-compose.no-vpn.yml'];
/** What an operator has to set; anything else may be missing. */
const DEMANDED = { ENCRYPTION_KEY: 'the key of this test 47', GLUETUN_API_KEY: 'the other key of this test' };
/** Sets up the tunnel and the firewall in front of it: root, NET_ADMIN, and files of its own. */
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

/** The services of a file with what they extend, as Compose puts them together. */
function servicesOf(name: string): [string, ServiceFile][] {
  return Object.entries(read(name).services).map(([service, own]) => {
    const base = own.extends && read(own.extends.file).services[own.extends.service];
    const environment = { ...base?.environment, ...own.environment };
    return [service, { ...base, ...own, environment }];
  });
}

/** Compose 2, as a plug-in of docker or by itself; null where there is none. */
function composeTool(): string[] | null {
  for (const [command = '', ...before] of [['docker', 'compose'], ['docker-compose']]) {
    const said = spawnSync(command, [...before, 'version', '--short'], { encoding: 'utf8' });
    if (said.status === 0 && /^v?[2-9]/.test(said.stdout)) return [command, ...before];
  }
  console.warn('no Compose 2: docker-compose*.yml are not checked by it (bash .ci/install-compose)');
  return null;
}

const tool = composeTool();

/** Runs Compose in an environment of its own: no .env of the developer's has a say. */
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
      const { status, stderr } = compose(file, ['--profile', '*', 'config', '-q'], DEMANDED);
      expect([status, stderr]).toEqual([0, '']);
    });

    it('demands an ENCRYPTION_KEY', () => {
      const { status, stderr } = compose(file, ['config', '-q'], { ...DEMANDED, ENCRYPTION_KEY: '' });
      expect(status).not.toBe(0);
      expect(stderr).toContain('ENCRYPTION_KEY');
    });

    it('is put together as this test does it', () => {
      const { stdout } = compose(file, ['--profile', '*', 'config', '--format', 'json'], DEMANDED);
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

    it('starts the plain service without a profile', () => {
      const { stdout } = compose(file, ['config', '--services'], DEMANDED);
      const plain = stdout.trim().split('\n').sort();
      expect(plain).toEqual(file === 'docker-compose.yml' ? ['app', 'gluetun'] : ['app']);
    });
  });

  it('has instances of the service, which demand an ENCRYPTION_KEY', () => {
    expect(instances.length).toBeGreaterThan(0);
    for (const [, { environment }] of instances) {
      expect(environment?.ENCRYPTION_KEY).toMatch(/^\$\{ENCRYPTION_KEY:\?.+\}$/);
      expect(environment?.NODE_ENV).toBe('production');
    }
  });

  it('keeps updates of the engine in a volume of its own, which the image gives to the service’s user', () => {
    for (const [name, { volumes, environment }] of instances) {
      expect(volumes, name).toContain(`engines:${environment?.ENGINE_DIR}`);
    }
    expect(read(file).volumes).toHaveProperty('engines');
    const dockerfile = readFileSync(`${ROOT}/Dockerfile`, 'utf8');
    expect(dockerfile).toMatch(/^RUN install -d -o 1000 -g 1000 -m 0700 .*\bengines\b/m);
    // One that nobody asked for would be writable too.
    expect(dockerfile).not.toMatch(/^VOLUME/m);
  });

  it('hands every variable of the service on, and no other', () => {
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
    for (const volume of service.volumes ?? []) expect(volume).toMatch(/:ro$|^prometheus:|^engines:/);
    for (const mount of service.tmpfs ?? []) expect(mount).toMatch(/:size=.*nosuid,nodev/);
  });

  it('holds no secret', () => {
    for (const [name, { environment }] of services) {
      for (const [variable, value] of Object.entries(environment ?? {})) {
        if (/KEY|SECRET|PASSWORD|TOKEN|USER$/.test(variable))
          expect(value, `${name} ${variable}`).toMatch(/^\$\{/);
      }
    }
    for (const { content } of Object.values(read(file).configs ?? {})) {
      expect(content).toMatch(/apikey = "\$\{GLUETUN_API_KEY:\?/);
    }
  });

  it('shows its monitoring, which asks for no password, to this machine only', () => {
    for (const name of ['prometheus', 'grafana']) {
      expect(byName[name]?.profiles).toEqual(['monitoring']);
      for (const port of byName[name]?.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  it('gives the service longer to end than it takes', () => {
    for (const [, { stop_grace_period }] of instances) {
      expect(Number(/:-(\d+)s\}$/.exec(stop_grace_period ?? '')?.[1])).toBeGreaterThan(30);
    }
  });
});

describe('the VPN', () => {
  const { gluetun, app } = Object.fromEntries(servicesOf('docker-compose.yml'));

  it('is the only way out of the service, healthy before it starts, and restarted with it', () => {
    expect(app?.network_mode).toBe('service:gluetun');
    expect(app?.networks).toBeUndefined();
    expect(app?.ports).toBeUndefined();
    expect(app?.depends_on).toEqual({ gluetun: { condition: 'service_healthy', restart: true } });
    expect(gluetun?.ports).toEqual([expect.stringMatching(/^\$\{PORT:-3021\}:3021$/)]);
    expect(gluetun?.cap_add).toEqual(['NET_ADMIN']);
  });

  it('can be asked for a new address by the service, and by nobody else', () => {
    const address = gluetun?.environment?.HTTP_CONTROL_SERVER_ADDRESS;
    expect(address).toMatch(/^127\.0\.0\.1:/);
    expect(app?.environment?.GLUETUN_URL).toBe(`http://${address}`);
    expect(read('docker-compose.yml').configs?.gluetun_roles?.content).toContain('"PUT /v1/vpn/status"');
  });
});

describe('several instances', () => {
  const { instance, nginx, redis } = Object.fromEntries(servicesOf('docker-compose.no-vpn.yml'));

  it('are reached through nginx only, under the name that it knows', () => {
    expect(instance?.ports).toBeUndefined();
    expect(instance?.environment?.TRUST_PROXY).toBe('1');
    const upstreams = readFileSync(`${ROOT}/deploy/nginx/upstreams.conf`, 'utf8');
    expect(upstreams.match(/server instance:3021 resolve/g)).toHaveLength(2);
    expect(nginx?.volumes).toEqual(['./deploy/nginx:/etc/nginx:ro']);
    expect(nginx?.depends_on).toEqual({ instance: { condition: 'service_healthy' } });
  });

  it('share a Redis that nobody else can reach', () => {
    expect(instance?.environment?.REDIS_URL).toBe('redis://redis:6379');
    expect(redis?.networks).toEqual(['redis']);
    expect(redis?.ports).toBeUndefined();
  });

  it('are looked for by Prometheus under every name that they have', () => {
    const config = parse(readFileSync(`${ROOT}/deploy/prometheus/prometheus.yml`, 'utf8')) as {
      scrape_configs: { dns_sd_configs: { names: string[]; port: number }[] }[];
    };
    const found = config.scrape_configs[0]?.dns_sd_configs[0];
    expect(found).toMatchObject({ names: ['app', 'instance', 'gluetun'], port: 3021 });
  });
});

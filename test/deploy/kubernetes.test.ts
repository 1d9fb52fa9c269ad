import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/config.ts';

const DIR = fileURLToPath(new URL('../../deploy/kubernetes/', import.meta.url));
const FILES = readdirSync(DIR).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
const EXAMPLES = readdirSync(`${DIR}examples`).map((name) => `examples/${name}`);

const kubectl = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;

type Labels = Record<string, string>;
type Tree = Record<string, unknown>;

interface Probe {
  timeoutSeconds?: number;
  httpGet?: { path: string; port: string };
  exec?: { command: string[] };
  tcpSocket?: { port: string };
}

interface Container {
  name: string;
  image: string;
  ports: { name: string; containerPort: number }[];
  env?: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }[];
  envFrom?: { configMapRef?: { name: string }; secretRef?: { name: string } }[];
  securityContext: Tree;
  readinessProbe: Probe;
  livenessProbe: Probe;
  startupProbe?: Probe;
  lifecycle?: { preStop: { exec: { command: string[] } } };
  resources: { requests: Labels; limits: Labels };
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
}

interface Pod {
  automountServiceAccountToken: boolean;
  serviceAccountName?: string;
  securityContext: Tree;
  terminationGracePeriodSeconds?: number;
  containers: Container[];
  volumes: ({ name: string } & Tree)[];
}

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Labels; namespace?: string };
  data?: Labels;
  spec: Tree & {
    selector?: Labels & { matchLabels?: Labels };
    podSelector?: { matchLabels: Labels };
    template?: { metadata: { labels: Labels }; spec: Pod };
    ports?: { targetPort: string; port: number }[];
    scaleTargetRef?: { kind: string; name: string; apiVersion: string };
    minReplicas?: number;
    maxUnavailable?: number;
  };
}

function read(name: string): Manifest[] {
  const documents = parseAllDocuments(readFileSync(`${DIR}${name}`, 'utf8'), {
    strict: true,
    uniqueKeys: true,
  });
  return documents.map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}

const manifests = FILES.flatMap(read);

function one(kind: string, name = 'tiktok-downloader'): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (found.length !== 1 || !found[0]) throw new Error(`${found.length} of ${kind} ${name}`);
  return found[0];
}

const podOf = (manifest: Manifest): Pod => {
  if (!manifest.spec.template) throw new Error(`${manifest.kind} has no pods`);
  return manifest.spec.template.spec;
};
const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
const service = podOf(one('Deployment')).containers[0] as Container;

/** Current API versions; Kubernetes has removed older ones of these kinds. */
const API: Labels = {
  ConfigMap: 'v1',
  Deployment: 'apps/v1',
  HorizontalPodAutoscaler: 'autoscaling/v2',
  Ingress: 'networking.k8s.io/v1',
  Namespace: 'v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  PodDisruptionBudget: 'policy/v1',
  Service: 'v1',
  ServiceAccount: 'v1',
  ServiceMonitor: 'monitoring.coreos.com/v1',
};

describe('the manifests', () => {
  it.each(
    [...manifests, ...EXAMPLES.flatMap(read)].map(
      (manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest] as const,
    ),
  )('%s has a current API version and labels', (_name, { apiVersion, kind, metadata }) => {
    expect(apiVersion).toBe(API[kind]);
    expect(metadata.name).toMatch(/^[a-z][a-z0-9-]{1,62}$/);
    expect(metadata.labels?.['app.kubernetes.io/name']).toBe('tiktok-downloader');
    // The kustomization's.
    expect(metadata.namespace).toBeUndefined();
  });

  it('are all in the kustomization, which names the service’s image', () => {
    const { resources, images } = parse(readFileSync(`${DIR}kustomization.yaml`, 'utf8')) as {
      resources: string[];
      images: { name: string; newTag: string }[];
    };
    expect([...resources].sort()).toEqual([...FILES].sort());
    expect(images).toMatchObject([{ name: service.image, newTag: expect.stringMatching(/^\d+\.\d+\.\d+$/) }]);
  });

  it('contain no secret', () => {
    expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    const text = JSON.stringify(manifests);
    expect(text).not.toMatch(/-----BEGIN|password|:\/\/[^/"@]+:[^/"@]+@/i);
    for (const { env = [] } of deployments.flatMap((deployment) => podOf(deployment).containers)) {
      for (const { name, value } of env)
        if (/KEY|SECRET|TOKEN|PROXY_URLS/.test(name)) expect(value).toBeUndefined();
    }
  });

  it('select existing pods', () => {
    const pods = deployments.map((deployment) => deployment.spec.template?.metadata.labels ?? {});
    const selectors = manifests.flatMap(({ kind, spec }) => {
      if (kind === 'Service') return [spec.selector as Labels];
      const chosen = spec?.selector?.matchLabels ?? spec?.podSelector?.matchLabels;
      return chosen ? [chosen] : [];
    });
    expect(selectors).toHaveLength(8);
    for (const selector of selectors) {
      const hit = pods.filter((labels) =>
        Object.entries(selector).every(([key, value]) => labels[key] === value),
      );
      expect(hit).toHaveLength(1);
    }
  });

  it('refer to ports of containers', () => {
    const names = deployments.flatMap((deployment) =>
      podOf(deployment).containers[0]?.ports.map(({ name }) => name),
    );
    const used = JSON.stringify(manifests).matchAll(/"(?:targetPort|port)":"([^"]+)"/g);
    for (const [, port] of used) expect(names).toContain(port);
  });
});

describe.each(deployments.map((deployment) => [deployment.metadata.name, podOf(deployment)] as const))(
  'the pods of %s',
  (_name, pod) => {
    it('run without root, and write to their volumes only', () => {
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
      expect(pod.automountServiceAccountToken).toBe(false);
      for (const container of pod.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(container.volumeMounts.map(({ name }) => name).sort()).toEqual(
          pod.volumes.map(({ name }) => name).sort(),
        );
      }
      for (const volume of pod.volumes) expect(volume).not.toHaveProperty('hostPath');
    });

    it('have limits, requests and probes', () => {
      for (const { resources, readinessProbe, livenessProbe } of pod.containers) {
        expect(Object.keys(resources.requests).sort()).toEqual(['cpu', 'ephemeral-storage', 'memory']);
        expect(Object.keys(resources.limits)).toEqual(
          expect.arrayContaining(['memory', 'ephemeral-storage']),
        );
        expect(readinessProbe).toBeDefined();
        expect(livenessProbe).toBeDefined();
      }
    });
  },
);

describe('the service', () => {
  const settings = one('ConfigMap').data ?? {};

  it('accepts its ConfigMap', () => {
    const config = loadConfig({
      ...settings,
      NODE_ENV: 'production',
      ENCRYPTION_KEY: 'vX3r9-Qm2Lk8_Tz5Wc7Yb1',
    });
    expect(config.secrets.redisUrl?.reveal()).toBe(
      `redis://${one('Service', 'tiktok-downloader-redis').metadata.name}:6379`,
    );
    expect(config.server.trustProxy).toBe(1);
    const example = readFileSync(`${DIR}../../.env.example`, 'utf8');
    for (const name of Object.keys(settings)) expect(example).toMatch(new RegExp(`^#?${name}=`, 'm'));
  });

  it('does not start without its key', () => {
    expect(service.env?.find(({ name }) => name === 'ENCRYPTION_KEY')?.valueFrom?.secretKeyRef).toEqual({
      name: 'tiktok-downloader',
      key: 'ENCRYPTION_KEY',
    });
  });

  it('is probed at its health routes, on the management port', () => {
    expect(service.readinessProbe.httpGet?.path).toBe('/health/ready');
    expect(service.startupProbe?.httpGet?.path).toBe('/health/ready');
    expect(service.livenessProbe.httpGet?.path).toBe('/health/live');
    for (const probe of [service.readinessProbe, service.startupProbe, service.livenessProbe]) {
      expect(probe?.httpGet?.port).toBe('management');
      expect(probe?.timeoutSeconds).toBeGreaterThanOrEqual(3);
    }
    const port = service.ports.find(({ name }) => name === 'management')?.containerPort;
    expect(service.env).toContainEqual({ name: 'MANAGEMENT_PORT', value: String(port) });
  });

  it('has time for its shutdown', () => {
    const before = Number(service.lifecycle?.preStop.exec.command[1]);
    const grace = Number(settings.SHUTDOWN_GRACE);
    expect(podOf(one('Deployment')).terminationGracePeriodSeconds).toBeGreaterThan(before + grace);
  });

  it.each([
    ['TEMP_DIR', '/app/temp'],
    ['ENGINE_DIR', '/app/engines'],
  ])('has a limited volume for %s', (variable, path) => {
    const mount = service.volumeMounts.find(({ mountPath }) => mountPath === path);
    const volume = podOf(one('Deployment')).volumes.find(({ name }) => name === mount?.name);
    expect(volume).toMatchObject({ emptyDir: { sizeLimit: expect.any(String) } });
    expect(service.env).toContainEqual({ name: variable, value: path });
  });

  it('is scaled, and never evicted as a whole', () => {
    const { scaleTargetRef, minReplicas = 0 } = one('HorizontalPodAutoscaler').spec;
    expect(scaleTargetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'tiktok-downloader' });
    expect(one('PodDisruptionBudget').spec.maxUnavailable).toBeLessThan(minReplicas);
    // An apply would reset the autoscaler's number.
    expect(one('Deployment').spec).not.toHaveProperty('replicas');
  });
});

describe('the network policy', () => {
  const { egress, ingress } = one('NetworkPolicy').spec as unknown as {
    egress: { to: { ipBlock?: { cidr: string; except?: string[] } }[]; ports?: { port: number }[] }[];
    ingress: { ports: { port: string }[] }[];
  };
  const blocks = egress.flatMap(({ to }) => to.flatMap(({ ipBlock }) => ipBlock ?? []));

  it.each([
    ['0.0.0.0/0', '168.63.129.16/32'],
    ['0.0.0.0/0', '192.0.0.0/24'],
    ['0.0.0.0/0', '169.254.0.0/16'],
    ['::/0', '64:ff9b::/96'],
    ['::/0', 'fc00::/7'],
  ])('excludes from %s the inner network %s', (cidr, inner) => {
    expect(blocks.find((block) => block.cidr === cidr)?.except).toContain(inner);
  });

  it('has no IPv4-mapped network, which the API server rejects', () => {
    expect(JSON.stringify(blocks)).not.toContain('::ffff:');
  });

  it('allows NodeLocal DNSCache and OpenShift’s DNS', () => {
    expect(blocks.map(({ cidr }) => cidr)).toContain('169.254.20.10/32');
    expect(egress.flatMap(({ ports = [] }) => ports.map(({ port }) => port))).toEqual(
      expect.arrayContaining([53, 5353]),
    );
  });

  it('allows connections to both ports', () => {
    expect(ingress.flatMap(({ ports }) => ports.map(({ port }) => port))).toEqual(['http', 'management']);
  });
});

describe('the examples', () => {
  it('have an Ingress to the port of the Service', () => {
    const ports = one('Service').spec.ports as unknown as { name: string }[];
    const used = [
      ...JSON.stringify(read('examples/ingress.yaml')).matchAll(/"port":\{"name":"([^"]+)"/g),
    ].map(([, name]) => name);
    expect(used).toHaveLength(2);
    for (const name of used) expect(ports.map((port) => port.name)).toContain(name);
  });

  it('have a ServiceMonitor that selects the management Service and gives the job the name of the alerts', () => {
    const [monitor] = read('examples/servicemonitor.yaml') as [Manifest];
    const { jobLabel, endpoints } = monitor.spec as unknown as {
      jobLabel: string;
      endpoints: { port: string }[];
    };
    const management = one('Service', 'tiktok-downloader-management');
    expect(management.metadata.labels).toMatchObject(monitor.spec.selector?.matchLabels ?? {});
    expect(management.metadata.labels?.[jobLabel]).toBe('tiktok-downloader');
    expect((management.spec.ports as unknown as { name: string }[])[0]?.name).toBe(endpoints[0]?.port);
  });

  it('have a command that makes a PrometheusRule of the alerts', () => {
    const text = readFileSync(`${DIR}examples/servicemonitor.yaml`, 'utf8');
    const lines = text.split('\n').filter((line) => line.startsWith('#   '));
    const command = lines
      .map((line) => line.slice(4))
      .join('\n')
      .replace(/\| kubectl .*$/, '');
    const rule = parse(execFileSync('sh', ['-c', command], { cwd: `${DIR}../..`, encoding: 'utf8' }));
    const alerts = parse(readFileSync(`${DIR}../prometheus/rules/alerts.yml`, 'utf8'));
    expect(rule).toMatchObject({ kind: 'PrometheusRule', spec: alerts });
  });
});

describe.skipIf(!kubectl)('kubectl kustomize', () => {
  it('renders all manifests', () => {
    const rendered = execFileSync('kubectl', ['kustomize', DIR], { encoding: 'utf8' });
    expect(rendered.match(/^kind: /gm)).toHaveLength(manifests.length);
  });
});

describe.skipIf(!kubectl)('the overlay with nginx in each pod', () => {
  const overlay = fileURLToPath(new URL('../../deploy/overlays/nginx-delivery/', import.meta.url));
  const rendered = () =>
    parseAllDocuments(execFileSync('kubectl', ['kustomize', overlay], { encoding: 'utf8' })).map(
      (document) => document.toJS() as Manifest,
    );

  it('sends clients through nginx, which has its files and hands nothing but the pod’s own service out', () => {
    const all = rendered();
    const find = (kind: string) =>
      all.find((one) => one.kind === kind && one.metadata.name === 'tiktok-downloader');
    const pod = find('Deployment')?.spec.template?.spec;
    const nginx = pod?.containers.find(({ name }) => name === 'nginx');
    expect(pod?.containers).toHaveLength(2);
    expect(nginx?.securityContext).toEqual(
      pod?.containers.find(({ name }) => name === 'service')?.securityContext,
    );
    const [port] = nginx?.ports ?? [];
    expect(port).toEqual({ name: 'front', containerPort: 8080 });
    expect(find('Service')?.spec.ports?.[0]?.targetPort).toBe('front');
    expect(JSON.stringify(find('NetworkPolicy')?.spec.ingress)).toContain('"port":"front"');
    expect(JSON.stringify(find('NetworkPolicy')?.spec.ingress)).not.toContain('"port":"http"');
    const files = all.filter(({ kind, data }) => kind === 'ConfigMap' && data?.['server.conf'] !== undefined);
    const [conf] = files;
    expect(Object.keys(conf?.data ?? {}).sort()).toEqual([
      'delivery.conf',
      'http.conf',
      'nginx.conf',
      'server.conf',
    ]);
    const settings = find('ConfigMap')?.data ?? {};
    const config = loadConfig({ ...settings, ENCRYPTION_KEY: 'a key that only the tests know 4711' });
    expect([config.relay.delivery, config.server.trustProxy]).toEqual(['nginx', 'loopback']);
  });
});

describe('the overlay for busy workers', () => {
  const overlay = fileURLToPath(new URL('../../deploy/overlays/busy-workers/', import.meta.url));

  it('scales at 70 % of MAX_WORKERS', () => {
    const text = readFileSync(`${overlay}kustomization.yaml`, 'utf8');
    const workers = Number(/MAX_WORKERS: "(\d+)"/.exec(text)?.[1]);
    expect(Number(/averageValue: "(\d+)"/.exec(text)?.[1])).toBe(workers * 0.7);
  });

  it.skipIf(!kubectl)('renders to the manifests, with one metric more', () => {
    const text = execFileSync('kubectl', ['kustomize', overlay], { encoding: 'utf8' });
    const documents = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
    expect(documents).toHaveLength(manifests.length);
    const scaler = documents.find(({ kind }) => kind === 'HorizontalPodAutoscaler');
    expect(scaler?.spec.metrics).toHaveLength(2);
  });
});

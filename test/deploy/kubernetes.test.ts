import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/config.ts';

const DIR = fileURLToPath(new URL('../../deploy/kubernetes/', import.meta.url));
const FILES = readdirSync(DIR).filter((name) => name !== 'kustomization.yaml');

type Labels = Record<string, string>;
type Tree = Record<string, unknown>;

interface Probe {
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

const manifests = FILES.flatMap((name) =>
  parseAllDocuments(readFileSync(`${DIR}${name}`, 'utf8'), { strict: true, uniqueKeys: true }).map(
    (document) => {
      if (document.errors[0]) throw document.errors[0];
      return document.toJS() as Manifest;
    },
  ),
);

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

/** The API versions that Kubernetes has today; older ones of these kinds are gone from it. */
const API: Labels = {
  ConfigMap: 'v1',
  Deployment: 'apps/v1',
  HorizontalPodAutoscaler: 'autoscaling/v2',
  NetworkPolicy: 'networking.k8s.io/v1',
  PodDisruptionBudget: 'policy/v1',
  Service: 'v1',
  ServiceAccount: 'v1',
};

describe('the manifests', () => {
  it.each(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest] as const))(
    '%s is of a version that there is, and has labels',
    (_name, { apiVersion, kind, metadata }) => {
      expect(apiVersion).toBe(API[kind]);
      expect(metadata.name).toMatch(/^[a-z][a-z0-9-]{1,62}$/);
      expect(metadata.labels?.['app.kubernetes.io/name']).toBe('tiktok-downloader');
      // The kustomization's.
      expect(metadata.namespace).toBeUndefined();
    },
  );

  it('are all in the kustomization, which gives every image that is ours a name', () => {
    const { resources, images } = parse(readFileSync(`${DIR}kustomization.yaml`, 'utf8')) as {
      resources: string[];
      images: { name: string; newTag: string }[];
    };
    expect([...resources].sort()).toEqual([...FILES].sort());
    expect(images).toMatchObject([{ name: service.image, newTag: expect.stringMatching(/^\d+\.\d+\.\d+$/) }]);
  });

  it('hold no secret', () => {
    expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    const text = JSON.stringify(manifests);
    expect(text).not.toMatch(/-----BEGIN|password|:\/\/[^/"@]+:[^/"@]+@/i);
    for (const { env = [] } of deployments.flatMap((deployment) => podOf(deployment).containers)) {
      for (const { name, value } of env)
        if (/KEY|SECRET|TOKEN|PROXY_URLS/.test(name)) expect(value).toBeUndefined();
    }
  });

  it('select the pods that there are', () => {
    const pods = deployments.map((deployment) => deployment.spec.template?.metadata.labels ?? {});
    const selectors = manifests.flatMap(({ kind, spec }) => {
      if (kind === 'Service') return [spec.selector as Labels];
      const chosen = spec?.selector?.matchLabels ?? spec?.podSelector?.matchLabels;
      return chosen ? [chosen] : [];
    });
    expect(selectors).toHaveLength(7);
    for (const selector of selectors) {
      const hit = pods.filter((labels) =>
        Object.entries(selector).every(([key, value]) => labels[key] === value),
      );
      expect(hit).toHaveLength(1);
    }
  });

  it('name ports that containers have', () => {
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
    it('run as nobody in particular, with nothing to write to but their volumes', () => {
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

  it('understands its ConfigMap', () => {
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

  it('is asked what its health routes answer', () => {
    expect(service.readinessProbe.httpGet?.path).toBe('/health/ready');
    expect(service.startupProbe?.httpGet?.path).toBe('/health/ready');
    expect(service.livenessProbe.httpGet?.path).toBe('/health/live');
  });

  it('has the time to end', () => {
    const before = Number(service.lifecycle?.preStop.exec.command[1]);
    const grace = Number(settings.SHUTDOWN_GRACE);
    expect(podOf(one('Deployment')).terminationGracePeriodSeconds).toBeGreaterThan(before + grace);
  });

  it.each([
    ['TEMP_DIR', '/app/temp'],
    ['ENGINE_DIR', '/app/engines'],
  ])('keeps what %s is for in a volume with a limit', (variable, path) => {
    const mount = service.volumeMounts.find(({ mountPath }) => mountPath === path);
    const volume = podOf(one('Deployment')).volumes.find(({ name }) => name === mount?.name);
    expect(volume).toMatchObject({ emptyDir: { sizeLimit: expect.any(String) } });
    expect(service.env).toContainEqual({ name: variable, value: path });
  });

  it('is scaled, and never taken away as a whole', () => {
    const { scaleTargetRef, minReplicas = 0 } = one('HorizontalPodAutoscaler').spec;
    expect(scaleTargetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'tiktok-downloader' });
    expect(one('PodDisruptionBudget').spec.maxUnavailable).toBeLessThan(minReplicas);
    // A number here would undo the autoscaler's with every apply.
    expect(one('Deployment').spec).not.toHaveProperty('replicas');
  });
});

describe('the overlay for busy workers', () => {
  const overlay = fileURLToPath(new URL('../../deploy/overlays/busy-workers/', import.meta.url));

  it('scales at 70 % of MAX_WORKERS', () => {
    const text = readFileSync(`${overlay}kustomization.yaml`, 'utf8');
    const workers = Number(/MAX_WORKERS: "(\d+)"/.exec(text)?.[1]);
    expect(Number(/averageValue: "(\d+)"/.exec(text)?.[1])).toBe(workers * 0.7);
  });

  it.skipIf(!hasKubectl())('renders to the manifests, with one metric more', () => {
    const text = execFileSync('kubectl', ['kustomize', overlay], { encoding: 'utf8' });
    const documents = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
    expect(documents).toHaveLength(manifests.length);
    const scaler = documents.find(({ kind }) => kind === 'HorizontalPodAutoscaler');
    expect(scaler?.spec.metrics).toHaveLength(2);
  });
});

function hasKubectl(): boolean {
  return spawnSync('kubectl', ['version', '--client']).status === 0;
}

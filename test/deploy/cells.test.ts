import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { ASSUMED, MEASURED } from '../../scripts/scaling/costs.ts';
import { CELLS, cellManifest, memoryOf, planFleet, planInstance } from '../../scripts/scaling/plan.ts';
import { loadConfig } from '../../src/config.ts';

const DIR = fileURLToPath(new URL('../../deploy/cells/', import.meta.url));

interface Patch {
  patch: string;
  target?: { kind: string; name: string };
}

interface Kustomization {
  kind: string;
  resources?: string[];
  components?: string[];
  patches: Patch[];
}

interface Container {
  name: string;
  args?: string[];
  resources: { requests: Record<string, string>; limits: Record<string, string> };
}

interface Metric {
  type: string;
  resource?: { target: { averageUtilization: number } };
  pods?: { metric: { name: string; selector: unknown }; target: { averageValue: string } };
}

interface Manifest {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec: {
    minReplicas?: number;
    maxReplicas?: number;
    maxUnavailable?: string;
    metrics?: Metric[];
    template?: { spec: { containers: Container[] } };
  };
}

function kustomization(folder: string): Kustomization {
  return parse(readFileSync(join(DIR, folder, 'kustomization.yaml'), 'utf8'), { strict: true });
}

/** Strategic patches of a folder and of what it builds on, as documents. */
function documents(folder: string): Manifest[] {
  return kustomization(folder)
    .patches.filter(({ target }) => !target)
    .map(({ patch }) => parse(patch, { strict: true }) as Manifest);
}

const one = (all: readonly Manifest[], kind: string, name = 'tiktok-downloader'): Manifest => {
  const found = all.filter((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (found.length !== 1 || !found[0]) throw new Error(`${found.length} of ${kind} ${name}`);
  return found[0];
};
const container = ({ spec }: Manifest): Container => {
  const [first] = spec.template?.spec.containers ?? [];
  if (!first) throw new Error('no container');
  return first;
};

const addedMetric = () => {
  const [patch] = kustomization('busy-workers').patches;
  const [operation] = parse(patch?.patch ?? '') as { op: string; path: string; value: Metric }[];
  return operation;
};

/** Kustomize itself, where it is installed. */
function build(folder: string): Manifest[] | null {
  try {
    const text = execFileSync('kubectl', ['kustomize', join(DIR, folder)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

describe('what cells have in common', () => {
  const { maxWorkers, maxQueue, busyWorkers, memoryRequest, memoryLimit } = cellManifest(10);
  const all = documents('common');

  it('is an instance as the model plans it', () => {
    const { data = {} } = one(all, 'ConfigMap');
    expect(data).toEqual({ MAX_WORKERS: String(maxWorkers), MAX_QUEUE: String(maxQueue) });
    expect(loadConfig(data).extraction).toMatchObject({ maxWorkers, maxQueue });
    expect(container(one(all, 'Deployment')).resources).toEqual({
      requests: { memory: `${memoryRequest}Mi` },
      limits: { memory: `${memoryLimit}Mi` },
    });
  });

  it('has memory for all workers and readers, within the request', () => {
    const { workers, readers } = planInstance();
    expect(memoryRequest * 2 ** 20).toBeGreaterThanOrEqual(memoryOf(workers, readers) * 1e6);
    expect(memoryLimit).toBeGreaterThan(memoryRequest);
  });

  it('scales by busy workers too', () => {
    expect(kustomization('common')).toMatchObject({ components: ['../busy-workers'] });
    expect(kustomization('busy-workers').kind).toBe('Component');
    expect(addedMetric()).toMatchObject({
      op: 'add',
      path: '/spec/metrics/-',
      value: {
        type: 'Pods',
        pods: {
          metric: { name: 'tiktok_workers', selector: { matchLabels: { state: 'active' } } },
          target: { type: 'AverageValue', averageValue: String(busyWorkers) },
        },
      },
    });
    const gauges = readFileSync(join(DIR, '../../src/metrics/state.ts'), 'utf8');
    expect(gauges).toMatch(/name: 'workers', .*labels: \['state'\]/);
  });

  it('is scaled by CPU before the main thread, which relays everything, is full', () => {
    const text = readFileSync(join(DIR, '../kubernetes/autoscaling.yaml'), 'utf8');
    const [metric] = (parse(text) as Manifest).spec.metrics ?? [];
    const utilization = (metric?.resource?.target.averageUtilization ?? 0) / 100;
    const deployment = parse(readFileSync(join(DIR, '../kubernetes/deployment.yaml'), 'utf8')) as Manifest;
    const request = Number(container(deployment).resources.requests.cpu);
    expect(utilization * request).toBeCloseTo(ASSUMED.podCores);
    expect(planInstance().main).toBeLessThanOrEqual(ASSUMED.podCores);
    expect(ASSUMED.podCores).toBeLessThan(0.8);
  });
});

describe.each(CELLS)('a cell for %s million posts a day', (millions) => {
  const expected = cellManifest(millions);
  const all = documents(`${millions}m`);

  it('has as many instances, and as much Redis, as the model wants', () => {
    expect(kustomization(`${millions}m`).resources).toEqual(['../common']);
    const { minReplicas, maxReplicas } = expected;
    expect(one(all, 'HorizontalPodAutoscaler').spec).toEqual({ minReplicas, maxReplicas });
    const { args = [], resources } = container(one(all, 'Deployment', 'tiktok-downloader-redis'));
    expect(args[args.indexOf('--maxmemory') + 1]).toBe(`${expected.redisMaxMemory}mb`);
    expect(resources).toEqual({
      requests: { cpu: `${expected.redisCpu}m`, memory: `${expected.redisMemory}Mi` },
      limits: { memory: `${expected.redisMemory}Mi` },
    });
  });

  it('keeps all posts for CACHE_TTL at the peak, on one core of Redis', () => {
    const { cells, redisBytes, redisCores, coldRate } = planFleet(millions);
    expect(cells).toBe(1);
    expect(expected.redisMaxMemory * 1e6).toBeGreaterThan(redisBytes);
    expect(redisBytes).toBeCloseTo(coldRate * 300 * MEASURED.redisBytesPerPost, -3);
    expect(redisCores).toBeLessThan(0.6);
  });

  it('changes what deploy/kubernetes has, and names nothing that it has not', () => {
    const base = join(DIR, '../kubernetes');
    const { resources } = parse(readFileSync(join(base, 'kustomization.yaml'), 'utf8')) as {
      resources: string[];
    };
    const known = resources
      .flatMap((name) => parseAllDocuments(readFileSync(join(base, name), 'utf8')))
      .map((document) => document.toJS() as Manifest);
    for (const { kind, metadata } of [...documents('common'), ...all]) one(known, kind, metadata.name);
    expect(existsSync(join(DIR, '../kubernetes/kustomization.yaml'))).toBe(true);
  });

  const built = build(`${millions}m`);
  it.skipIf(!built)('is what kustomize makes of it', () => {
    const made = built ?? [];
    const autoscaler = one(made, 'HorizontalPodAutoscaler').spec;
    expect(autoscaler.metrics).toHaveLength(2);
    expect(autoscaler.metrics?.[1]).toEqual(addedMetric()?.value);
    expect(autoscaler.maxReplicas).toBe(expected.maxReplicas);
    expect(one(made, 'ConfigMap').data).toMatchObject({ MAX_WORKERS: String(expected.maxWorkers) });
    expect(one(made, 'PodDisruptionBudget').spec.maxUnavailable).toBe('10%');
    const { name, resources } = container(one(made, 'Deployment'));
    expect(name).toBe('service');
    expect(resources.requests).toMatchObject({ cpu: '1', memory: `${expected.memoryRequest}Mi` });
    const redis = container(one(made, 'Deployment', 'tiktok-downloader-redis'));
    expect(redis.args).toContain(`${expected.redisMaxMemory}mb`);
  });
});

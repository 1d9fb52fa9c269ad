import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const DIR = join(import.meta.dirname, '../../.github/workflows');

interface Step {
  if?: string;
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
}

interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<string, { needs?: string[]; permissions?: Record<string, string>; steps: Step[] }>;
}

describe.each(readdirSync(DIR))('.github/workflows/%s', (name) => {
  const text = readFileSync(join(DIR, name), 'utf8');
  const { permissions, jobs } = parse(text) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps);

  it('uses actions at one commit each, with its version beside it', () => {
    const uses = [...text.matchAll(/uses: (.*)/g)].map(([, value]) => value);
    expect(uses.length).toBeGreaterThan(0);
    for (const one of uses) expect(one).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('may write packages only where the image is published, and only for a tag', () => {
    expect(permissions).toEqual({ contents: 'read' });
    for (const [job, { permissions: own, needs }] of Object.entries(jobs)) {
      if (job === 'image')
        expect([own, needs]).toEqual([{ contents: 'read', packages: 'write' }, ['lint', 'test']]);
      else expect(own).toBeUndefined();
    }
    const pushes = steps.filter((step) => step.with?.push !== undefined);
    expect(pushes.map((step) => step.with)).toEqual([
      expect.objectContaining({
        push: expect.stringContaining("github.ref_type == 'tag'"),
        platforms: 'linux/amd64,linux/arm64',
        provenance: 'mode=max',
        sbom: true,
      }),
    ]);
  });

  it('runs scripts of package.json that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(DIR, '../../package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const used = steps.flatMap(({ run = '' }) => [
      ...run.matchAll(/^npm (?:run )?(lint|typecheck|test\S*)/gm),
    ]);
    expect(used.map(([, script = '']) => script).sort()).toEqual(['lint', 'test', 'typecheck']);
    for (const [, script = ''] of used) expect(scripts).toHaveProperty(script);
  });
});

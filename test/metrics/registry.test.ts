import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { readCounter, readGauge, type Sample } from '../../src/metrics/registry.ts';

it('omits a gauge without labels while it has no value', async () => {
  const registry = new Registry();
  let samples: Sample<never>[] = [[{}, 7]];
  readGauge(registry, { name: 'optional_bytes', help: 'A test.' }, () => samples);
  expect(await registry.metrics()).toMatch(/^tiktok_optional_bytes 7$/m);
  samples = [];
  expect(await registry.metrics()).not.toMatch(/^tiktok_optional_bytes \d/m);
  samples = [[{}, 8]];
  expect(await registry.metrics()).toMatch(/^tiktok_optional_bytes 8$/m);
});

it('drops label values that no longer exist', async () => {
  const registry = new Registry();
  let names = ['a', 'b'];
  const read = () => names.map((name): Sample<'name'> => [{ name }, 1]);
  readGauge(registry, { name: 'labelled', help: 'A test.', labels: ['name'] }, read);
  expect(await registry.metrics()).toContain('name="b"');
  names = ['a'];
  expect(await registry.metrics()).not.toContain('name="b"');
});

it('shows a counter at its owner’s value', async () => {
  const registry = new Registry();
  let total = 3;
  readCounter(registry, { name: 'things_total', help: 'A test.' }, () => total);
  expect(await registry.metrics()).toMatch(/^tiktok_things_total 3$/m);
  total = 5;
  expect(await registry.metrics()).toMatch(/^tiktok_things_total 5$/m);
});

import { describe, expect, it } from 'vitest';
import { Egresses } from '../../src/egress/index.ts';
import { Secret } from '../../src/secret.ts';

const proxies = ['http://user:pw4711@one:3128', 'socks5://two:1080'].map((url) => new Secret(url));

describe('the ways out', () => {
  it('are one, straight, without proxies', () => {
    expect(new Egresses([]).all).toEqual([{ id: 'direct', label: 'direct', proxy: null }]);
  });

  it('take turns', () => {
    const egresses = new Egresses(proxies);
    const picked = [1, 2, 3, 4].map(() => egresses.pick().label);
    expect(picked).toEqual(['one:3128', 'two:1080', 'one:3128', 'two:1080']);
  });

  it('have the same ids on every instance, whatever their order', () => {
    const ids = (list: Secret[]) => new Egresses(list).all.map(({ id }) => id).sort();
    expect(ids(proxies)).toEqual(ids([...proxies].reverse()));
  });

  it('are found by their id', () => {
    const egresses = new Egresses(proxies);
    expect(egresses.all.map(({ id }) => egresses.byId(id))).toEqual(egresses.all);
  });

  it('give another where the id is of no way that is left', () => {
    const egresses = new Egresses(proxies);
    expect(egresses.all).toContain(egresses.byId('gone'));
  });

  it('have labels and ids without credentials', () => {
    const shown = JSON.stringify(new Egresses(proxies).all);
    expect(shown).not.toMatch(/user|pw4711/);
  });
});

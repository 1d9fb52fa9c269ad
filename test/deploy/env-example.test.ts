import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse as parseDotenv } from 'dotenv';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';

const file = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const text = readFileSync(file('.env.example'), 'utf8');
const [ofService = '', ofCompose = ''] = text.split(/^# === .*$/m);

/** All variables with the values that the file gives them, whether commented out or not. */
const given = (part: string) => parseDotenv(part.replaceAll(/^#(?=[A-Z_\d]+=)/gm, ''));
const example = given(ofService);

/** Names that the service's schema knows, read from its source: the object itself is nobody else's business. */
function schemaNames(): string[] {
  const source = readFileSync(file('src/config.ts'), 'utf8');
  const schema = /^const schema = z\.object\(\{\n([\s\S]*?)^\}\);/m.exec(source)?.[1] ?? '';
  return [...schema.matchAll(/^ {2}([A-Z][A-Z_\d]+):/gm)].map((match) => String(match[1]));
}

describe('.env.example', () => {
  it('names every variable of the service, and no other', () => {
    expect(schemaNames().length).toBeGreaterThan(25);
    expect(Object.keys(example).sort()).toEqual(schemaNames().sort());
  });

  it('names each once', () => {
    const names = [...text.matchAll(/^#?([A-Z_\d]+)=/gm)].map((match) => match[1]);
    expect(names).toHaveLength(new Set(names).size);
  });

  it('gives the values that hold without it', () => {
    expect(loadConfig(example)).toEqual(loadConfig({}));
  });

  it('says something of every variable before it', () => {
    for (const name of Object.keys(given(text))) {
      const before = text.slice(0, text.search(new RegExp(`^#?${name}=`, 'm')));
      // Its own comment, or that of the variables in one block with it.
      expect(before.trimEnd().split('\n').at(-1), name).toMatch(/^#( |[A-Z_\d]+=)|^[A-Z_\d]+=/);
    }
  });

  it('holds no secret, and can be used as it is', () => {
    const set = parseDotenv(text);
    expect(Object.values(set).filter(Boolean)).toEqual([]);
    expect(loadConfig(set)).toEqual(loadConfig({}));
  });

  it('has every variable that the compose files ask for', () => {
    const names = new Set(Object.keys({ ...example, ...given(ofCompose) }));
    for (const name of ['docker-compose.yml', 'docker-compose.no-vpn.yml', 'deploy/compose/common.yml']) {
      for (const [, variable = ''] of readFileSync(file(name), 'utf8').matchAll(/\$\{([A-Z_\d]+)/g)) {
        expect([...names], name).toContain(variable);
      }
    }
  });
});

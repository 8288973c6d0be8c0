import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseClusterConfig } from '#cluster/config/config.ts';
import { providers } from '../../src/program/providers.ts';
import { configMeanings, meaningKey } from '../../tool/config-meanings.ts';
import { configKeys } from '../../tool/reference.ts';

const path = join(import.meta.dirname, '../../docs/reference/cluster.example.yaml');
const text = readFileSync(path, 'utf8');

test('the complete example is a file that isthmus up takes', () => {
  const env = { UCLOUD_PUBLIC_KEY: 'a', UCLOUD_PRIVATE_KEY: 'b', HOME: '/root' };
  const parsed = parseClusterConfig(text, path, { env, providers });
  expect(parsed.ok ? [] : parsed.failure).toEqual([]);
});

test('the complete example has every key of the schema', () => {
  const written = new Set(keysOf(parse(text), ''));
  const known = knownKeys();
  expect(known.length).toBeGreaterThan(30);
  expect(known.filter((key) => !written.has(key))).toEqual([]);
});

test('every key of the schema has a meaning in the reference, and nothing else has', () => {
  expect(new Set(Object.keys(configMeanings))).toEqual(new Set(knownKeys()));
});

/** SSH access has the same keys wherever it is written. */
function knownKeys(): readonly string[] {
  return [...new Set(configKeys().map(meaningKey))];
}

/** Each key with all that lie in it, `machines[].ssh` for one of a list. */
function keysOf(value: unknown, at: string): readonly string[] {
  if (Array.isArray(value)) return [at, ...value.flatMap((one) => keysOf(one, `${at}[]`))];
  if (value === null || typeof value !== 'object') return [at];
  const inner = Object.entries(value).flatMap(([key, part]) => keysOf(part, at === '' ? key : `${at}.${key}`));
  return [at, ...inner];
}

import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fail, ok } from '#unit/result.ts';
import type { ClusterConfig } from './config.ts';
import { type ConfigFile, planConfigChange } from './config-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-config-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

const words = { doing: 'without b', byHand: 'take b out yourself' };
const config = { name: 'shop' } as ClusterConfig;

/** A file that a person keeps elsewhere, and names by a link. */
function fileOf(text: string, parse: ConfigFile['parse'] = () => ok(config)): ConfigFile {
  const real = join(folder, 'kept.yaml');
  const path = join(folder, 'cluster.yaml');
  writeFileSync(real, text);
  chmodSync(real, 0o640);
  rmSync(path, { force: true });
  symlinkSync('kept.yaml', path);
  return { name: 'cluster.yaml', path, text, parse, check: async () => [] };
}

test('a change is shown by its lines, and made where the file really lies, with its permissions', async () => {
  const file = fileOf('a\nb\n');
  const change = await planConfigChange(file, ok('a\n'), words);
  expect({ config: change.config, lines: change.lines }).toEqual({ config, lines: ['change cluster.yaml:', '  - b'] });
  expect(readFileSync(file.path, 'utf8')).toBe('a\nb\n');
  await change.save();
  const real = join(folder, 'kept.yaml');
  expect([readFileSync(real, 'utf8'), readFileSync(file.path, 'utf8')]).toEqual(['a\n', 'a\n']);
  expect(statSync(real).mode & 0o777).toBe(0o640);
});

test('a file that somebody has changed meanwhile is left as it is', async () => {
  const file = fileOf('a\nb\n');
  const change = await planConfigChange(file, ok('a\n'), words);
  writeFileSync(file.path, 'a\nb\nc\n');
  await expect(change.save()).rejects.toThrow(
    'cluster.yaml was changed while this command ran, so it was left as it is; run the command again',
  );
  expect(readFileSync(file.path, 'utf8')).toBe('a\nb\nc\n');
});

test('a form that cannot be changed by a program is refused with what a person does', async () => {
  await expect(planConfigChange(fileOf('a\n'), fail('its form is odd'), words)).rejects.toThrow(
    'cluster.yaml cannot be changed by this program: its form is odd; take b out yourself',
  );
});

test('a file that would have faults then is refused with each of them', async () => {
  const fault = { path: 'cloudMachines', line: 3, value: undefined, problem: 'must list one', example: undefined };
  const file = fileOf('a\n', () => fail([fault, { ...fault, path: 'machines' }]));
  await expect(planConfigChange(file, ok(''), words)).rejects.toThrow(
    'cluster.yaml without b would have faults:\ncluster.yaml:3: cloudMachines: must list one\ncluster.yaml:3: machines: must list one',
  );
});

test('what cannot be used on this computer is a fault of the file too', async () => {
  const fault = {
    path: 'machines[0].ssh.key',
    line: undefined,
    value: '/k',
    problem: 'cannot be read',
    example: undefined,
  };
  const file = { ...fileOf('a\n'), check: async (seen: ClusterConfig) => (seen === config ? [fault] : []) };
  await expect(planConfigChange(file, ok('b\n'), words)).rejects.toThrow(
    'cluster.yaml without b would have faults:\ncluster.yaml: machines[0].ssh.key: /k cannot be read',
  );
});

test('a file that is gone or cannot be written is refused with what a person does', async () => {
  const file = fileOf('a\n');
  rmSync(join(folder, 'kept.yaml'));
  await expect(planConfigChange(file, ok(''), words)).rejects.toThrow(
    /^cluster\.yaml cannot be written \(ENOENT: .*\); take b out yourself$/,
  );
});

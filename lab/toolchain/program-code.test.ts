import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOfSources, madeOf } from './program-code.ts';

let project: string;
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'sources-'));
  for (const folder of ['src/unit', 'node_modules']) await mkdir(join(project, folder), { recursive: true });
  for (const path of ['src/unit/ip.ts', 'src/unit/ip.test.ts', 'src/crds.json', 'package.json'])
    await writeFile(join(project, path), 'before');
  await writeFile(join(project, 'node_modules/.package-lock.json'), 'before');
});
afterEach(() => rm(project, { recursive: true }));

test.each(['src/unit/ip.ts', 'src/unit/new.ts', 'src/crds.json', 'package.json', 'node_modules/.package-lock.json'])(
  'programs are bundled again after a change of %s',
  async (path) => {
    const before = await digestOfSources(project);
    await writeFile(join(project, path), 'after');
    expect(await digestOfSources(project)).not.toBe(before);
  },
);

test('programs are not bundled again after a change of tests', async () => {
  const before = await digestOfSources(project);
  await writeFile(join(project, 'src/unit/ip.test.ts'), 'after');
  await writeFile(join(project, 'src/unit/new.test.ts'), 'after');
  expect(await digestOfSources(project)).toBe(before);
});

test('text that moves from one source to the next makes another bundle', async () => {
  await writeFile(join(project, 'src/a.ts'), 'one two');
  await writeFile(join(project, 'src/b.ts'), '');
  const before = await digestOfSources(project);
  await writeFile(join(project, 'src/a.ts'), 'one ');
  await writeFile(join(project, 'src/b.ts'), 'two');
  expect(await digestOfSources(project)).not.toBe(before);
});

test('a source that is changed while programs are bundled does not make a bundle that later runs take for that of the old sources', async () => {
  const digest = await digestOfSources(project);
  const edit = (): Promise<void> => writeFile(join(project, 'src/unit/ip.ts'), 'after');
  await expect(madeOf(digest, project, edit)).rejects.toThrow(
    'sources were changed while the programs were bundled; run the same command again',
  );
  await madeOf(await digestOfSources(project), project, edit);
});

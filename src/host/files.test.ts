import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { explainUnreadable, readIfThere, writeWhole } from './files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isttest-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

test.each([
  ['none', 'no such file'],
  ['file/below', 'no such file: a part of its path is no folder'],
  ['.', 'is a folder'],
])('who names %s, which cannot be read, is told in words: %s', async (name, why) => {
  await writeFile(join(folder, 'file'), '');
  await expect(readFile(join(folder, name), 'utf8').catch(explainUnreadable)).resolves.toBe(why);
});

test('a file is there whole and with its mode, whatever a process that was killed left beside it', async () => {
  const path = join(folder, 'deep/er/secret');
  await writeWhole(path, 'first', { mode: 0o600, folderMode: 0o700 });
  expect(await modeOf(join(folder, 'deep'))).toBe(0o700);
  await writeFile(`${path}.new`, 'torn');
  await chmod(`${path}.new`, 0o666);
  await writeWhole(path, new TextEncoder().encode('second'), 0o600);
  expect(await readFile(path, 'utf8')).toBe('second');
  expect(await modeOf(path)).toBe(0o600);
  expect(await readdir(join(folder, 'deep/er'))).toEqual(['secret']);
});

test('the mode is exact, also where the umask would take something away', async () => {
  const before = process.umask(0o077);
  try {
    await writeWhole(join(folder, 'plugin'), 'x', { mode: 0o755, sync: false });
  } finally {
    process.umask(before);
  }
  expect(await modeOf(join(folder, 'plugin'))).toBe(0o755);
});

test('a file that cannot be put in place leaves nothing beside it', async () => {
  const path = join(folder, 'taken');
  await mkdir(join(path, 'by-a-folder'), { recursive: true });
  await expect(writeWhole(path, 'x', 0o600)).rejects.toThrow('taken');
  expect(await readdir(path)).toEqual(['by-a-folder']);
  expect(await readdir(folder)).not.toContain('taken.new');
});

test('a file that is missing has no text, any other trouble is told', async () => {
  expect(await readIfThere(join(folder, 'none'))).toBeUndefined();
  await expect(readIfThere(folder)).rejects.toThrow('EISDIR');
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lockName } from './lock.ts';
import { emptyFolder } from './reset.ts';

const at = mkdtempSync(join(tmpdir(), 'isthmus-reset-'));
afterAll(() => rmSync(at, { recursive: true }));

test('what is mounted in a folder that a reset empties keeps its files: a file share, say, whose driver was killed while it worked in it', () => {
  const folder = join(at, 'run');
  const share = join(at, 'share');
  mkdirSync(share);
  writeFileSync(join(share, 'order.db'), 'of somebody');
  for (const name of ['shares/ufs-1', 'a b', 'net.d']) mkdirSync(join(folder, name), { recursive: true });
  for (const name of ['net.d/00-isthmus.conflist', lockName]) writeFileSync(join(folder, name), '');
  // On the same file system: no limit to one of them would keep its files.
  const mounts = ['shares/ufs-1', 'a b'].map((name) => `mount --bind '${share}' '${join(folder, name)}'`);
  const script = [...mounts, emptyFolder(folder, lockName)].join('\n');
  execFileSync('unshare', ['--mount', 'sh', '-ec', script], { timeout: 20_000 });
  expect({ share: readdirSync(share), folder: readdirSync(folder) }).toEqual({
    share: ['order.db'],
    folder: [lockName],
  });
});

import { expect, test } from 'vitest';
import type { CloudResult } from '#cloud/failure.ts';
import { fail, ok } from '#unit/result.ts';
import type { Session } from '../session.ts';
import { tellKeptVolumes } from './kept-volumes.ts';

const denied = fail({ kind: 'denied', raw: { action: 'DescribeUDisk', code: '299', message: 'not allowed' } } as const);
const listing = (...ids: readonly string[]) => ok(ids.map((id) => ({ id })));

async function said(
  disks: CloudResult<unknown>,
  snapshots: CloudResult<unknown>,
  { uses = true, shares = ok([]) }: { readonly uses?: boolean; readonly shares?: CloudResult<unknown> } = {},
) {
  const lines: string[] = [];
  const session = {
    config: { name: 'shop', storage: { cloudDisks: uses, fileShares: uses } },
    cloud: {
      disks: { list: async () => disks },
      snapshots: { list: async () => snapshots },
      fileShares: { list: async () => shares },
    },
    report: { say: (line: string) => lines.push(line) },
  };
  await tellKeptVolumes(session as unknown as Session);
  return lines;
}

test('disks and snapshots that stay are told, because they hold data and are billed', async () => {
  expect(await said(listing('bs-1'), listing())).toEqual([
    "volumes stay in the cloud: 1 disk (bs-1); they hold data and are billed: delete them in the provider's console when nobody needs them",
  ]);
  const [line] = await said(listing('bs-1', 'bs-2', 'bs-3', 'bs-4'), listing('snap-1'));
  expect(line).toContain('4 disks (bs-1, bs-2, bs-3 and 1 more), 1 snapshot (snap-1)');
  const [files] = await said(listing(), listing(), { shares: listing('ufs-1') });
  expect(files).toContain('volumes stay in the cloud: 1 file share (ufs-1); ');
});

test('nothing is told where nothing stays', async () => {
  expect(await said(listing(), listing())).toEqual([]);
});

test('keys that may not see disks or file shares are told only where the cluster has them', async () => {
  expect(await said(denied, listing())).toEqual([
    'cannot check whether disks of volumes are left in the cloud: DescribeUDisk: denied: not allowed [299]',
  ]);
  expect(await said(listing(), listing(), { shares: denied })).toEqual([
    'cannot check whether file shares of volumes are left in the cloud: DescribeUDisk: denied: not allowed [299]',
  ]);
  expect(await said(denied, denied, { uses: false, shares: denied })).toEqual([]);
});

import type { PoolsSeen } from './local-volumes.ts';
import { explainDisk, explainFolder } from './plan-room.ts';

/** What keeps folders and disks that a machine gives to volumes from taking any, one sentence each with its cure; empty when all is well. */
export function explainPools({ folders, disks, strange }: PoolsSeen): readonly string[] {
  return [
    ...folders.filter((folder) => folder.is === 'closed').map(explainFolder),
    ...disks.filter((disk) => disk.is === 'closed').map(explainDisk),
    ...strange,
  ];
}

import type { PoolsSeen } from './local-volumes.ts';
import { explainDisk, explainFolder, explainFull } from './plan-room.ts';
import type { PoolReason } from './reasons.ts';

export interface PoolFault {
  readonly reason: PoolReason;
  /** One sentence with its cure. */
  readonly message: string;
}

/** What keeps folders and disks that a machine gives to volumes from taking any; empty when all is well. */
export function explainPools({ folders, disks, strange }: PoolsSeen): readonly PoolFault[] {
  return [
    ...folders.flatMap((folder): readonly PoolFault[] => {
      if (folder.is === 'closed') return [{ reason: 'FolderUnusable', message: explainFolder(folder) }];
      const full = explainFull(folder);
      return full === undefined ? [] : [{ reason: 'FolderFull', message: full }];
    }),
    ...disks.flatMap((disk): readonly PoolFault[] =>
      disk.is === 'closed' ? [{ reason: 'DiskUnusable', message: explainDisk(disk) }] : [],
    ),
    ...strange.map((message): PoolFault => ({ reason: 'StrangeFiles', message })),
  ];
}

/** What is said of a machine's folders and disks on its Node. */
export interface PoolsSaid extends PoolFault {
  readonly status: 'True' | 'False';
}

/**
 * What is to be said of what was seen.
 * @shape `undefined` for a machine that gives nothing and has no volumes: then nothing is said of it
 */
export function sayPools(seen: PoolsSeen): PoolsSaid | undefined {
  const { folders, disks } = seen;
  const faults = explainPools(seen);
  const [first] = faults;
  if (first !== undefined)
    return { status: 'False', reason: first.reason, message: faults.map(({ message }) => message).join('; ') };
  const all = [...folders.map(explainFolder), ...disks.map(explainDisk)];
  return all.length === 0 ? undefined : { status: 'True', reason: 'Usable', message: all.join('; ') };
}

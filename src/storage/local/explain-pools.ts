import type { PoolsSeen } from './local-volumes.ts';
import { formatLeft, type LeftVolume } from './plan-left.ts';
import { explainDisk, explainFolder, explainFull } from './plan-room.ts';
import type { PoolReason } from './reasons.ts';

export interface PoolFault {
  readonly reason: PoolReason;
  /** One sentence with its cure. */
  readonly message: string;
}

/** A machine's folders and disks for volumes, and its volumes that nobody can use any more. */
export type LocalSeen = PoolsSeen & { readonly left: readonly LeftVolume[] };

/** What is wrong with folders and disks that a machine gives to volumes, and with what is in them; empty when all is well. */
export function explainPools({ folders, disks, strange, left }: LocalSeen): readonly PoolFault[] {
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
    ...explainLeft(left).map((message): PoolFault => ({ reason: 'LeftBehind', message })),
  ];
}

/** A Node is no place for hundreds: it is written whenever its kubelet says something, and sent to all who watch Nodes. */
const mostLeft = 20;

function explainLeft(left: readonly LeftVolume[]): readonly string[] {
  const told = left.slice(0, mostLeft).map(formatLeft);
  const others = left.length - told.length;
  return others > 0
    ? [...told, `${others} more volumes have no PersistentVolume, and are told when these are kept`]
    : told;
}

/** What is said of a machine's folders and disks on its Node. */
export interface PoolsSaid extends PoolFault {
  readonly status: 'True' | 'False';
}

/**
 * What is to be said of what was seen.
 * @shape `undefined` for a machine that gives nothing and has no volumes: then nothing is said of it
 */
export function sayPools(seen: LocalSeen): PoolsSaid | undefined {
  const { folders, disks } = seen;
  const faults = explainPools(seen);
  const [first] = faults;
  if (first !== undefined)
    return { status: 'False', reason: first.reason, message: faults.map(({ message }) => message).join('; ') };
  const all = [...folders.map(explainFolder), ...disks.map(explainDisk)];
  return all.length === 0 ? undefined : { status: 'True', reason: 'Usable', message: all.join('; ') };
}

import type { CloudObject, Product } from '../gateway/product.ts';
import { attachmentActions } from './attachment.ts';
import type { UdiskCloud, UdiskSeen } from './cloud.ts';
import { copyActions } from './copy.ts';
import { diskActions } from './disk.ts';
import { statusOf } from './form.ts';
import { udiskLimits } from './limits.ts';
import { rememberUdisk } from './remember.ts';
import { snapshotServiceActions } from './snapshot-service.ts';
import type { UdiskState } from './state.ts';
import { createUdiskWorks } from './work.ts';
import type { UdiskWorld } from './world.ts';

/** Disks of the network, and snapshots of them. */
export const udisk = {
  newState: (): UdiskState => ({ udisks: [], snapshots: [], snapshotServices: [] }),
  limits: udiskLimits,
  actions: { ...diskActions, ...attachmentActions, ...copyActions, ...snapshotServiceActions },
  work: createUdiskWorks,
  objects: ({ udisks, snapshots }: UdiskState): readonly CloudObject[] => [
    ...udisks.map((disk) => ({
      kind: 'disk',
      id: disk.id,
      name: disk.name,
      state: [`${statusOf(disk)}, ${disk.sizeGib} GB`, disk.trouble].filter(Boolean).join(': '),
      where: disk.attachments.map(({ machine, device }) => `${device} of ${machine}`).join(', '),
      labelType: 'udisk',
    })),
    ...snapshots.map(({ id, name, at, trouble, disk }) => ({
      kind: 'snapshot',
      id,
      name,
      state: [at, trouble].filter(Boolean).join(': '),
      where: `of ${disk}`,
    })),
  ],
  remember: rememberUdisk,
} satisfies Product<UdiskSeen, UdiskWorld, unknown, UdiskCloud>;

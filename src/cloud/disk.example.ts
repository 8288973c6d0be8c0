import { gibi } from '#unit/bytes.ts';
import type { CloudDisk } from './disk.ts';

/** A disk for tests: one of a claim, made of nothing and attached to no machine. */
export const exampleDisk: CloudDisk = {
  id: 'bsr-1',
  serial: 'bsr-1',
  mark: 'shop',
  owner: 'pvc-1',
  zone: 'cn-bj2-04',
  kind: 'ssd',
  size: gibi(20),
  createdAt: 1,
  state: 'free',
  machine: undefined,
  cluster: undefined,
  source: '',
  snapshots: { count: 0, most: 3, can: false },
  charge: undefined,
  encryptionKey: undefined,
};

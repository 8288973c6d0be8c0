import type { CloudDisk } from '#cloud/disk.ts';
import { ok } from '#unit/result.ts';
import type { DoctorCloud } from '../../src/storage/doctor/doctor.ts';

/** A cloud in which every disk is in one zone, for a cluster that makes neither disks nor file shares there. */
export const whereDisksAre: DoctorCloud = {
  disks: { find: async () => ok({ zone: 'cn-bj2-04' } as CloudDisk), list: async () => ok([]) },
  shares: { list: async () => ok([]), mountPoints: async () => ok([]) },
  makes: { disks: false, shares: false },
  mark: 'shop',
  region: 'cn-bj2',
  place: { vpc: 'uvnet-1', subnet: 'subnet-1' },
};

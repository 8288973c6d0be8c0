import type { Disks, Snapshots } from '#cloud/disk.ts';
import type { DiskWatch } from '#cloud/disk-watch.ts';
import type { Intents } from './intents.ts';

export interface DiskControllerOptions {
  readonly cloud: { readonly disks: Disks; readonly snapshots: Snapshots };
  /** Of the disks of the same mark. */
  readonly watch: DiskWatch;
  readonly mark: string;
  readonly region: string;
  /** Where a disk is made when nothing says where. */
  readonly zone: string;
  readonly intents: Intents;
  /** The cloud machine that the scheduler has chosen for a claim; `undefined` when it has not, or the claim is gone. */
  readonly machineFor: (claim: { readonly namespace: string; readonly name: string }) => Promise<string | undefined>;
}

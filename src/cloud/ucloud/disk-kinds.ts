import { type Bytes, gibi } from '#unit/bytes.ts';
import type { DiskKind } from '../disk.ts';

/** What UCloud calls a kind where a disk is made, where it is listed, and in the list of snapshots, where some have no number. */
interface KindNames {
  readonly made: string;
  readonly listed: string;
  readonly snapshot: number | undefined;
}

/** @source UCloud API reference, CreateUDisk (DiskType), DescribeUDisk (DiskType with ProtocolVersion 1), DescribeUDiskSnapshot (DiskType) */
const names: Readonly<Record<string, KindNames>> = {
  sata: { made: 'DataDisk', listed: 'CLOUD_NORMAL', snapshot: 0 },
  ssd: { made: 'SSDDataDisk', listed: 'CLOUD_SSD', snapshot: 2 },
  essd: { made: 'ESSDDataDisk', listed: 'CLOUD_ESSD', snapshot: undefined },
  rssd: { made: 'RSSDDataDisk', listed: 'CLOUD_RSSD', snapshot: 4 },
  erssd: { made: 'ERSSDDataDisk', listed: 'CLOUD_ERSSD', snapshot: undefined },
  efficiency: { made: 'EfficiencyDataDisk', listed: 'CLOUD_EFFICIENCY', snapshot: undefined },
};

/** UCloud sells from 1 GB on, and bills in steps of 10: what is paid is also given. @source UCloud API reference, CreateUDisk (Size) */
const step = gibi(10);
const upTo8000 = { least: step, most: gibi(8000), step, hasClusters: false };
const upTo32000 = { ...upTo8000, most: gibi(32_000) };

/** By the names that the parameter `type` of UK8S's StorageClasses has. @source UCloud product manual of UK8S, UDisk volumes */
export const diskKinds: Readonly<Record<string, DiskKind>> = {
  sata: upTo8000,
  ssd: upTo8000,
  essd: upTo8000,
  rssd: { ...upTo32000, hasClusters: true },
  erssd: upTo32000,
  efficiency: upTo32000,
};

/** What CreateUDisk calls it. */
export function nameOfKind(kind: string): string | undefined {
  return names[kind]?.made;
}

/** The kind that DescribeUDisk names so. */
export function kindListedAs(listed: string | undefined): string | undefined {
  return kindWhere((one) => one.listed === listed);
}

/** The kind that DescribeUDiskSnapshot numbers so. */
export function kindOfSnapshot(number: number | undefined): string | undefined {
  return number === undefined ? undefined : kindWhere((one) => one.snapshot === number);
}

function kindWhere(isIt: (one: KindNames) => boolean): string | undefined {
  return Object.entries(names).find(([, one]) => isIt(one))?.[0];
}

/** GB as UDisk counts them, which are GiB. */
export function gibOf(size: Bytes): number {
  return size / gibi(1);
}

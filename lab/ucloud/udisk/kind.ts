interface Kind {
  /** As ProtocolVersion 1 names it; whether it is a boot disk is told apart. */
  readonly type: string;
  /** As ProtocolVersion 0 names a boot disk of it. */
  readonly boot: string;
  readonly mostGib: number;
  readonly idPrefix: string;
  /** As a snapshot tells it. */
  readonly number: number;
  /** Whether it is attached within one RDMA cluster only. */
  readonly hasCluster: boolean;
}

const local = { mostGib: 8000, idPrefix: 'bs', hasCluster: false } as const;

/**
 * The kinds of data disks, by the names that ProtocolVersion 0 has for them.
 * @source UCloud API reference, udisk-api CreateUDisk and DescribeUDisk; numbers: DescribeUDiskSnapshot, which has six
 */
export const diskKinds = {
  DataDisk: { ...local, type: 'CLOUD_NORMAL', boot: 'SystemDisk', number: 0 },
  SSDDataDisk: { ...local, type: 'CLOUD_SSD', boot: 'SSDSystemDisk', number: 2 },
  ESSDDataDisk: { ...local, type: 'CLOUD_ESSD', boot: 'ESSDSystemDisk', number: 2 },
  RSSDDataDisk: {
    type: 'CLOUD_RSSD',
    boot: 'RSSDSystemDisk',
    number: 4,
    mostGib: 32_000,
    idPrefix: 'bsr',
    hasCluster: true,
  },
  ERSSDDataDisk: { ...local, type: 'CLOUD_ERSSD', boot: 'ERSSDSystemDisk', number: 4, mostGib: 32_000 },
  EfficiencyDataDisk: { ...local, type: 'CLOUD_EFFICIENCY', boot: 'EfficiencySystemDisk', number: 0, mostGib: 32_000 },
} as const satisfies Record<string, Kind>;

export type DiskKind = keyof typeof diskKinds;
export const kindNames = Object.keys(diskKinds) as [DiskKind, ...DiskKind[]];

/** Of what CreateUHostInstance calls `CLOUD_SSD`; `undefined` for a disk that lies in the machine. */
export function kindOfType(type: string): DiskKind | undefined {
  return kindNames.find((kind) => diskKinds[kind].type === type);
}

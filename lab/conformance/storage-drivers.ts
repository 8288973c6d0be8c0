import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Side } from './pods-on.ts';

/** A driver of ours, as upstream's storage tests want to be told of it. */
export interface TestedDriver {
  /** As the CSIDriver is called. */
  readonly name: string;
  /** On which side of the line its volumes can be used. */
  readonly ground: Side;
  /** What `driverDefinition` of upstream's tests holds, beside the name and a class from a file. */
  readonly definition: DriverDefinition;
  /** Parameters of a class that is written for the tests; without them the definition names one that the cluster has. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Parts of names of specs that take for granted that the driver is on every node. They run while only nodes of its side take pods. */
  readonly oneSided: readonly string[];
}

/** @source test/e2e/storage/external/external.go, driverDefinition; test/e2e/storage/framework/testdriver.go, DriverInfo */
interface DriverDefinition {
  readonly StorageClass?: { readonly FromExistingClassName: string };
  readonly SnapshotClass?: { readonly FromExistingClassName: string };
  readonly DriverInfo: {
    readonly Capabilities: Readonly<Record<string, boolean>>;
    /** `''`: whatever the driver makes when nothing is asked for. */
    readonly SupportedFsType: Readonly<Record<string, object>>;
    readonly SupportedMountOption: Readonly<Record<string, object>>;
    readonly SupportedSizeRange: { readonly Min: string; readonly Step: string };
    /** @unit bytes */
    readonly MaxFileSize: number;
    readonly TopologyKeys?: readonly string[];
    readonly StressTestOptions: { readonly NumPods: number; readonly NumRestarts: number };
    readonly VolumeSnapshotStressTestOptions?: { readonly NumPods: number; readonly NumSnapshots: number };
  };
}

/** What every driver of ours can do. */
const common = {
  persistence: true,
  exec: true,
  fsGroup: true,
  multipods: true,
  readWriteOncePod: true,
  multiplePVsSameID: true,
  controllerExpansion: true,
  offlineExpansion: true,
  onlineExpansion: true,
  capacity: true,
};

const ofDisks = { ...common, block: true, nodeExpansion: true, topology: true };

const fileSystems = { '': {}, ext4: {}, xfs: {} };
/** The framework would otherwise write files of 1 GiB, which tells nothing more. */
const largestFile = 100 * 1024 ** 2;
const stress = { NumPods: 3, NumRestarts: 3 };

export const storageDrivers = {
  udisk: {
    name: 'udisk.csi.ucloud.cn',
    ground: 'cloud',
    definition: {
      SnapshotClass: { FromExistingClassName: 'cloud-disk' },
      DriverInfo: {
        Capabilities: { ...ofDisks, snapshotDataSource: true, pvcDataSource: true, volumeLimits: true },
        SupportedFsType: fileSystems,
        SupportedMountOption: { noatime: {} },
        SupportedSizeRange: { Min: '10Gi', Step: '10Gi' },
        MaxFileSize: largestFile,
        TopologyKeys: ['topology.udisk.csi.ucloud.cn/region', 'topology.udisk.csi.ucloud.cn/zone'],
        StressTestOptions: stress,
        // A disk has three snapshots at most.
        VolumeSnapshotStressTestOptions: { NumPods: 2, NumSnapshots: 2 },
      },
    },
    // As class cloud-disk, without its fsType, which the framework adds, and with what lets disks have snapshots.
    parameters: { type: 'ssd', chargeType: 'dynamic', snapshotService: 'true' },
    oneSided: ['topology should', 'volumeLimits should'],
  },
  ufs: {
    name: 'ufs.isthmus.dev',
    ground: 'cloud',
    definition: {
      StorageClass: { FromExistingClassName: 'cloud-files' },
      DriverInfo: {
        Capabilities: { ...common, RWX: true },
        SupportedFsType: { '': {} },
        SupportedMountOption: { noatime: {} },
        SupportedSizeRange: { Min: '100Gi', Step: '100Gi' },
        MaxFileSize: largestFile,
        StressTestOptions: stress,
      },
    },
    oneSided: [],
  },
  local: {
    name: 'local.isthmus.dev',
    ground: 'site',
    definition: {
      StorageClass: { FromExistingClassName: 'local' },
      DriverInfo: {
        Capabilities: { ...ofDisks, singleNodeVolume: true },
        SupportedFsType: fileSystems,
        SupportedMountOption: { noatime: {} },
        // mkfs.xfs makes none of less than 300 MiB.
        SupportedSizeRange: { Min: '320Mi', Step: '64Mi' },
        MaxFileSize: largestFile,
        TopologyKeys: ['topology.local.isthmus.dev/node'],
        StressTestOptions: stress,
      },
    },
    oneSided: ['topology should'],
  },
} as const satisfies Readonly<Record<string, TestedDriver>>;

export type StorageName = keyof typeof storageDrivers;
export const storageNames = Object.keys(storageDrivers) as StorageName[];

/**
 * Writes what upstream's tests are told of a driver.
 * @shape the path for `--storage.testdriver`
 */
export async function writeTestDriver(folder: string, driver: TestedDriver): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${driver.name}.yaml`);
  const storageClass = join(folder, `${driver.name}-class.yaml`);
  if (driver.parameters !== undefined) await writeFile(storageClass, stringify(classOf(driver)));
  await writeFile(file, stringify(definitionOf(driver, storageClass)));
  return file;
}

/** @param storageClass where the class lies that is written for the tests */
export function definitionOf({ name, definition, parameters }: TestedDriver, storageClass: string): object {
  return {
    ...definition,
    ...(parameters !== undefined && { StorageClass: { FromFile: storageClass } }),
    DriverInfo: { Name: name, ...definition.DriverInfo },
  };
}

function classOf({ name, parameters }: TestedDriver): object {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'tested' },
    provisioner: name,
    parameters,
    reclaimPolicy: 'Delete',
    allowVolumeExpansion: true,
    volumeBindingMode: 'WaitForFirstConsumer',
  };
}

/** What is run in one go. */
export interface Round {
  /** Regular expressions of Go's syntax on full names. */
  readonly focus: readonly string[];
  readonly skip: readonly string[];
  /** Whose nodes alone take new pods meanwhile; `undefined`: those of both sides. */
  readonly podsOn: Side | undefined;
  /** Only the specs that stop kubelet, one after the other, or only those that do not; `undefined`: both, as upstream orders them. */
  readonly disruptive?: boolean;
}

/**
 * The specs of a driver: nearly all of them with the whole cluster to choose from, where only what the driver and its volumes say keeps pods on the right
 * side.
 * @shape focus: only those of its specs whose names match, in one round; empty: all
 */
export function planRounds(
  { name, ground, oneSided }: TestedDriver,
  focus: readonly string[],
  podsOn: Side | undefined,
): readonly Round[] {
  const all = `External.Storage.*Driver: ${name.replaceAll('.', '\\.')}\\].*`;
  const asked = focus.length > 0 ? focus.map((pattern) => `${all}(?:${pattern})`) : [all];
  const sided = focus.length > 0 || podsOn !== undefined ? [] : oneSided.map((part) => `${all}${part}`);
  const round = { focus: asked, skip: sided, podsOn };
  return [
    { ...round, disruptive: false },
    ...(sided.length === 0 ? [] : [{ focus: sided, skip: [], podsOn: ground, disruptive: false }]),
    // Of two specs at once, one would stop the kubelet that the other one needs.
    { ...round, disruptive: true },
  ];
}

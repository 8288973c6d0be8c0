import type { RequestListener } from 'node:http';
import { cidr } from '#unit/ip.ts';
import { addresses } from '../fabric/addresses.ts';
import type { Fabric } from '../fabric/fabric.ts';
import type { State } from '../ucloud/products.ts';
import { createUcloud, type Ucloud } from '../ucloud/ucloud.ts';
import { newborn } from '../ucloud/uhost/machine-life.ts';
import type { MachineRecord } from '../ucloud/uhost/state.ts';
import { worldInterface } from '../ucloud/vpc/interface-work.ts';
import { gatewayOf, rangeOf, subnetOf } from '../ucloud/vpc/lookup.ts';
import type { InterfaceRecord } from '../ucloud/vpc/state.ts';
import { networkOf } from '../ucloud/vpc/world-network.ts';
import { createWorld, type WorldParts } from './cloud-world.ts';
import type { Ledger } from './ledger.ts';
import type { LabMachines } from './machines.ts';
import { planRecovery, type RecoveryStep } from './plan-recovery.ts';
import { cloudIds, type LabSettings } from './settings.ts';

/** The simulated cloud of a lab. Its state can be replaced while machines run. */
export interface LabCloud {
  readonly api: RequestListener;
  readonly metadata: RequestListener;
  /** The cloud as it is now; another one after `load`. */
  current(): Ucloud;
  /** Whether this machine runs by the ledger, and nobody is at work on it: whoever opened the cloud gives it power. */
  shouldRun(machine: string): boolean;
  /** Puts another ledger in place and makes the world as it says. @shape what was done to the world */
  load(state: State): Promise<readonly RecoveryStep[]>;
}

export interface LabCloudOptions extends WorldParts {
  readonly settings: LabSettings;
  readonly ledger: Ledger;
  readonly note: (entry: Readonly<Record<string, unknown>>) => void;
}

/** Opens the cloud with the ledger that is on disk, or with an empty one. */
export async function openLabCloud(options: LabCloudOptions): Promise<LabCloud> {
  const kept = await options.ledger.read();
  if (kept !== undefined) await recover(kept, options);
  let cloud = createCloud(options, kept);
  await options.ledger.keep(cloud.objects());
  return {
    api: (request, response) => cloud.api(request, response),
    metadata: (request, response) => cloud.metadata(request, response),
    current: () => cloud,
    shouldRun: (machine) =>
      cloud.objects().machines.some(({ id, destroyed, life }) => id === machine && !destroyed && runs(life)),
    async load(state) {
      await cloud.close();
      const wanted = structuredClone(state);
      const steps = await recover(wanted, options);
      await Promise.all(steps.filter(({ do: kind }) => kind === 'start').map((step) => perform(step, wanted, options)));
      cloud = createCloud(options, wanted);
      await options.ledger.keep(cloud.objects());
      return steps;
    },
  };
}

function runs({ state, job }: MachineRecord['life']): boolean {
  return state === 'Running' && job === undefined;
}

function createCloud(options: LabCloudOptions, restore: State | undefined): Ucloud {
  const { settings, ledger, note } = options;
  const { name, account, speed } = settings;
  return createUcloud({
    world: createWorld(options),
    account,
    vpc: {
      id: cloudIds.vpc,
      name,
      network: cidr(addresses.vpc),
      hybrid: [cidr(addresses.site), cidr(addresses.sitePods)],
      subnets: [{ id: cloudIds.subnet, name: 'nodes-and-pods', cidr: cidr(addresses.subnet) }],
    },
    images: [{ id: cloudIds.image, name: 'Debian 12 with containerd', sizeGib: 20 }],
    speed,
    seed: 1,
    log: (entry) => note({ cloud: entry }),
    keep: (state) =>
      ledger.keep(state).catch((cause: unknown) => note({ failed: 'keeping the ledger', cause: String(cause) })),
    ...(restore === undefined ? {} : { restore }),
  });
}

/**
 * Makes the world as the ledger says; where a machine has to be made anew the ledger is changed to say so. Power is for the caller,
 * and comes last: a machine's cables are made with the addresses that it has by then.
 */
async function recover(state: State, options: LabCloudOptions): Promise<readonly RecoveryStep[]> {
  const { machines, images, disks, shares, fabric, note, settings } = options;
  for (const record of state.machines) await openIfThere(record, state, machines);
  const there = machines.all().filter(({ card }) => card.kind === 'cloud');
  const steps = planRecovery(state, {
    withDisk: new Set(there.map(({ card }) => card.key)),
    on: new Set(there.filter(({ machine }) => machine.init() !== undefined).map(({ card }) => card.key)),
    attached: new Map(there.map(({ card }) => [card.key, fabric.attachedTo(card.key)])),
    images: images.all(),
    disks: disks.all(),
    snapshots: disks.snapshots(),
    plugged: disks.plugged(),
    shares: shares.all(),
    mountPoints: shares.open(),
    balancers: fabric.balancers.all(),
    given: fabric.given(),
  });
  for (const step of steps) note({ recovery: step });
  for (const step of steps) if (step.do !== 'start') await perform(step, state, options);
  await fabric.shapeVpc(networkOf(state, settings.account.region));
  return steps;
}

/** A machine of which there is a disk from before the server died. */
async function openIfThere(record: MachineRecord, state: State, machines: LabMachines): Promise<void> {
  if (record.destroyed || machines.find(record.id) !== undefined || !machines.hasDisk(record.id)) return;
  const range = rangeOf(subnetOf(record.subnet, state));
  const wire = { mac: record.mac.toLowerCase(), ip: record.ip, prefixLength: range.bits, gateway: gatewayOf(range) };
  await machines.addCloud({ key: record.id, ...wire }, { name: record.name, memoryMib: record.memoryMib });
}

async function perform(step: RecoveryStep, state: State, options: LabCloudOptions): Promise<void> {
  const { machines, images, disks, shares, fabric } = options;
  switch (step.do) {
    case 'remove':
      return machines.remove(step.machine);
    case 'remove-image':
      return images.remove(step.image);
    case 'give-up-image':
      for (const record of state.images)
        if (record.id === step.image) Object.assign(record, { at: 'Unavailable', trouble: 'its disk is gone' });
      return;
    case 'remove-disk':
      return disks.removeDisk(step.disk);
    case 'remove-snapshot':
      return disks.removeSnapshot(step.snapshot);
    case 'give-up-disk':
      for (const record of state.udisks)
        if (record.id === step.disk) Object.assign(record, { at: 'failed', trouble: 'its bytes are gone' });
      return;
    case 'give-up-snapshot':
      for (const record of state.snapshots)
        if (record.id === step.snapshot) Object.assign(record, { at: 'Failed', trouble: 'its bytes are gone' });
      return;
    case 'plug-disk':
      return disks.plugDisk(step.machine, { id: step.disk, device: step.device });
    case 'unplug-disk':
      return void (await disks.unplugDisk(step.machine, step.disk));
    case 'remove-share':
      return shares.removeShare(step.share);
    case 'open-mount-point':
      await shares.makeShare(step.share);
      return shares.openMountPoint(step.share, step.ip);
    case 'close-mount-point':
      return shares.closeMountPoint(step.share, step.ip);
    case 'remove-balancer':
      return fabric.balancers.remove(step.balancer);
    case 'attach':
      for (const record of state.interfaces)
        if (record.id === step.nic) await attach(record, step.machine, state, fabric);
      return;
    case 'detach':
      return fabric.detach(step.machine, step.nic);
    case 'take-address':
      return fabric.takeAddress(step.machine, step.ip);
    case 'give-address':
      return fabric.giveAddress(step.machine, step.ip);
    case 'start':
      return machines.get(step.machine).on();
    case 'install':
      for (const record of state.machines) if (record.id === step.machine) record.life = newborn;
      return;
    case 'warm-up-anew':
      for (const record of state.addresses)
        if (record.ip === step.ip) Object.assign(record, { at: 'settling', heldBy: undefined });
      return;
  }
}

function attach(record: InterfaceRecord, machine: string, state: State, fabric: Fabric): Promise<void> {
  const { id: key, ...wire } = worldInterface(record, state);
  return fabric.attach(machine, { key, ...wire });
}

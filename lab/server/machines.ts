import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '#host/files.ts';
import { addresses } from '../fabric/addresses.ts';
import type { Fabric } from '../fabric/fabric.ts';
import { markOf } from '../fabric/names.ts';
import type { VpcPort } from '../fabric/vpc-ports.ts';
import type { Cgroups } from '../machine/cgroup.ts';
import { type Machine, type MachineSpec, openMachine } from '../machine/machine.ts';
import { isAlive, type ProcessMark, parseMark } from '../machine/process-mark.ts';
import type { LabDisks } from './disks.ts';
import { type LabSettings, pathsOf } from './settings.ts';

export type MachineKind = 'gateway' | 'physical' | 'cloud';

/** What is written beside a machine's disk, so that it can be found and entered without the lab's server. */
export interface MachineCard {
  readonly key: string;
  readonly name: string;
  readonly kind: MachineKind;
  readonly address: string;
}

export interface LabMachine {
  readonly card: MachineCard;
  readonly machine: Machine;
}

export interface LabMachines {
  all(): readonly LabMachine[];
  /** @fails Error for a key that no machine has */
  get(key: string): Machine;
  find(key: string): Machine | undefined;
  /** Whether there is a disk under this key, of a machine that is open or of one from before the lab's server started. */
  hasDisk(key: string): boolean;
  addGateway(): Promise<Machine>;
  addPhysical(name: string, address: string): Promise<Machine>;
  /** `copyOf`: the folder of a custom image, whose disk it begins with. */
  addCloud(port: VpcPort, made: { name: string; memoryMib: number; copyOf?: string }): Promise<Machine>;
  /** Power off, and everything of the machine is gone. */
  remove(key: string): Promise<void>;
}

export interface MachinesOptions {
  readonly settings: LabSettings;
  readonly fabric: Fabric;
  readonly cgroups: Cgroups;
  /** What is in them beside their own disk. */
  readonly disks: Pick<LabDisks, 'insert' | 'remove'>;
  readonly note: (entry: Readonly<Record<string, unknown>>) => void;
}

const mountNfs4 = join(import.meta.dirname, '../machine/mount-nfs4.sh');

/** @unit MiB. A router needs little; a physical machine has room for a control plane and more. */
const memory = { gateway: 1024, physical: 8192 } as const;

export function openMachines({ settings, fabric, cgroups, disks, note }: MachinesOptions): LabMachines {
  const machines = new Map<string, LabMachine>();

  async function add(card: MachineCard, spec: Omit<MachineSpec, 'key' | 'image'>, plug: () => Promise<void>) {
    const { machines: park, shares } = pathsOf(settings.name);
    const folder = join(park, card.key);
    await mkdir(folder, { recursive: true });
    if (card.kind === 'cloud') await linkShares(shares, folder);
    // In one step: whoever looks for machines meanwhile reads a whole card or none.
    await writeWhole(join(folder, 'machine.json'), `${JSON.stringify(card)}\n`, { mode: 0o644, sync: false });
    const machine = openMachine(
      { ...spec, key: card.key, image: settings.image },
      {
        folder,
        mark: markOf(settings.name, card.key),
        cgroups,
        plug,
        unplug: () => fabric.unplug(card.key),
        insertDisks: () => disks.insert(card.key),
        removeDisks: () => disks.remove(card.key),
        note,
      },
    );
    machines.set(card.key, { card, machine });
    return machine;
  }

  function get(key: string): Machine {
    const found = machines.get(key);
    if (found === undefined) throw new Error(`no machine "${key}"; there is ${[...machines.keys()].join(', ')}`);
    return found.machine;
  }

  return {
    all: () => [...machines.values()],
    get,
    find: (key) => machines.get(key)?.machine,
    hasDisk: (key) => existsSync(join(pathsOf(settings.name).machines, key, 'upper')),
    addGateway: () =>
      add(
        { key: 'gateway', name: 'gateway', kind: 'gateway', address: addresses.siteGateway },
        {
          ...installed('gateway', addresses.siteGateway, settings),
          memoryMib: memory.gateway,
          files: { 'etc/sysctl.d/90-router.conf': 'net.ipv4.ip_forward = 1\n' },
        },
        () => fabric.plugGateway('gateway'),
      ),
    addPhysical: (name, address) =>
      add(
        { key: name, name, kind: 'physical', address },
        { ...installed(name, address, settings), memoryMib: memory.physical },
        () => fabric.plugIntoSite({ key: name, ip: address }),
      ),
    addCloud: (port, made) =>
      add(
        { key: port.key, name: made.name, kind: 'cloud', address: port.ip },
        {
          hostname: hostnameOf(made.name),
          address: port.ip,
          firstBoot: 'cloud-init',
          memoryMib: made.memoryMib,
          programs: { 'usr/sbin/mount.nfs4': readFileSync(mountNfs4, 'utf8') },
          ...(made.copyOf === undefined ? {} : { copyOf: made.copyOf }),
        },
        () => fabric.plugIntoVpc(port),
      ),
    remove: async (key) => {
      await get(key).destroy();
      fabric.forget(key);
      machines.delete(key);
    },
  };
}

/** Where init.sh looks for the cloud's file systems. */
async function linkShares(shares: string, folder: string): Promise<void> {
  await mkdir(shares, { recursive: true });
  await rm(join(folder, 'shares'), { force: true });
  await symlink(shares, join(folder, 'shares'));
}

function installed(hostname: string, address: string, settings: LabSettings) {
  return { hostname, address, firstBoot: 'installed', authorizedKey: settings.authorizedKey } as const;
}

/** A cloud lets people name machines as they like; a hostname is stricter. */
function hostnameOf(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return plain === '' ? 'machine' : plain.slice(0, 63);
}

/** The machines of a lab as its folder tells, with the init of those that are on. */
export function observeMachines(lab: string): readonly (MachineCard & { readonly init: ProcessMark | undefined })[] {
  const folder = pathsOf(lab).machines;
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((key) => existsSync(join(folder, key, 'machine.json')))
    .map((key) => ({
      ...(JSON.parse(readFileSync(join(folder, key, 'machine.json'), 'utf8')) as MachineCard),
      init: recordedInit(join(folder, key, 'init')),
    }));
}

function recordedInit(file: string): ProcessMark | undefined {
  const mark = existsSync(file) ? parseMark(readFileSync(file, 'utf8')) : undefined;
  return mark !== undefined && isAlive(mark) ? mark : undefined;
}

import type { Bounds } from '../gateway/desk.ts';
import { Refusal } from '../gateway/refusal.ts';
import { isListed, type MachineRecord } from '../uhost/state.ts';
import type { InterfaceRecord, Placed } from './state.ts';

/** A network interface, whichever way it came to be: with its machine or by itself. */
export interface Nic {
  /** What the world calls its port: the machine's id for the interface that came with it, else its own. */
  readonly port: string;
  /** What the API calls it: its own id, or its machine's where that has no elastic interfaces. */
  readonly object: string;
  readonly name: string;
  readonly mac: string;
  /** Its primary address. */
  readonly ip: string;
  readonly vpc: string;
  readonly subnet: string;
  /** The one that it is in, or on its way into or out of. */
  readonly machine: MachineRecord | undefined;
  /** Absent for the interface that a machine was made with. */
  readonly record: InterfaceRecord | undefined;
}

/** Every interface that the API knows: those of machines first. */
export function nicsOf(state: Placed): readonly Nic[] {
  const machines = state.machines.filter(isListed);
  return [
    ...machines.map((machine) => {
      const { id, nic, name, mac, ip, vpc, subnet } = machine;
      return { port: id, object: nic ?? id, name, mac, ip, vpc, subnet, machine, record: undefined };
    }),
    ...state.interfaces.map((record) => {
      const { id, name, mac, ip, vpc, subnet } = record;
      const machine = machines.find((one) => one.id === record.machine);
      return { port: id, object: id, name, mac, ip, vpc, subnet, machine, record };
    }),
  ];
}

/** @fails Refusal 8039 */
export function nicAt(port: string, state: Placed): Nic {
  const found = nicsOf(state).find((nic) => nic.port === port);
  if (found === undefined) throw new Refusal(8039, `object ${port} does not exist`);
  return found;
}

export function isSameMac(a: string, b: string): boolean {
  return a.toUpperCase() === b.toUpperCase();
}

/**
 * Elastic interfaces of a machine, the one that it was made with among them, and private addresses of each, the primary one among them.
 * @source UCloud VPC manual, elastic network interfaces
 */
const sizes = [
  { upToCpu: 2, interfaces: 2, addresses: 2 },
  { upToCpu: 4, interfaces: 3, addresses: 3 },
  { upToCpu: 8, interfaces: 4, addresses: 4 },
  { upToCpu: 32, interfaces: 8, addresses: 6 },
  { upToCpu: 64, interfaces: 12, addresses: 8 },
  { upToCpu: 128, interfaces: 15, addresses: 10 },
];
const largest = { interfaces: 15, addresses: 12 };

export function interfaceQuota({ cpu }: MachineRecord): number {
  return (sizes.find(({ upToCpu }) => cpu <= upToCpu) ?? largest).interfaces;
}

/**
 * Private addresses that an interface may have, the primary one among them. Nothing is published for a machine without elastic
 * interfaces (cloud.bounds), nor for an interface that is in no machine: it has what it would have in the smallest.
 */
export function addressQuota({ machine, record }: Nic, bounds: Bounds): number {
  if (machine !== undefined && machine.nic === undefined && record === undefined) return bounds.secondaryAddresses + 1;
  return (sizes.find(({ upToCpu }) => (machine?.cpu ?? 1) <= upToCpu) ?? largest).addresses;
}

/** Secondary addresses of an interface; those on their way out count no longer. */
export function secondaryOf({ port }: Nic, state: Placed): readonly string[] {
  return state.addresses.filter((one) => one.port === port && one.at !== 'leaving').map(({ ip }) => ip);
}

import type { MachineRecord } from '../uhost/state.ts';
import { nicsOf, secondaryOf } from './nic.ts';
import type { InterfaceRecord, Placed, SecGroupRecord } from './state.ts';

/** Where packets of an interface come into the VPC and leave it: routes are followed and security groups judge at a port. */
export interface Port {
  /** As the world names it. */
  readonly id: string;
  /** As the API names what security groups are bound to: a machine, or its interface where it has an elastic one. */
  readonly resource: string;
  readonly type: 'uhost' | 'uni';
  /** Whose mode says what judges here: the machine for the interface that it was made with, another interface for itself. */
  readonly judged: MachineRecord | InterfaceRecord;
  /** Absent while an interface is in none. */
  readonly machine: MachineRecord | undefined;
  readonly vpc: string;
  readonly subnet: string;
  /** Its primary address. */
  readonly ip: string;
  /** All of its addresses. */
  readonly ips: readonly string[];
}

/** A machine with an elastic interface is judged there, and carries no group itself. @source UCloud API reference, ResourceSecgroupInfoEx */
export function portsOf(state: Placed): readonly Port[] {
  return nicsOf(state).flatMap((nic) => {
    const judged = nic.record ?? nic.machine;
    if (judged === undefined) return [];
    const { port: id, object: resource, machine, vpc, subnet, ip } = nic;
    const type = resource === machine?.id ? 'uhost' : 'uni';
    return [{ id, resource, type, judged, machine, vpc, subnet, ip, ips: [ip, ...secondaryOf(nic, state)] }];
  });
}

/** The port that an action names, by its machine's id or by its interface's. */
export function portOf(id: string, state: Placed): Port | undefined {
  return portsOf(state).find((port) => port.id === id || port.resource === id);
}

export interface Binding {
  readonly group: SecGroupRecord;
  readonly priority: number;
}

/** The groups of a resource, the one that is looked at first before the others. */
export function bindingsOf(resource: string, state: Placed): readonly Binding[] {
  return state.secGroups
    .flatMap((group) =>
      group.members.filter((member) => member.resource === resource).map(({ priority }) => ({ group, priority })),
    )
    .sort((a, b) => a.priority - b.priority);
}

export function membersOf(group: SecGroupRecord, state: Placed): readonly Port[] {
  return portsOf(state).filter((port) => group.members.some(({ resource }) => resource === port.resource));
}

import { isListed, type MachineRecord, type SecGroupRecord, type State } from './state.ts';

/** Where a machine's packets come into the VPC and leave it: routes are followed and security groups judge at a port. */
export interface Port {
  /** As the world names it. */
  readonly id: string;
  /** As the API names what security groups are bound to: a machine, or its interface where it has an elastic one. */
  readonly resource: string;
  readonly type: 'uhost' | 'uni';
  readonly machine: MachineRecord;
  readonly subnet: string;
  /** Its primary address. */
  readonly ip: string;
  /** All of its addresses. */
  readonly ips: readonly string[];
}

/** A machine with an elastic interface is judged there, and carries no group itself. @source UCloud API reference, ResourceSecgroupInfoEx */
export function portsOf(state: State): readonly Port[] {
  return state.machines.filter(isListed).map((machine) => ({
    id: machine.id,
    ...(machine.nic === undefined
      ? { resource: machine.id, type: 'uhost' as const }
      : { resource: machine.nic, type: 'uni' as const }),
    machine,
    subnet: machine.subnet,
    ip: machine.ip,
    ips: [machine.ip, ...secondaryOf(machine.id, state)],
  }));
}

/** The port that an action names, by its machine's id or by its interface's. */
export function portOf(id: string, state: State): Port | undefined {
  return portsOf(state).find((port) => port.id === id || port.resource === id);
}

export interface Binding {
  readonly group: SecGroupRecord;
  readonly priority: number;
}

/** The groups of a resource, the one that is looked at first before the others. */
export function bindingsOf(resource: string, state: State): readonly Binding[] {
  return state.secGroups
    .flatMap((group) =>
      group.members.filter((member) => member.resource === resource).map(({ priority }) => ({ group, priority })),
    )
    .sort((a, b) => a.priority - b.priority);
}

export function membersOf(group: SecGroupRecord, state: State): readonly Port[] {
  return portsOf(state).filter((port) => group.members.some(({ resource }) => resource === port.resource));
}

function secondaryOf(port: string, state: State): readonly string[] {
  return state.addresses.filter((one) => one.machine === port && one.at !== 'leaving').map(({ ip }) => ip);
}

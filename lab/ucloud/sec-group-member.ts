import { isListed, type MachineRecord, type SecGroupRecord, type State } from './state.ts';

/** Something whose traffic security groups may judge: a machine, or the interface of a machine that has one. */
export interface GuardedResource {
  readonly id: string;
  readonly type: 'uhost' | 'uni';
  readonly machine: MachineRecord;
}

export interface Binding {
  readonly group: SecGroupRecord;
  readonly priority: number;
}

/** A machine with an elastic interface is judged there, and carries no group itself. @source UCloud API reference, ResourceSecgroupInfoEx */
export function guardedResources(state: State): readonly GuardedResource[] {
  return state.machines
    .filter(isListed)
    .map((machine) =>
      machine.nic === undefined
        ? { id: machine.id, type: 'uhost', machine }
        : { id: machine.nic, type: 'uni', machine },
    );
}

/** The groups of a resource, the one that is looked at first before the others. */
export function bindingsOf(resource: string, state: State): readonly Binding[] {
  return state.secGroups
    .flatMap((group) =>
      group.members.filter((member) => member.resource === resource).map(({ priority }) => ({ group, priority })),
    )
    .sort((a, b) => a.priority - b.priority);
}

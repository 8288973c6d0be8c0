import * as z from 'zod';
import { type Action, action, flag, integer, page, pageOf, place, text, texts } from './declare.ts';
import { machineOf } from './lookup.ts';
import { type Binding, bindingsOf, membersOf, type Port, portOf, portsOf } from './port.ts';
import { missing, notValid, Refusal } from './refusal.ts';
import { secGroupOf } from './sec-group.ts';
import type { MachineRecord, SecGroupRecord, State } from './state.ts';

const mostGroups = 5;
const mostMembers = 500;
const wish = z.strictObject({ SecGroupId: text, Priority: integer });
/** The reference says text where it means the object: both are taken, the text as JSON. */
const wishes = z.array(z.union([wish, text.transform(readJson).pipe(jsonWish())])).default([]);

export interface GroupWish {
  readonly SecGroupId: string;
  readonly Priority: number;
}

/**
 * Which security groups judge which machine. Resources that do not exist: 8039, groups that do not: 208704, too many: 4207.
 * @source UCloud API reference, vpc2.0-api; UCloud VPC manual, security groups
 */
export const secGroupBindingActions: Readonly<Record<string, Action>> = {
  AssociateSecGroup: action(
    { ...place, ResourceId: z.array(text).min(1), PrioritySecGroup: z.array(wish).min(1) },
    (args, { network, state }) => {
      if (args.ResourceId.length > 1 && args.PrioritySecGroup.length > 1)
        throw notValid('ResourceId', 'several resources or several groups, not both');
      const ports = args.ResourceId.map((id) => portOfResource(id, state));
      if (new Set(ports.map(({ type }) => type)).size > 1) throw notValid('ResourceId', 'only one kind at a time');
      for (const { resource, judged } of ports)
        if (judged.securityMode === 'Firewall')
          throw notValid('ResourceId', `${resource} is in firewall mode; call SwitchToSecGroup first`);
      for (const port of ports) checkBinding(port, args.PrioritySecGroup, state);
      for (const { resource } of ports) bindSecGroups(resource, args.PrioritySecGroup, state);
      network.changed('groups');
      return {};
    },
  ),

  DisassociateSecGroup: action(
    { ...place, SecGroupId: texts, ResourceId: texts, Force: flag.default(false) },
    (args, { network, state }) => {
      if (args.SecGroupId.length === 0 && args.ResourceId.length === 0) throw missing('ResourceId');
      if (args.SecGroupId.length > 1 && args.ResourceId.length > 1)
        throw notValid('ResourceId', 'several resources or several groups, not both');
      const groups = args.SecGroupId.length > 0 ? args.SecGroupId.map((id) => secGroupOf(id, state)) : state.secGroups;
      const resources = args.ResourceId.map((id) => portOfResource(id, state).resource);
      const isMeant = (id: string): boolean => resources.length === 0 || resources.includes(id);
      if (!args.Force) checkKeepsOne(groups, isMeant, state);
      for (const group of groups) group.members = group.members.filter(({ resource }) => !isMeant(resource));
      network.changed('groups');
      return {};
    },
  ),

  DescribeResourceSecGroup: action(
    {
      ...place,
      ...page(20),
      ResourceType: text.optional(),
      VPCId: text.optional(),
      ResourceId: texts,
    },
    (args, { state }) => {
      const all = described(state);
      // Asked by id it pages nothing, and what does not exist is left out.
      if (args.ResourceId.length > 0) {
        const found = all.filter(({ id }) => args.ResourceId.includes(id));
        return { TotalCount: found.length, DataSet: found.map(({ info }) => info) };
      }
      const found = all
        .filter(({ type }) => type === (args.ResourceType ?? 'uhost').toLowerCase())
        .filter(({ vpc }) => args.VPCId === undefined || vpc === args.VPCId);
      const { TotalCount, shown } = pageOf(found, args);
      return { TotalCount, DataSet: shown.map(({ info }) => info) };
    },
  ),

  SwitchToSecGroup: action(
    {
      ...place,
      ProjectId: text,
      ResourceId: text,
      IsRemoveFirewall: flag,
      PrioritySecGroup: wishes,
      UniToPrioritySecGroup: text
        .transform(readJson)
        .pipe(z.record(text, z.array(jsonWish())))
        .optional(),
    },
    (args, { network, state }) => {
      const port = switchedPort(args.ResourceId, state);
      if (port.judged.securityMode === 'SecGroup')
        throw notValid('ResourceId', `${args.ResourceId} has security groups already`);
      const byInterface = args.ResourceId !== port.resource;
      const groups = byInterface ? (args.UniToPrioritySecGroup?.[port.resource] ?? []) : args.PrioritySecGroup;
      if (groups.length === 0) throw missing(byInterface ? 'UniToPrioritySecGroup' : 'PrioritySecGroup');
      checkBinding(port, groups, state);
      port.judged.securityMode = 'SecGroup';
      bindSecGroups(port.resource, groups, state);
      if (args.IsRemoveFirewall) removeFirewalls(port.judged.id, state);
      network.changed('groups');
      return {};
    },
  ),
};

/**
 * Whether a resource in `vpc` may have these groups beside those that it has.
 * @fails Refusal 208704, 230, 4207
 */
export function checkGroups(vpc: string, has: readonly Binding[], wanted: readonly GroupWish[], state: State): void {
  for (const { SecGroupId, Priority } of wanted) {
    const group = secGroupOf(SecGroupId, state);
    if (group.vpc !== vpc) throw notValid('SecGroupId', `${group.id} is in ${group.vpc}, the resource in ${vpc}`);
    if (Priority < 1 || Priority > mostGroups) throw notValid('Priority', `a number from 1 to ${mostGroups}`);
    if (membersOf(group, state).length >= mostMembers)
      throw new Refusal(4207, `a group has at most ${mostMembers} resources`);
  }
  const kept = has.filter(({ group }) => wanted.every(({ SecGroupId }) => SecGroupId !== group.id));
  const priorities = [...kept.map(({ priority }) => priority), ...wanted.map(({ Priority }) => Priority)];
  if (new Set(priorities).size !== priorities.length)
    throw notValid('Priority', 'two groups of one resource have the same priority');
  if (priorities.length > mostGroups) throw new Refusal(4207, `a resource has at most ${mostGroups} security groups`);
}

/** Binds a resource to groups; one that it has already gets the new priority. */
export function bindSecGroups(resource: string, wanted: readonly GroupWish[], state: State): void {
  for (const { SecGroupId, Priority } of wanted) {
    const group = secGroupOf(SecGroupId, state);
    group.members = [
      ...group.members.filter((member) => member.resource !== resource),
      { resource, priority: Priority },
    ];
  }
}

function checkBinding({ resource, vpc }: Port, wanted: readonly GroupWish[], state: State): void {
  checkGroups(vpc, bindingsOf(resource, state), wanted, state);
}

/** A resource in security-group mode keeps at least one group. */
function checkKeepsOne(groups: readonly SecGroupRecord[], isMeant: (id: string) => boolean, state: State): void {
  for (const { resource } of portsOf(state)) {
    const bound = bindingsOf(resource, state);
    if (isMeant(resource) && bound.length > 0 && bound.every(({ group }) => groups.includes(group)))
      throw notValid('SecGroupId', `${resource} would have no security group left; Force does it all the same`);
  }
}

function portOfResource(id: string, state: State): Port {
  const port = portsOf(state).find(({ resource }) => resource === id);
  if (port !== undefined) return port;
  throw notValid(
    'ResourceId',
    `${machineOf(id, state).id} has an elastic interface, which carries its security groups`,
  );
}

/** Here the machine may be named, too, together with its interface. */
function switchedPort(id: string, state: State): Port {
  const port = portOf(id, state);
  if (port === undefined) throw new Refusal(8039, `resource ${id} does not exist`);
  return port;
}

function removeFirewalls(machine: string, state: State): void {
  for (const firewall of state.firewalls) firewall.machines = firewall.machines.filter((one) => one !== machine);
}

/** Every machine, and every elastic interface beside it. */
function described(state: State) {
  return portsOf(state).flatMap((port) => {
    const { machine, vpc, resource } = port;
    return [
      ...(machine !== undefined && port.judged === machine
        ? [{ id: machine.id, type: 'uhost', vpc, info: machineInfo(port, machine, state) }]
        : []),
      ...(port.type === 'uni' ? [{ id: resource, type: 'uni', vpc, info: portInfo(port, state) }] : []),
    ];
  });
}

function machineInfo(port: Port, machine: MachineRecord, state: State): object {
  if (port.type === 'uhost') return portInfo(port, state);
  return {
    ResourceId: machine.id,
    ResourceName: machine.name,
    Count: 0,
    SecGroupInfo: [],
    PermitAssociate: false,
    ExInfo: {
      ...exInfo(port),
      Uni: portsOf(state)
        .filter((one) => one.machine === machine)
        .map(({ resource }) => uniInfo(resource, state)),
    },
  };
}

function uniInfo(resource: string, state: State): object {
  const bound = bindingsOf(resource, state);
  const SecGroupInfo = bound.map(({ group }) => ({ SecGroupId: group.id, Name: group.name }));
  return { ResourceId: resource, Count: bound.length, SecGroupInfo };
}

function portInfo(port: Port, state: State): object {
  const { judged, machine, resource } = port;
  const bound = bindingsOf(resource, state);
  const isInterface = port.type === 'uni';
  return {
    ResourceId: resource,
    // The interface that a machine was made with has no name of its own.
    ResourceName: isInterface && judged === machine ? '' : judged.name,
    Count: bound.length,
    SecGroupInfo: bound.map(({ group, priority }) => ({
      SecGroupId: group.id,
      Name: group.name,
      VPCId: group.vpc,
      Priority: priority,
    })),
    PermitAssociate: judged.securityMode === 'SecGroup',
    ExInfo: {
      ...exInfo(port),
      SuperResourceId: isInterface ? (machine?.id ?? '') : '',
      SuperResourceName: isInterface ? (machine?.name ?? '') : '',
    },
  };
}

function exInfo({ judged, machine, ips }: Port) {
  const name = machine?.name ?? judged.name;
  return { SuperResourceId: '', SuperResourceName: '', ResourceName: name, IP: ips, EIP: [], Uni: [] };
}

function readJson(value: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(value);
  } catch {
    context.addIssue({ code: 'custom', message: 'neither an object nor JSON' });
    return z.NEVER;
  }
}

function jsonWish() {
  return z.strictObject({ SecGroupId: text, Priority: z.number() });
}

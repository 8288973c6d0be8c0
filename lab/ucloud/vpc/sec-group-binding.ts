import * as z from 'zod';
import { type Action, flag, integer, page, pageOf, place, text, texts } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { machineOf } from '../uhost/lookup.ts';
import { action, type VpcCloud } from './cloud.ts';
import { type Binding, bindingsOf, membersOf, type Port, portsOf } from './port.ts';
import { secGroupOf } from './sec-group.ts';
import { described, memberInfo } from './sec-group-form.ts';
import type { Placed, SecGroupRecord } from './state.ts';

const mostGroups = 5;
const mostMembers = 500;
const wish = z.strictObject({ SecGroupId: text, Priority: integer });
export interface GroupWish {
  readonly SecGroupId: string;
  readonly Priority: number;
}

/**
 * Which security groups judge which machine. Resources that do not exist: 8039, groups that do not: 208704, too many: 4207.
 * @source UCloud API reference, vpc2.0-api; UCloud VPC manual, security groups
 */
export const secGroupBindingActions: Readonly<Record<string, Action<VpcCloud>>> = {
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

  DescribeSecGroupResource: action({ ...place, ...page(20), SecGroupId: text }, (args, { state }) => {
    const { TotalCount, shown } = pageOf(membersOf(secGroupOf(args.SecGroupId, state), state), args);
    return { TotalCount, DataSet: shown.map(memberInfo) };
  }),
};

/**
 * Whether a resource in `vpc` may have these groups beside those that it has.
 * @fails Refusal 208704, 230, 4207
 */
export function checkGroups(vpc: string, has: readonly Binding[], wanted: readonly GroupWish[], state: Placed): void {
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
export function bindSecGroups(resource: string, wanted: readonly GroupWish[], state: Placed): void {
  for (const { SecGroupId, Priority } of wanted) {
    const group = secGroupOf(SecGroupId, state);
    group.members = [
      ...group.members.filter((member) => member.resource !== resource),
      { resource, priority: Priority },
    ];
  }
}

export function checkBinding({ resource, vpc }: Port, wanted: readonly GroupWish[], state: Placed): void {
  checkGroups(vpc, bindingsOf(resource, state), wanted, state);
}

/** A resource in security-group mode keeps at least one group. */
function checkKeepsOne(groups: readonly SecGroupRecord[], isMeant: (id: string) => boolean, state: Placed): void {
  for (const { resource } of portsOf(state)) {
    const bound = bindingsOf(resource, state);
    if (isMeant(resource) && bound.length > 0 && bound.every(({ group }) => groups.includes(group)))
      throw notValid('SecGroupId', `${resource} would have no security group left; Force does it all the same`);
  }
}

function portOfResource(id: string, state: Placed): Port {
  const port = portsOf(state).find(({ resource }) => resource === id);
  if (port !== undefined) return port;
  throw notValid(
    'ResourceId',
    `${machineOf(id, state).id} has an elastic interface, which carries its security groups`,
  );
}

import * as z from 'zod';
import { type Action, flag, integer, place, text } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { grantFirewall } from '../unet/firewall.ts';
import type { UnetState } from '../unet/state.ts';
import { action, type VpcCloud } from './cloud.ts';
import { type Port, portOf } from './port.ts';
import { bindSecGroups, checkBinding } from './sec-group-binding.ts';
import type { Placed } from './state.ts';

const wish = z.strictObject({ SecGroupId: text, Priority: integer });
/** The reference says text where it means the object: both are taken, the text as JSON. */
const wishes = z.array(z.union([wish, text.transform(readJson).pipe(jsonWish())])).default([]);

/**
 * From a firewall to security groups and back.
 * @source UCloud API reference, vpc2.0-api
 */
export const securityModeActions: Readonly<Record<string, Action<VpcCloud>>> = {
  SwitchToFirewall: action(
    { ...place, ProjectId: text, ResourceId: text, Firewall: text.optional(), NodeToFirewall: text.optional() },
    ({ ResourceId, Firewall, NodeToFirewall }, { network, state }) => {
      if (NodeToFirewall !== undefined)
        throw notValid('NodeToFirewall', 'not simulated: a firewall is granted to the machine itself');
      const { judged, resource } = portOfAny(ResourceId, state);
      if (judged.securityMode === 'Firewall') throw notValid('ResourceId', `${ResourceId} is in firewall mode already`);
      if (Firewall !== undefined) grantFirewall(Firewall, judged.id, state);
      judged.securityMode = 'Firewall';
      for (const group of state.secGroups) group.members = group.members.filter((one) => one.resource !== resource);
      network.changed('groups');
      return {};
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
      const port = portOfAny(args.ResourceId, state);
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

/** Of a machine or of its interface: a change of mode may name either. */
function portOfAny(id: string, state: Placed): Port {
  const port = portOf(id, state);
  if (port === undefined) throw new Refusal(8039, `resource ${id} does not exist`);
  return port;
}

function removeFirewalls(machine: string, state: UnetState): void {
  for (const firewall of state.firewalls) firewall.machines = firewall.machines.filter((one) => one !== machine);
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

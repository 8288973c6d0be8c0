import { forbiddenRanges } from './regions.ts';
import { hopOf } from './route-rule.ts';
import { bindingsOf, guardedResources } from './sec-group-member.ts';
import { isListed, type RouteTableRecord, type SecGroupRuleRecord, type State } from './state.ts';
import { systemRoutesOf } from './system-routes.ts';
import type { FilterRule, WorldNetwork, WorldRoutes } from './world.ts';

/**
 * What the world's VPC has to do, so that packets go as the records say.
 * @source public-service ranges pass every security group: UCloud VPC manual
 */
export function networkOf(state: State, region: string): WorldNetwork {
  return {
    routes: state.routeTables
      .filter(({ rules }) => rules.length > 0)
      .flatMap((table) => routesOf(table, region, state)),
    guards: guardedResources(state)
      .filter(({ machine }) => machine.securityMode === 'SecGroup')
      .map(({ id, machine }) => ({
        machine: machine.id,
        ingress: filterOf(id, 'Ingress', state),
        egress: filterOf(id, 'Egress', state),
      })),
    unguarded: forbiddenRanges(region),
  };
}

function routesOf(table: RouteTableRecord, region: string, state: State): readonly WorldRoutes[] {
  const followers = state.subnets.filter(({ routeTable }) => routeTable === table.id).map(({ id }) => id);
  const machines = state.machines.filter((one) => isListed(one) && followers.includes(one.subnet));
  const vpc = state.vpcs.find(({ id }) => id === table.vpc);
  if (vpc === undefined || machines.length === 0) return [];
  const rules = table.rules.map(({ destination, hop }) => {
    const machine = hopOf(hop, state);
    // Of a next hop that is gone only the rule is left: what it catches goes nowhere.
    return { destination, hop: machine && { machine: machine.id, ip: machine.ip } };
  });
  const system = systemRoutesOf(vpc, region).map(({ range }) => range);
  return [{ machines: machines.map(({ id }) => id), system, rules }];
}

/** Groups in the order of their priorities, and in each of them its rules. */
function filterOf(resource: string, way: 'Ingress' | 'Egress', state: State): readonly FilterRule[] {
  return bindingsOf(resource, state).flatMap(({ group }) =>
    group.rules
      .filter(({ direction }) => direction === way)
      .toSorted((a, b) => a.priority - b.priority)
      .map((rule) => ({
        admits: rule.action === 'Accept',
        protocol: rule.protocol,
        peers: peersOf(rule, state),
        ports: rule.ports === 'ALL' ? [] : rule.ports.split(','),
      })),
  );
}

/** A group as a peer stands for every address that its members have now. */
function peersOf({ peers }: SecGroupRuleRecord, state: State): readonly string[] {
  const group = state.secGroups.find(({ id }) => id === peers);
  if (group === undefined) return peers.startsWith('secgroup-') ? [] : peers.split(',');
  return guardedResources(state)
    .filter(({ id }) => group.members.some(({ resource }) => resource === id))
    .flatMap(({ machine }) => [
      machine.ip,
      ...state.addresses.filter((one) => one.machine === machine.id && one.at !== 'leaving').map(({ ip }) => ip),
    ]);
}

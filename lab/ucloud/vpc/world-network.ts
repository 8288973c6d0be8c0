import { forbiddenRanges } from '../gateway/regions.ts';
import { lentIn } from '../ulb/classic/world-direct.ts';
import type { UnetState } from '../unet/state.ts';
import { bindingsOf, membersOf, portOf, portsOf } from './port.ts';
import type { Placed, RouteTableRecord, SecGroupRuleRecord } from './state.ts';
import { systemRoutesOf } from './system-routes.ts';
import type { FilterRule, WorldNetwork, WorldRoutes } from './world.ts';

/**
 * What the world's VPC has to do, so that packets go as the records say.
 * @source public-service ranges pass every security group: UCloud VPC manual
 */
export function networkOf(state: Placed & UnetState, region: string): WorldNetwork {
  return {
    routes: state.routeTables
      .filter(({ rules }) => rules.length > 0)
      .flatMap((table) => routesOf(table, region, state)),
    guards: portsOf(state)
      .filter(({ judged }) => judged.securityMode === 'SecGroup')
      .map(({ id, resource }) => ({
        port: id,
        ingress: filterOf(resource, 'Ingress', state),
        egress: filterOf(resource, 'Egress', state),
      })),
    lent: lentIn(state),
    unguarded: forbiddenRanges(region),
  };
}

function routesOf(table: RouteTableRecord, region: string, state: Placed): readonly WorldRoutes[] {
  const followers = state.subnets.filter(({ routeTable }) => routeTable === table.id).map(({ id }) => id);
  const ports = portsOf(state).filter(({ subnet }) => followers.includes(subnet));
  const vpc = state.vpcs.find(({ id }) => id === table.vpc);
  if (vpc === undefined || ports.length === 0) return [];
  const rules = table.rules.map(({ destination, hop }) => {
    const port = portOf(hop, state);
    // Of a next hop that is gone only the rule is left: what it catches goes nowhere.
    return { destination, hop: port && { port: port.id, ip: port.ip } };
  });
  const system = systemRoutesOf(vpc, region).map(({ range }) => range);
  return [{ ports: ports.map(({ id }) => id), system, rules }];
}

/** Groups in the order of their priorities, and in each of them its rules. */
function filterOf(resource: string, way: 'Ingress' | 'Egress', state: Placed): readonly FilterRule[] {
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
function peersOf({ peers }: SecGroupRuleRecord, state: Placed): readonly string[] {
  if (!peers.startsWith('secgroup-')) return peers.split(',');
  const group = state.secGroups.find(({ id }) => id === peers);
  return group === undefined ? [] : membersOf(group, state).flatMap(({ ips }) => ips);
}

import { formatCidr } from '#unit/ip.ts';
import type { Beginning, CloudObject, Product } from '../gateway/product.ts';
import type { VpcCloud, VpcSeen } from './cloud.ts';
import { vpcLimits } from './limits.ts';
import { vpcActions } from './network.ts';
import { networkInterfaceActions } from './network-interface.ts';
import { membersOf } from './port.ts';
import { rememberVpc } from './remember.ts';
import { defaultTableOf, routeTableActions } from './route-table.ts';
import { secGroupActions } from './sec-group.ts';
import { secGroupBindingActions } from './sec-group-binding.ts';
import { secondaryIpActions } from './secondary-ip.ts';
import { securityModeActions } from './security-mode.ts';
import type { Placed, VpcState } from './state.ts';
import { createVpcWorks } from './work.ts';
import type { VpcWorld } from './world.ts';

/** Networks: VPCs, subnets, routes, security groups, interfaces and addresses. */
export const vpc = {
  newState,
  limits: vpcLimits,
  actions: {
    ...vpcActions,
    ...routeTableActions,
    ...secGroupActions,
    ...secGroupBindingActions,
    ...securityModeActions,
    ...networkInterfaceActions,
    ...secondaryIpActions,
  },
  work: createVpcWorks,
  objects,
  remember: rememberVpc,
} satisfies Product<VpcSeen, VpcWorld, unknown, VpcCloud>;

function newState({ vpc: { id, name, network, hybrid = [], subnets }, createdAt }: Beginning): VpcState {
  const tag = 'Default';
  const routeTable = defaultTableOf({ id, createdAt });
  return {
    vpcs: [{ id, name, tag, networks: [formatCidr(network)], hybrid: hybrid.map(formatCidr), createdAt }],
    subnets: subnets.map((subnet) => ({
      ...subnet,
      vpc: id,
      tag,
      remark: '',
      cidr: formatCidr(subnet.cidr),
      routeTable: routeTable.id,
      createdAt,
    })),
    interfaces: [],
    addresses: [],
    routeTables: [routeTable],
    secGroups: [],
  };
}

/** With what the API keeps to itself: addresses on their way. */
function objects(state: Placed): readonly CloudObject[] {
  return [
    ...state.vpcs.map(({ id, name, networks }) => ({
      kind: 'vpc',
      id,
      name,
      state: '',
      where: networks.join(','),
      labelType: 'vpc',
    })),
    ...state.subnets.map(({ id, name, cidr, vpc: home }) => ({
      kind: 'subnet',
      id,
      name,
      state: '',
      where: `${cidr} in ${home}`,
      labelType: 'subnet',
    })),
    ...state.routeTables.map(({ id, name, vpc: home, isDefault, rules }) => ({
      kind: 'routes',
      id,
      name,
      state: isDefault ? 'default' : counted(rules.length, 'rule'),
      where: `${home}, ${listed(state.subnets.filter(({ routeTable }) => routeTable === id).map((subnet) => subnet.id))}`,
    })),
    ...state.secGroups.map((group) => ({
      kind: 'group',
      id: group.id,
      name: group.name,
      state: counted(group.rules.length, 'rule'),
      where: `${group.vpc}, ${listed(membersOf(group, state).map(({ resource }) => resource))}`,
    })),
    ...state.interfaces.map((nic) => ({
      kind: 'interface',
      id: nic.id,
      name: nic.name,
      state: [nic.at, nic.trouble].filter(Boolean).join(': '),
      where: `${nic.ip} in ${nic.subnet}${nic.machine === undefined ? '' : `, ${nic.machine}`}`,
    })),
    ...state.addresses.map((address) => ({
      kind: 'address',
      id: address.ip,
      name: '',
      state: [address.at, address.trouble].filter(Boolean).join(': '),
      where: address.port,
    })),
  ];
}

function counted(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? '' : 's'}`;
}

function listed(ids: readonly string[]): string {
  return ids.length === 0 ? 'for nobody' : `for ${ids.join(', ')}`;
}

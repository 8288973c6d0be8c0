import { isListed, type State } from '../ucloud/gateway/state.ts';
import { membersOf } from '../ucloud/vpc/port.ts';

/** One object of the simulated cloud, as a row for people. */
export interface CloudObject {
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly where: string;
}

/** Everything that the cloud's API would tell, and what it keeps to itself: addresses on their way, machines on their way out. */
export function cloudObjects(state: State): readonly CloudObject[] {
  return [
    ...state.vpcs.map((vpc) => ({ kind: 'vpc', ...vpc, state: '', where: vpc.networks.join(',') })),
    ...state.subnets.map((subnet) => ({
      kind: 'subnet',
      ...subnet,
      state: '',
      where: `${subnet.cidr} in ${subnet.vpc}`,
    })),
    ...state.routeTables.map(({ id, name, vpc, isDefault, rules }) => ({
      kind: 'routes',
      id,
      name,
      state: isDefault ? 'default' : counted(rules.length, 'rule'),
      where: `${vpc}, ${listed(state.subnets.filter(({ routeTable }) => routeTable === id).map((subnet) => subnet.id))}`,
    })),
    ...state.secGroups.map((group) => ({
      kind: 'group',
      ...group,
      state: counted(group.rules.length, 'rule'),
      where: `${group.vpc}, ${listed(membersOf(group, state).map(({ resource }) => resource))}`,
    })),
    ...state.images.map((image) => ({
      kind: 'image',
      ...image,
      state: [image.at, image.trouble].filter(Boolean).join(': '),
      where: image.madeOf === undefined ? '' : `made of ${image.madeOf}`,
    })),
    ...state.machines.map((machine) => ({
      kind: 'machine',
      id: machine.id,
      name: machine.name,
      state: [isListed(machine) ? machine.life.state : 'ending', machine.trouble].filter(Boolean).join(': '),
      where: `${machine.ip} in ${machine.subnet}`,
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
  ].map(({ kind, id, name, state: at, where }) => ({ kind, id, name, state: at, where }));
}

function counted(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? '' : 's'}`;
}

function listed(ids: readonly string[]): string {
  return ids.length === 0 ? 'for nobody' : `for ${ids.join(', ')}`;
}

/** The ledger without secrets: user data and passwords of machines, keys of temporary credentials. */
export function withoutSecrets(state: State): object {
  return {
    ...state,
    sessions: state.sessions.map(({ publicKey, expiresAt }) => ({ publicKey, expiresAt })),
    machines: state.machines.map((machine) => ({ ...machine, userData: undefined, password: undefined })),
  };
}

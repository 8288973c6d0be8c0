import * as z from 'zod';
import { type Ip, numberOf } from '#unit/ip.ts';
import { drawHex, drawName } from '../engine/random.ts';
import { type Action, address, flag, integer, page, pageOf, place, text, texts } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { machineOf } from '../uhost/lookup.ts';
import type { MachineRecord } from '../uhost/state.ts';
import { chooseAddresses, isUsable } from './choose-address.ts';
import { action, type VpcCloud } from './cloud.ts';
import { attachedForm, createdForm, nicForm } from './interface-form.ts';
import { quotaLeft } from './limits.ts';
import { rangeOf, subnetOf, takenIn } from './lookup.ts';
import { interfaceQuota, nicsOf } from './nic.ts';
import { bindSecGroups, checkGroups, type GroupWish } from './sec-group-binding.ts';
import type { InterfaceRecord, Placed, SubnetRecord } from './state.ts';

const here = { ...place, ProjectId: text };
const pair = { ...here, InterfaceId: text, InstanceId: text };

/**
 * Elastic network interfaces. 58205: already attached, or attached to another machine; 4207: as many as its CPUs allow; 8905: the
 * machine is neither running nor stopped; 57000: no free address in the subnet.
 * @source UCloud API reference, vpc2.0-api; ucloud-sdk-python3 0.11.150 services/vpc; ucloud/uk8s-cni-vpc @736247a for 58205
 */
export const networkInterfaceActions: Readonly<Record<string, Action<VpcCloud>>> = {
  CreateNetworkInterface: action(
    {
      ...here,
      VPCId: text,
      SubnetId: text,
      Name: text.default('UNI'),
      PrivateIp: z.array(address).max(1, 'only one private address can be chosen').default([]),
      Tag: text.default('Default'),
      Remark: text.default(''),
      SecurityMode: integer
        .pipe(z.union([z.literal(0), z.literal(1)], 'write 0 for a firewall, 1 for groups'))
        .default(0),
      SecurityGroupId: text.optional(),
      PrioritySecGroup: z.array(z.strictObject({ SecGroupId: text, Priority: integer })).default([]),
      EipDirectMode: flag.optional(),
      EipDirectVersion: integer.optional(),
    },
    (args, { state, network, now }) => {
      refuseWhatIsNotSimulated(args);
      const subnet = subnetOf(args.SubnetId, state);
      checkSecurity(args, subnet, state);
      if (subnet.vpc !== args.VPCId) throw notValid('VPCId', `${subnet.id} belongs to ${subnet.vpc}`);
      const limit = state.limits.interfaces;
      if (quotaLeft('interfaces', state) < 1)
        throw new Refusal(4207, `the account has as many interfaces as its quota of ${limit} allows`);
      const record: InterfaceRecord = {
        id: `uni-${drawName(state.chance, 12)}`,
        name: args.Name,
        tag: args.Tag,
        remark: args.Remark,
        vpc: subnet.vpc,
        subnet: subnet.id,
        ip: chooseIp(args.PrivateIp[0], subnet, state),
        mac: `52:54:00${drawHex(state.chance, 6).replace(/../g, ':$&')}`.toUpperCase(),
        createdAt: Math.floor(now() / 1000),
        securityMode: args.SecurityMode === 1 ? 'SecGroup' : 'Firewall',
        machine: undefined,
        at: 'free',
        trouble: undefined,
      };
      state.interfaces.push(record);
      bindSecGroups(record.id, args.PrioritySecGroup, state);
      network.changed('groups');
      return { NetworkInterface: createdForm(record, state) };
    },
  ),

  AttachNetworkInterface: action(pair, async ({ InterfaceId, InstanceId }, cloud) => {
    const { state, machines, interfaces } = cloud;
    const record = interfaceOf(InterfaceId, state);
    const machine = machineOf(InstanceId, state);
    await machines.look([machine]);
    checkAttach(record, machine, state);
    interfaces.attach(record, machine.id);
    return {};
  }),

  DetachNetworkInterface: action(pair, ({ InterfaceId, InstanceId }, { state, interfaces }) => {
    const record = interfaceOf(InterfaceId, state);
    const machine = machineOf(InstanceId, state);
    if (record.at !== 'attached' || record.machine !== machine.id)
      throw new Refusal(
        58205,
        `${record.id} is ${record.at}${record.machine ? `, and belongs to ${record.machine}` : ''}`,
      );
    interfaces.detach(record);
    return {};
  }),

  DeleteNetworkInterface: action({ ...here, InterfaceId: text }, ({ InterfaceId }, { state, interfaces, network }) => {
    const record = interfaceOf(InterfaceId, state);
    if (record.at !== 'free') throw new Refusal(5024, `${record.id} must be detached from ${record.machine} first`);
    interfaces.remove(record);
    network.changed('groups');
    return {};
  }),

  DescribeNetworkInterface: action(
    {
      ...here,
      ...page(20),
      VPCId: text.optional(),
      SubnetId: text.optional(),
      InterfaceId: texts,
      OnlyDefault: flag.default(false),
      NoRecycled: flag.optional(),
      Tag: text.optional(),
      WithSecGroup: flag.optional(),
    },
    (args, cloud) => {
      const found = nicsOf(cloud.state)
        // A machine without elastic interfaces has none that the API would list.
        .filter(({ record, machine }) => record !== undefined || machine?.nic !== undefined)
        .filter(({ object }) => args.InterfaceId.length === 0 || args.InterfaceId.includes(object))
        .filter(({ vpc }) => args.VPCId === undefined || vpc === args.VPCId)
        .filter(({ subnet }) => args.SubnetId === undefined || subnet === args.SubnetId)
        .filter(({ record }) => !args.OnlyDefault || record === undefined)
        .filter(({ record }) => args.Tag === undefined || (record?.tag ?? 'Default') === args.Tag);
      const { TotalCount, shown } = pageOf(found, args);
      return { TotalCount, NetworkInterfaceSet: shown.map((nic) => nicForm(nic, cloud)) };
    },
  ),

  DescribeInstanceNetworkInterface: action({ ...here, ...page(20), InstanceId: text }, (args, { state }) => {
    const machine = machineOf(args.InstanceId, state);
    const found = nicsOf(state).filter(
      (nic) => machine.nic !== undefined && nic.machine === machine && nic.record?.at !== 'attaching',
    );
    return { NetworkInterfaceSet: pageOf(found, args).shown.map((nic) => attachedForm(nic, state)) };
  }),
};

/** Better refused than taken and ignored. */
function refuseWhatIsNotSimulated(args: {
  readonly SecurityGroupId?: string | undefined;
  readonly EipDirectMode?: boolean | undefined;
}): void {
  for (const [name, given] of [
    ['SecurityGroupId', args.SecurityGroupId !== undefined],
    ['EipDirectMode', args.EipDirectMode === true],
  ] as const)
    if (given) throw notValid(name, 'firewalls and public addresses of interfaces are not simulated');
}

/** As of a machine: with groups there is at least one from the first packet on. @fails Refusal */
function checkSecurity(
  {
    SecurityMode,
    PrioritySecGroup,
  }: { readonly SecurityMode: number; readonly PrioritySecGroup: readonly GroupWish[] },
  { vpc }: SubnetRecord,
  state: Placed,
): void {
  if (SecurityMode === 0 && PrioritySecGroup.length > 0)
    throw notValid('PrioritySecGroup', 'security groups need SecurityMode 1');
  if (SecurityMode === 1 && PrioritySecGroup.length === 0) throw missing('PrioritySecGroup');
  checkGroups(vpc, [], PrioritySecGroup, state);
}

/** The default one of a machine is none: it comes and goes with its machine. @fails Refusal 8039 */
function interfaceOf(id: string, state: Placed): InterfaceRecord {
  const record = state.interfaces.find((one) => one.id === id);
  if (record !== undefined) return record;
  if (state.machines.some(({ nic }) => nic === id))
    throw notValid('InterfaceId', `${id} is the interface that its machine was made with`);
  throw new Refusal(8039, `interface ${id} does not exist`);
}

/** @fails Refusal 57000 · 230 */
function chooseIp(wanted: string | undefined, subnet: SubnetRecord, state: Placed): string {
  const [range, taken] = [rangeOf(subnet), takenIn(subnet.id, state)];
  if (wanted !== undefined && (taken.has(wanted) || !isUsable(range, numberOf(wanted as Ip))))
    throw notValid('PrivateIp.0', `${wanted} is in use or not a usable address of ${subnet.cidr}`);
  const ip = wanted ?? chooseAddresses(range, taken, 1)[0];
  if (ip === undefined) throw new Refusal(57000, `no free address left in ${subnet.id} (${subnet.cidr})`);
  return ip;
}

/** @fails Refusal */
function checkAttach(record: InterfaceRecord, machine: MachineRecord, state: Placed): void {
  if (machine.nic === undefined) throw notValid('InstanceId', `${machine.id} was not made with Features.UNI`);
  if (record.at !== 'free') throw new Refusal(58205, `${record.id} is ${record.at}, and belongs to ${record.machine}`);
  if (record.vpc !== machine.vpc) throw notValid('InstanceId', `${machine.id} is in ${machine.vpc}`);
  if (machine.life.job !== undefined || !['Running', 'Stopped'].includes(machine.life.state))
    throw new Refusal(8905, `UHost ${machine.id} is ${machine.life.state}; attach when it is Running or Stopped`);
  const quota = interfaceQuota(machine);
  if (nicsOf(state).filter((nic) => nic.machine === machine).length >= quota)
    throw new Refusal(4207, `${machine.id} has as many interfaces as its ${machine.cpu} CPUs allow: ${quota}`);
}

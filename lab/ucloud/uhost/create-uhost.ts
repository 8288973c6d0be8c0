import * as z from 'zod';
import { type Ip, numberOf } from '#unit/ip.ts';
import { drawHex, drawName } from '../engine/random.ts';
import { address, flag, integer, place, text } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { recordAttachment } from '../udisk/attachment.ts';
import { recordDisk } from '../udisk/disk-wish.ts';
import { kindOfType } from '../udisk/kind.ts';
import { checkDiskQuota } from '../udisk/limits.ts';
import { clusterOf } from '../udisk/lookup.ts';
import { chooseFirewall, grantFirewall } from '../unet/firewall.ts';
import { chooseAddresses, isUsable } from '../vpc/choose-address.ts';
import { rangeOf, takenIn } from '../vpc/lookup.ts';
import { bindSecGroups, checkGroups, type GroupWish } from '../vpc/sec-group-binding.ts';
import type { SubnetRecord } from '../vpc/state.ts';
import type { UhostCloud } from './cloud.ts';
import { checkMachineQuota, stockOf } from './limits.ts';
import { newborn } from './machine-life.ts';
import type { DiskRecord, ImageRecord, MachineRecord } from './state.ts';

const disk = z.strictObject({
  // terraform writes it small.
  IsBoot: z
    .string()
    .regex(/^(true|false)$/i, 'write True or False')
    .transform((value) => value.toLowerCase() === 'true'),
  Type: text,
  Size: integer,
  BackupType: z.enum(['NONE', 'SNAPSHOT']).optional(),
  Encrypted: flag.optional(),
  KmsKeyId: text.optional(),
  SnapshotId: text.optional(),
});

/** What CheckUHostResourceCapacity and CreateUHostInstance both take. */
export const capacityShape = {
  ...place,
  Zone: text,
  ImageId: text,
  Disks: z.array(disk).min(1),
  ChargeType: z.enum(['Year', 'Month', 'Dynamic', 'Postpay', 'Spot']).default('Month'),
  CPU: integer.default(4),
  Memory: integer.default(8192),
  GpuType: text.optional(),
  GPU: integer.optional(),
  NetCapability: z.enum(['Normal', 'Super', 'Ultra', 'Extreme']).default('Normal'),
  HotplugFeature: flag.optional(),
  IsolationGroup: text.optional(),
  MachineType: z.enum(['N', 'C', 'G', 'O', 'OM', 'OMEM', 'OPRO', 'OPROG']).default('N'),
  MinimalCpuPlatform: text.default('Intel/Auto'),
  MaxCount: integer.pipe(z.number().min(1).max(100)).default(1),
  MinCount: integer.pipe(z.number().min(1).max(100)).default(1),
  Features: z.strictObject({ UNI: flag.default(false) }).default({ UNI: false }),
  SecurityMode: z.enum(['Firewall', 'SecGroup']).default('Firewall'),
  UHostFamily: text.optional(),
  UHostType: text.optional(),
};

export const createShape = {
  ...capacityShape,
  LoginMode: z.enum(['Password', 'KeyPair', 'ImagePasswd']),
  Password: text.optional(),
  KeyPairId: text.optional(),
  Name: z.string().max(63).default('UHost'),
  Tag: text.default('Default'),
  Quantity: integer.optional(),
  VPCId: text.optional(),
  SubnetId: text.optional(),
  PrivateIp: z.array(address).max(1, 'only one private address can be chosen').default([]),
  SecurityGroupId: text.optional(),
  SecGroupId: z.array(z.strictObject({ Id: text, Priority: integer })).default([]),
  AlarmTemplateId: integer.optional(),
  NetworkInterface: z.array(z.unknown()).default([]),
  UserData: text.optional(),
  AutoDataDiskInit: z.enum(['On', 'Off']).default('On'),
  UDSetId: text.optional(),
  UDHostId: text.optional(),
  HostBinding: flag.optional(),
  Labels: z.array(z.strictObject({ Key: text, Value: text })).default([]),
  DeletionProtection: flag.optional(),
};

type CapacityArgs = z.output<z.ZodObject<typeof capacityShape>>;
type CreateArgs = z.output<z.ZodObject<typeof createShape>>;

/**
 * Checks a wish and records the machines, which may be fewer than asked when stock or the subnet is short.
 * @fails Refusal, with the code that the published list has for it
 */
export function createMachineRecords(args: CreateArgs, cloud: UhostCloud): MachineRecord[] {
  checkShape(args, cloud);
  checkLogin(args);
  checkUserData(args, cloud);
  if (args.MinCount > args.MaxCount)
    throw notValid('MinCount', `${args.MinCount} is more than MaxCount ${args.MaxCount}`);
  refuseWhatIsNotSimulated(args);
  const firewall = args.SecurityMode === 'Firewall' ? chooseFirewall(args.SecurityGroupId, cloud.state) : undefined;
  const subnet = chooseSubnet(args, cloud);
  checkMachineQuota(args.MaxCount, args.CPU, cloud.state);
  checkDiskQuota(args.Disks.filter(livesByItself).length * args.MaxCount, cloud.state);
  const groups = readGroups(args, subnet, cloud);
  const ips = chooseIps(args, subnet, cloud);
  const records = ips.map((ip) => newRecord(args, subnet, ip, cloud));
  cloud.state.machines.push(...records);
  for (const machine of records) recordDataDisks(machine, args, cloud);
  for (const { id, nic } of records) {
    bindSecGroups(nic ?? id, groups, cloud.state);
    for (const { Key, Value } of args.Labels) cloud.state.labels.push({ resource: id, key: Key, value: Value });
    if (firewall !== undefined) grantFirewall(firewall.id, id, cloud.state);
  }
  return records;
}

/** @source code list of UHost: 8044 to 8046 bad CPU or memory, 8316 boot disk and image do not fit */
export function checkShape(args: CapacityArgs, { state }: UhostCloud): ImageRecord {
  const image = state.images.find(({ id }) => id === args.ImageId);
  if (image === undefined) throw new Refusal(8039, `image ${args.ImageId} does not exist`);
  if (image.at !== 'Available') throw notValid('ImageId', `${image.id} is ${image.at}`);
  if (args.CPU < 1 || args.CPU > 64) throw new Refusal(8044, `${args.CPU} is no number of CPUs that is sold`);
  if (args.Memory < 1024 || args.Memory % 1024 !== 0)
    throw new Refusal(8045, `Memory ${args.Memory} is not a multiple of 1024 MB`);
  if (args.MachineType === 'G' && args.GPU === undefined) throw missing('GPU');
  if (args.Features.UNI && args.NetCapability !== 'Normal')
    throw notValid('NetCapability', 'elastic interfaces exclude network enhancement');
  checkDisks(args, image);
  return image;
}

/** Sizes in GB by disk type: as a boot disk, as a data disk; absent where the type can't be that. */
const diskSizes: Readonly<Record<string, { boot?: readonly [number, number]; data?: readonly [number, number] }>> = {
  LOCAL_NORMAL: { boot: [20, 100], data: [20, 2000] },
  LOCAL_SSD: { boot: [20, 100], data: [20, 1000] },
  CLOUD_NORMAL: { data: [20, 8000] },
  CLOUD_SSD: { boot: [20, 500], data: [20, 8000] },
  CLOUD_ESSD: { data: [20, 8000] },
  CLOUD_RSSD: { boot: [20, 500], data: [20, 32000] },
};

function checkDisks(args: CapacityArgs, image: ImageRecord): void {
  const boots = args.Disks.filter((one) => one.IsBoot);
  if (boots.length !== 1) throw notValid('Disks', 'exactly one disk must have IsBoot True');
  for (const [at, { Type, IsBoot, Size }] of args.Disks.entries()) {
    const range = diskSizes[Type]?.[IsBoot ? 'boot' : 'data'];
    if (range === undefined) throw notValid(`Disks.${at}.Type`, `${Type} is not sold as this kind of disk`);
    if (Size < range[0] || Size > range[1])
      throw notValid(`Disks.${at}.Size`, `${Type} is sold from ${range[0]} to ${range[1]} GB`);
    if (IsBoot && Size < image.sizeGib)
      throw new Refusal(8316, `a boot disk of ${Size} GB does not hold image ${image.id} of ${image.sizeGib} GB`);
    if (IsBoot && /^O(PRO)?$/.test(args.MachineType) && Type !== 'CLOUD_RSSD')
      throw notValid(`Disks.${at}.Type`, `machine type ${args.MachineType} needs a CLOUD_RSSD boot disk`);
  }
}

/** A data disk of the network outlives its machine, and can be detached from it. */
function livesByItself({ IsBoot, Type }: CapacityArgs['Disks'][number]): boolean {
  return !IsBoot && kindOfType(Type) !== undefined;
}

/** They are made with the machine, and attached when it starts for the first time. */
function recordDataDisks(machine: MachineRecord, args: CreateArgs, cloud: UhostCloud): void {
  for (const wish of args.Disks) {
    const kind = livesByItself(wish) ? kindOfType(wish.Type) : undefined;
    if (kind === undefined) continue;
    const disk = recordDisk(
      {
        name: `${args.Name}-data`,
        tag: args.Tag,
        zone: args.Zone,
        kind,
        sizeGib: wish.Size,
        chargeType: args.ChargeType === 'Spot' ? 'Dynamic' : args.ChargeType,
        quantity: args.Quantity ?? 1,
        rdmaCluster: clusterOf(machine) || undefined,
        key: wish.KmsKeyId,
        copyOf: undefined,
      },
      cloud,
    );
    disk.at = 'ready';
    recordAttachment(disk, machine, { isShared: false }, cloud.state).at = 'attached';
  }
}

function checkLogin({ LoginMode, Password, KeyPairId }: CreateArgs): void {
  if (LoginMode === 'Password' && Password === undefined) throw missing('Password');
  if (Password !== undefined && !isBase64(Password)) throw notValid('Password', 'not base64');
  if (LoginMode === 'KeyPair' && KeyPairId === undefined) throw missing('KeyPairId');
}

function checkUserData({ UserData }: CreateArgs, { bounds }: UhostCloud): void {
  if (UserData === undefined) return;
  if (!isBase64(UserData)) throw notValid('UserData', 'not base64');
  const size = Buffer.from(UserData, 'base64').length;
  if (size > bounds.userData) throw notValid('UserData', `${size} bytes, at most ${bounds.userData} are allowed`);
}

function isBase64(value: string): boolean {
  return z.base64().safeParse(value).success;
}

/** Better refused than taken and ignored: nothing here has elastic addresses, key pairs or isolation groups. */
function refuseWhatIsNotSimulated(args: CreateArgs): void {
  for (const [name, given] of [
    ['NetworkInterface', args.NetworkInterface.length > 0],
    ['KeyPairId', args.KeyPairId !== undefined],
    ['IsolationGroup', args.IsolationGroup !== undefined],
    ['UDSetId', args.UDSetId !== undefined],
    ['UDHostId', args.UDHostId !== undefined],
  ] as const)
    if (given) throw new Refusal(8039, `${name} names something that does not exist`);
}

/** A machine in security-group mode has at least one group from its first packet on. */
function readGroups(args: CreateArgs, { vpc }: SubnetRecord, { state }: UhostCloud): readonly GroupWish[] {
  if (args.SecurityMode === 'Firewall' && args.SecGroupId.length > 0)
    throw notValid('SecGroupId', 'security groups need SecurityMode SecGroup');
  if (args.SecurityMode === 'SecGroup' && args.SecGroupId.length === 0) throw missing('SecGroupId');
  const groups = args.SecGroupId.map(({ Id, Priority }) => ({ SecGroupId: Id, Priority }));
  checkGroups(vpc, [], groups, state);
  return groups;
}

/** Without a choice the first subnet of the first VPC is the default one. */
function chooseSubnet({ VPCId, SubnetId }: CreateArgs, { state }: UhostCloud): SubnetRecord {
  const vpc = VPCId ?? state.subnets.find(({ id }) => id === SubnetId)?.vpc ?? state.vpcs[0]?.id;
  if (!state.vpcs.some(({ id }) => id === vpc)) throw new Refusal(8123, `VPC ${vpc} does not exist`);
  const subnet = state.subnets.find(({ id, vpc: home }) => home === vpc && (SubnetId === undefined || id === SubnetId));
  if (subnet === undefined) throw new Refusal(8124, `VPC ${vpc} has no subnet ${SubnetId ?? ''}`);
  return subnet;
}

/** One address a machine. @fails Refusal 8224 out of stock (the nearest published code), 8847 subnet out of addresses */
function chooseIps(args: CreateArgs, subnet: SubnetRecord, cloud: UhostCloud): string[] {
  const taken = takenIn(subnet.id, cloud.state);
  const [wanted] = args.PrivateIp;
  if (wanted !== undefined) {
    if (args.MaxCount > 1) throw notValid('PrivateIp', 'one address can not be given to several machines');
    if (taken.has(wanted) || !isUsable(rangeOf(subnet), numberOf(wanted as Ip)))
      throw notValid('PrivateIp', `${wanted} is in use or not a usable address of ${subnet.cidr}`);
  }
  const stock = stockOf(cloud.state);
  if (stock < args.MinCount) throw new Refusal(8224, `only ${stock} machines of this kind are left in the zone`);
  const count = Math.min(args.MaxCount, stock);
  const ips = wanted === undefined ? chooseAddresses(rangeOf(subnet), taken, count) : [wanted];
  if (ips.length < args.MinCount) throw new Refusal(8847, `${subnet.id} is out of addresses`);
  return ips;
}

function newRecord(args: CreateArgs, subnet: SubnetRecord, ip: string, { state, now }: UhostCloud): MachineRecord {
  const { chance } = state;
  return {
    id: `uhost-${drawName(chance, 12)}`,
    name: args.Name,
    tag: args.Tag,
    zone: args.Zone,
    image: args.ImageId,
    cpu: args.CPU,
    memoryMib: args.Memory,
    machineType: args.MachineType,
    chargeType: args.ChargeType,
    netCapability: args.NetCapability,
    vpc: subnet.vpc,
    subnet: subnet.id,
    ip,
    mac: `52:54:00${drawHex(chance, 6).replace(/../g, ':$&')}`.toUpperCase(),
    nic: args.Features.UNI ? `uni-${drawName(chance, 12)}` : undefined,
    securityMode: args.SecurityMode,
    // Its boot disk is the first, whatever the order of the wish.
    disks: args.Disks.filter((one) => !livesByItself(one))
      .toSorted((a, b) => Number(b.IsBoot) - Number(a.IsBoot))
      .map(
        ({ IsBoot, Type, Size }): DiskRecord => ({
          id: `${Type === 'CLOUD_RSSD' ? 'bsr' : 'bsi'}-${drawName(chance, 12)}`,
          boot: IsBoot,
          type: Type,
          sizeGib: Size,
        }),
      ),
    userData: args.UserData ?? '',
    password: args.LoginMode === 'Password' ? args.Password : undefined,
    createdAt: Math.floor(now() / 1000),
    life: newborn,
    doomed: false,
    destroyed: false,
    trouble: undefined,
  };
}

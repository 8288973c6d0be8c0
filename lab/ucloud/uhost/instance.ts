import { type Action, flag, integer, page, pageOf, place, text, texts } from '../gateway/declare.ts';
import type { FaultWish } from '../gateway/fault-wish.ts';
import { notValid } from '../gateway/refusal.ts';
import { deviceName } from '../udisk/device-name.ts';
import { diskKinds } from '../udisk/kind.ts';
import { attachmentsIn, clusterOf, diskOf, isInReach, rdmaClusters } from '../udisk/lookup.ts';
import { nicsOf } from '../vpc/nic.ts';
import { action, type UhostCloud, type UhostSeen } from './cloud.ts';
import { capacityShape, checkShape, createMachineRecords, createShape } from './create-uhost.ts';
import { baseOf } from './image.ts';
import { stockOf } from './limits.ts';
import { machineOf } from './lookup.ts';
import { type DiskRecord, isListed, type MachineRecord } from './state.ts';

const one = { ...place, UHostId: text };

/**
 * Virtual machines.
 * @source UCloud API reference, uhost-api; ucloud-sdk-python3 0.11.150 services/uhost
 */
export const uhostActions: Readonly<Record<string, Action<UhostCloud>>> = {
  CreateUHostInstance: action(
    createShape,
    (args, cloud) => {
      const machines = createMachineRecords(args, cloud);
      for (const machine of machines) cloud.machines.install(machine);
      const UHostIds = machines.map(({ id }) => id);
      // The addresses are not told for a batch.
      return args.MaxCount > 1 ? { UHostIds } : { UHostIds, IPs: machines.map(({ ip }) => ip) };
    },
    { spoil },
  ),

  CheckUHostResourceCapacity: action(capacityShape, (args, cloud) => {
    checkShape(args, cloud);
    return {
      ResourceEnough: stockOf(cloud.state) >= Math.max(args.MinCount, args.MaxCount),
      RdmaClusterIds: [],
    };
  }),

  DescribeUHostInstance: action(
    {
      ...place,
      ...page(20, 100),
      UHostIds: texts,
      Tag: text.optional(),
      IsolationGroup: text.optional(),
      VPCId: text.optional(),
      SubnetId: text.optional(),
      UDiskIdForAttachment: text.optional(),
    },
    async (args, { state, machines }) => {
      const disk = args.UDiskIdForAttachment;
      const wanted = disk === undefined ? undefined : diskOf(disk, args.Zone, state);
      const found = state.machines
        .filter(isListed)
        .filter(({ id }) => args.UHostIds.length === 0 || args.UHostIds.includes(id))
        .filter(({ zone }) => args.Zone === undefined || zone === args.Zone)
        .filter(({ tag }) => args.Tag === undefined || tag === args.Tag)
        .filter(({ vpc }) => args.VPCId === undefined || vpc === args.VPCId)
        .filter(({ subnet }) => args.SubnetId === undefined || subnet === args.SubnetId)
        // Nothing here is in an isolation group.
        .filter(() => args.IsolationGroup === undefined)
        .filter((machine) => wanted === undefined || isInReach(wanted, machine));
      const { TotalCount, shown } = pageOf(found, args);
      const unread = await machines.look(shown);
      return { TotalCount, UHostSet: shown.map((machine) => instanceSet(machine, unread.has(machine.id), state)) };
    },
  ),

  StartUHostInstance: action({ ...one, DiskPassword: text.optional() }, orders('start')),
  StopUHostInstance: action(one, orders('stop')),
  PoweroffUHostInstance: action(one, orders('off')),
  RebootUHostInstance: action({ ...one, DiskPassword: text.optional() }, orders('reboot')),

  TerminateUHostInstance: action(
    { ...one, ReleaseEIP: flag.optional(), ReleaseUDisk: flag.optional(), Destroy: integer.optional() },
    async (args, cloud) => {
      const machine = machineOf(args.UHostId, cloud.state);
      machine.releasesDisks = args.ReleaseUDisk === true;
      return { ...(await orders('end')(args, cloud)), InRecycle: 'No' };
    },
  ),

  ModifyUHostInstanceTag: action({ ...one, Tag: text.default('Default') }, (args, { state }) => {
    machineOf(args.UHostId, state).tag = args.Tag;
    return { UHostId: args.UHostId };
  }),

  ModifyUHostInstanceRemark: action({ ...one, Remark: text.default('') }, (args, { state }) => {
    machineOf(args.UHostId, state).remark = args.Remark;
    return { UHostId: args.UHostId };
  }),

  ModifyUHostInstanceName: action({ ...one, Name: text }, (args, { state }) => {
    if (args.Name.length > 63) throw notValid('Name', 'a name has 1 to 63 characters');
    machineOf(args.UHostId, state).name = args.Name;
    return { UHostId: args.UHostId };
  }),
};

function spoil(answer: object, { state }: UhostCloud, { kind }: FaultWish): void {
  const { UHostIds } = answer as { readonly UHostIds: readonly string[] };
  for (const machine of state.machines) {
    if (!UHostIds.includes(machine.id)) continue;
    if (kind === 'install-fail') machine.doomed = true;
    if (kind === 'other-rdma-cluster') machine.rdmaCluster = rdmaClusters[1];
  }
}

/** Looks first: a machine whose guest shut it down must not be refused a start for being Running. */
function orders(job: 'start' | 'stop' | 'off' | 'reboot' | 'end') {
  return async ({ UHostId }: { UHostId: string }, { state, machines }: UhostCloud) => {
    const machine = machineOf(UHostId, state);
    await machines.look([machine]);
    machines.order(machineOf(UHostId, state), job);
    return { UHostId };
  };
}

function instanceSet(machine: MachineRecord, isUnread: boolean, state: UhostSeen): object {
  const base = state.images.find(({ id }) => id === baseOf(machine.image, state));
  const { life } = machine;
  const disks = disksOf(machine, state);
  return {
    Zone: machine.zone,
    UHostId: machine.id,
    UHostType: '',
    MachineType: machine.machineType,
    CpuPlatform: 'Intel/Auto',
    StorageType: machine.disks.some(({ type }) => type.startsWith('LOCAL')) ? 'LocalDisk' : 'UDisk',
    ImageId: machine.image,
    BasicImageId: baseOf(machine.image, state),
    BasicImageName: base?.name ?? '',
    OsName: base?.name ?? '',
    OsType: 'Linux',
    Tag: machine.tag,
    Remark: machine.remark ?? '',
    Name: machine.name,
    // The empty string is how the API says that it could not read the state; it does not mean gone.
    State: isUnread ? '' : life.state,
    BootDiskState: life.state === 'Initializing' ? 'Initializing' : 'Normal',
    CreateTime: machine.createdAt,
    ChargeType: machine.chargeType === 'Spot' ? 'Preemptive' : machine.chargeType,
    CPU: machine.cpu,
    Memory: machine.memoryMib,
    GPU: 0,
    AutoRenew: 'No',
    NetCapability: machine.netCapability,
    NetworkState: 'Connected',
    NetFeatureTag: machine.securityMode,
    HostType: '',
    LifeCycle: 'Normal',
    IsolationGroup: '',
    RdmaClusterId: clusterOf(machine),
    TimemachineFeature: 'no',
    HotplugFeature: false,
    CloudInitFeature: true,
    IPv6Feature: false,
    HpcFeature: false,
    EpcInstance: false,
    SecGroupInstance: machine.securityMode === 'SecGroup',
    TotalDiskSpace: disks.filter(({ boot }) => !boot).reduce((sum, { sizeGib }) => sum + sizeGib, 0),
    DiskSet: disks.map(({ id, boot, type, sizeGib, device }) => ({
      DiskId: id,
      DiskType: type,
      IsBoot: boot ? 'True' : 'False',
      Type: boot ? 'Boot' : type.startsWith('LOCAL') ? 'Data' : 'Udisk',
      Drive: device,
      Size: sizeGib,
      Encrypted: 'false',
      BackupType: 'NONE',
    })),
    IPSet: nicsOf(state)
      .filter((nic) => nic.machine === machine && nic.record?.at !== 'attaching')
      .map((nic) => ({
        IPMode: 'IPv4',
        Type: 'Private',
        Default: nic.record === undefined ? 'true' : 'false',
        IP: nic.ip,
        IPId: '',
        Mac: nic.mac,
        VPCId: nic.vpc,
        SubnetId: nic.subnet,
        NetworkInterfaceId: nic.object === machine.id ? '' : nic.object,
      })),
  };
}

/** What lies in the machine, then what it has been given. */
function disksOf(machine: MachineRecord, { udisks }: UhostSeen): readonly (DiskRecord & { readonly device: string })[] {
  return [
    ...machine.disks.map((disk, number) => ({ ...disk, device: deviceName(number) })),
    ...attachmentsIn(machine.id, udisks)
      .filter(({ attachment }) => attachment.at !== 'attaching')
      .map(({ disk: { id, kind, sizeGib }, attachment: { device } }) => ({
        id,
        boot: false,
        type: diskKinds[kind].type,
        sizeGib,
        device,
      })),
  ];
}

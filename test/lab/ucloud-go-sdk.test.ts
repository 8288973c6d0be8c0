import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { beforeAll, test } from 'vitest';
import { artifact } from '#lab/toolchain/artifact.ts';
import { command } from '#lab/toolchain/command.ts';
import { products } from '#lab/ucloud/products.ts';
import { makeCertificate } from '#lab/ucloud/test-certificate.ts';
import { account, startTestCloud, type TestCloud, wish } from '#lab/ucloud/test-cloud.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';

const module = join(import.meta.dirname, 'ucloud-go');
const run = promisify(execFile);

/** What the simulated cloud has and this version of the SDK lacks. */
const newer = [
  // Security groups came to the SDK later (0.22.98 has them).
  'AssociateSecGroup',
  'CreateSecGroup',
  'CreateSecGroupRule',
  'DeleteSecGroup',
  'DeleteSecGroupRule',
  'DescribeResourceSecGroup',
  'DescribeSecGroup',
  'DescribeSecGroupResource',
  'DisassociateSecGroup',
  'SwitchToFirewall',
  'SwitchToSecGroup',
  'UpdateSecGroup',
  'UpdateSecGroupRule',
  // So did the question for stock.
  'CheckUHostResourceCapacity',
  // And so did further certificates of a listener.
  'AddSSLBinding',
  'DeleteSSLBinding',
  // Snapshot services came in 0.22.98; the older list of file systems is in none.
  'CreateSnapshotService',
  'DeleteSnapshotService',
  'DescribeSnapshotService',
  'DescribeUFSVolume',
];

let program: string;
beforeAll(async () => {
  program = join(await buildWalk(), 'ucloud-go');
}, 600_000);

test('the official Go SDK walks through every action that it and the simulated cloud share', async () => {
  const cloud = await startTestCloud({ speed: 0.005 });
  const sdk = openSdk(cloud.url);
  try {
    await walk(sdk.ask, cloud);
    const { stdout } = await run(program, ['actions'], { timeout: 60_000 });
    const known = new Set(stdout.trim().split('\n'));
    const ours = products.flatMap(({ actions }) => Object.keys(actions));
    const sorted = (names: Iterable<string>) => [...names].sort();
    assert.deepEqual(sorted(ours.filter((name) => !known.has(name))), sorted(newer));
    assert.deepEqual(sorted(sdk.walked), sorted(ours.filter((name) => known.has(name))));
  } finally {
    sdk.close();
    await cloud.close();
  }
}, 200_000);

// What is read is what the SDK's own model made of the answer; a field of another type would be an error.
// biome-ignore lint/suspicious/noExplicitAny: answers of sixty actions
type Answer = any; // oxlint-disable-line typescript/no-explicit-any -- as above
type Ask = (action: string, params?: object, code?: number) => Promise<Answer>;

async function walk(ask: Ask, { cloud }: TestCloud): Promise<void> {
  const place = { VPCId: 'uvnet-lab', SubnetId: 'subnet-lab' };

  assert.ok((await ask('GetRegion')).Regions.some(({ Zone }: Answer) => Zone === account.zone));
  assert.equal((await ask('GetProjectList')).ProjectSet[0].ProjectId, account.project.id);
  const { Credentials } = await ask('AssumeRole', { RoleUrn: 'ucs:iam::1:role/r', RoleSessionName: 'walk' });
  assert.match(Credentials.AccessKeyId, /^STS\./);

  const { VPCId } = await ask('CreateVPC', { Name: 'walk', Network: ['10.30.0.0/16'] });
  const { SubnetId } = await ask('CreateSubnet', { VPCId, Subnet: '10.30.1.0', Netmask: 24, SubnetName: 'walk' });
  assert.equal((await ask('DescribeVPC', { VPCIds: [VPCId] })).DataSet[0].Name, 'walk');
  assert.equal(
    (await ask('DescribeSubnet', { SubnetIds: [SubnetId], ShowAvailableIPs: true })).DataSet[0].AvailableIPs,
    253,
  );
  await ask('AddVPCNetwork', { VPCId, Network: ['10.31.0.0/16'] });
  await ask('AddVPCNetwork', { VPCId, Network: ['10.31.4.0/24'] }, 5022);
  assert.equal((await ask('DescribeVPC', { VPCIds: [VPCId] })).DataSet[0].Network.length, 2);
  await ask('UpdateSubnetAttribute', { SubnetId, Name: 'changed' });
  assert.equal((await ask('DescribeSubnet', { SubnetIds: [SubnetId] })).DataSet[0].SubnetName, 'changed');
  await ask('DeleteVPC', { VPCId }, 5024);
  await ask('DeleteSubnet', { SubnetId });
  await ask('DeleteVPC', { VPCId });

  const [image] = (await ask('DescribeImage', { ImageId: 'uimage-base' })).ImageSet;
  const create = async (name: string, more: object = {}): Promise<Answer> => {
    const { UHostIds } = await ask('CreateUHostInstance', { ...machineWish(image.ImageId), Name: name, ...more });
    return waitForState(ask, UHostIds[0], 'Running');
  };
  const one = await create('one');
  const two = await create('two', { Features: { UNI: true } });
  const [mine] = one.IPSet;

  await ask('ModifyUHostInstanceName', { UHostId: one.UHostId, Name: 'renamed' });
  await ask('ModifyUHostInstanceTag', { UHostId: one.UHostId, Tag: 'other' });
  await ask('ModifyUHostInstanceRemark', { UHostId: one.UHostId, Remark: 'by the walk' });
  const [changed] = (await ask('DescribeUHostInstance', { UHostIds: [one.UHostId] })).UHostSet;
  assert.deepEqual([changed.Name, changed.Tag, changed.Remark], ['renamed', 'other', 'by the walk']);
  assert.ok((await ask('DescribeSubnetResource', { SubnetId: 'subnet-lab' })).TotalCount >= 2);

  const home = { Zone: account.zone, Mac: mine.Mac, ObjectId: one.UHostId, ...place };
  const { IpInfo } = await ask('AllocateSecondaryIp', home);
  assert.equal(IpInfo.SubnetId, 'subnet-lab');
  assert.equal((await ask('AllocateBatchSecondaryIp', { ...home, Count: 2 })).IpsInfo.length, 2);
  assert.equal((await ask('DescribeSecondaryIp', { Zone: account.zone, ...place })).DataSet.length, 3);
  assert.equal((await ask('DescribePrivateIP', { ...place })).TotalCount, 5);
  const other = two.IPSet[0];
  await ask('MoveSecondaryIPMac', {
    Zone: account.zone,
    Ip: IpInfo.Ip,
    OldMac: mine.Mac,
    NewMac: other.Mac,
    SubnetId: 'subnet-lab',
  });
  // With the machine's id, as UCloud's own pod network does it.
  await ask('DeleteSecondaryIp', { ...home, Mac: other.Mac, ObjectId: two.UHostId, Ip: IpInfo.Ip });
  await ask('DeleteSecondaryIp', { ...home, Mac: other.Mac, ObjectId: two.UHostId, Ip: IpInfo.Ip }, 58221);

  const { NetworkInterface } = await ask('CreateNetworkInterface', { ...place, Name: 'walk' });
  const pair = { InterfaceId: NetworkInterface.InterfaceId, InstanceId: two.UHostId };
  await ask('AttachNetworkInterface', pair);
  const isAt = (status: number) =>
    waitFor(
      `the interface to have status ${status}`,
      async () => {
        const { NetworkInterfaceSet } = await ask('DescribeNetworkInterface', { InterfaceId: [pair.InterfaceId] });
        return NetworkInterfaceSet[0].Status === status && cloud.objects().interfaces[0]?.at !== 'attaching';
      },
      { within: seconds(60), every: ms(50) },
    );
  await isAt(1);
  assert.equal(
    (await ask('DescribeInstanceNetworkInterface', { InstanceId: two.UHostId })).NetworkInterfaceSet.length,
    2,
  );
  await ask('DetachNetworkInterface', pair);
  await isAt(0);
  await ask('DeleteNetworkInterface', { InterfaceId: pair.InterfaceId });

  const { FWId } = await ask('CreateFirewall', { Name: 'walk', Rule: ['TCP|22|192.168.1.1/22|ACCEPT|HIGH|'] });
  await ask('UpdateFirewall', { FWId, Rule: ['TCP|80|0.0.0.0/0|ACCEPT|LOW|'] });
  await ask('UpdateFirewallAttribute', { FWId, Remark: 'changed' });
  assert.equal((await ask('DescribeFirewall', { FWId })).DataSet[0].Remark, 'changed');
  await ask('GrantFirewall', { FWId, ResourceType: 'uhost', ResourceId: one.UHostId });
  assert.equal(
    (await ask('DescribeFirewall', { ResourceType: 'uhost', ResourceId: one.UHostId })).DataSet[0].FWId,
    FWId,
  );
  assert.equal((await ask('DescribeFirewallResource', { FWId })).TotalCount, 1);
  await ask('DeleteFirewall', { FWId }, 4361);
  await ask('GrantFirewall', { FWId: 'firewall-web', ResourceType: 'uhost', ResourceId: one.UHostId });
  await ask('DeleteFirewall', { FWId });

  const { RouteTableId } = await ask('CreateRouteTable', { VPCId: 'uvnet-lab', Name: 'walk' });
  const rule = `r|10.77.0.0/16|instance|${one.UHostId}|0|walk|add`;
  await ask('ModifyRouteRule', { RouteTableId, RouteRule: [rule] });
  const copy = await ask('CloneRouteTable', { RouteTableId });
  await ask('UpdateRouteTableAttribute', { RouteTableId, Name: 'changed' });
  await ask('AssociateRouteTable', { RouteTableId, SubnetId: 'subnet-small' });
  const [table] = (await ask('DescribeRouteTable', { RouteTableId })).RouteTables;
  assert.equal(table.SubnetCount, 1);
  await ask('DeleteRouteTable', { RouteTableId }, 58119);
  await ask('AssociateRouteTable', { RouteTableId: copy.RouteTableId, SubnetId: 'subnet-small' });
  await ask('DeleteRouteTable', { RouteTableId });

  await walkBalancers(ask, one);
  await walkApplicationBalancers(ask, one);
  await walkClassicBalancers(ask, one);
  await walkDisks(ask, one);
  await walkFileSystems(ask);

  const Labels = [{ Key: 'team', Value: 'shop' }];
  await ask('CreateLabels', { Labels });
  await ask('BindLabels', { ResourceIds: [one.UHostId], Labels });
  assert.equal((await ask('ListLabelsByResourceIds', { ResourceIds: [one.UHostId] })).TotalCount, 1);
  const found = await ask('ListResourcesByLabels', {
    Labels,
    ResourceTypes: ['uhost'],
    ProjectIds: [account.project.id],
  });
  assert.equal(found.Resources[0].ResourceId, one.UHostId);
  assert.ok((await ask('ListResourcesTypesForLabel')).ResourceTypes.includes('uhost'));
  assert.equal((await ask('ListLabels', { Category: 'custom' })).Labels[0].ResourceCount, 1);
  assert.deepEqual((await ask('ListProjectsByLabels', { Labels })).Projects[0].ResourceTypes, ['uhost']);
  await ask('UnbindLabels', { ResourceIds: [one.UHostId], Labels });

  await ask('RebootUHostInstance', { UHostId: one.UHostId });
  await waitForState(ask, one.UHostId, 'Running');
  await ask('StopUHostInstance', { UHostId: one.UHostId });
  await waitForState(ask, one.UHostId, 'Stopped');
  const custom = await ask('CreateCustomImage', { Zone: account.zone, UHostId: one.UHostId, ImageName: 'walk' });
  await waitFor(
    'the image',
    async () => {
      return (await ask('DescribeImage', { ImageId: custom.ImageId })).ImageSet[0].State === 'Available';
    },
    { within: seconds(60), every: ms(50) },
  );
  await ask('TerminateCustomImage', { ImageId: custom.ImageId });
  await ask('StartUHostInstance', { UHostId: one.UHostId });
  await waitForState(ask, one.UHostId, 'Running');
  await ask('PoweroffUHostInstance', { UHostId: one.UHostId });
  await waitForState(ask, one.UHostId, 'Stopped');
  await ask('TerminateUHostInstance', { UHostId: one.UHostId, Destroy: 1 });
  assert.equal((await ask('DescribeUHostInstance', { UHostIds: [one.UHostId] })).TotalCount, 0);
}

/** A balancer with one machine behind it, and an EIP. */
async function walkBalancers(ask: Ask, { UHostId, IPSet: [{ IP }] }: Answer): Promise<void> {
  const place = { VPCId: 'uvnet-lab', SubnetId: 'subnet-lab' };
  const { NLBId } = await ask('CreateNetworkLoadBalancer', { ...place, Name: 'walk', ChargeType: 'Dynamic' });
  const describe = async (): Promise<Answer> =>
    (await ask('DescribeNetworkLoadBalancers', { NLBIds: [NLBId], ShowDetail: true })).NLBs[0];
  await waitFor('the balancer to be listed', async () => (await describe()) !== undefined, { within: seconds(60) });
  await ask('UpdateNetworkLoadBalancerAttribute', { NLBId, Remark: 'by the walk' });
  assert.equal((await describe()).Remark, 'by the walk');
  const ports = { Protocol: 'TCP', StartPort: 80, EndPort: 80, HealthCheckConfig: { Port: 30_080 } };
  const { ListenerId } = await ask('CreateNLBListener', { NLBId, ...ports });
  await ask('CreateNLBListener', { NLBId, ...ports }, 4107);
  await ask('UpdateNLBListenerAttribute', { NLBId, ListenerId, Scheduler: 'SourceHash', StickinessTimeout: 0 });
  const { Targets } = await ask('AddNLBTargets', {
    NLBId,
    ListenerId,
    Targets: [{ ResourceId: UHostId, Port: 30_080 }],
  });
  assert.deepEqual([Targets[0].ResourceIP, Targets[0].State], [IP, 'Unhealthy']);
  await ask('UpdateNLBTargetsAttribute', { NLBId, ListenerId, Targets: [{ Id: Targets[0].Id, Weight: 5 }] });
  await waitFor(
    'the target to be healthy',
    async () => {
      const { Listeners } = await ask('DescribeNLBListeners', { NLBId, ListenerId });
      return Listeners[0]?.State === 'Healthy' && Listeners[0].Targets[0].Weight === 5;
    },
    { within: seconds(60) },
  );
  const { EIPSet } = await ask('AllocateEIP', { OperatorName: 'Bgp', Bandwidth: 2, ChargeType: 'Dynamic' });
  const [{ EIPId }] = EIPSet;
  const pair = { EIPId, ResourceType: 'ulb', ResourceId: NLBId };
  const isAt = (status: string) =>
    waitFor(
      `the EIP to be ${status}`,
      async () => (await ask('DescribeEIP', { EIPIds: [EIPId] })).EIPSet[0].Status === status,
      { within: seconds(60) },
    );
  await ask('UpdateEIPAttribute', { EIPId, Name: 'walk' });
  await ask('ModifyEIPBandwidth', { EIPId, Bandwidth: 3 });
  await ask('SetEIPPayMode', { EIPId, PayMode: 'Traffic', Bandwidth: 300 });
  await ask('BindEIP', pair);
  await isAt('used');
  assert.equal((await describe()).IPInfos[2].IP, EIPSet[0].EIPAddr[0].IP);
  await ask('ReleaseEIP', { EIPId }, 4212);
  await ask('UnBindEIP', pair);
  await isAt('free');
  await ask('ReleaseEIP', { EIPId });
  await ask('RemoveNLBTargets', { NLBId, ListenerId, Ids: [Targets[0].Id] });
  await ask('DeleteNLBListener', { NLBId, ListenerId });
  await ask('DeleteNetworkLoadBalancer', { NLBId });
}

/** A balancer that answers by HTTP and by HTTPS, with one machine behind it; this version's models know of forwarding rules only. */
async function walkApplicationBalancers(ask: Ask, { UHostId, IPSet: [{ IP }] }: Answer): Promise<void> {
  const place = { VPCId: 'uvnet-lab', SubnetId: 'subnet-lab' };
  const { LoadBalancerId } = await ask('CreateLoadBalancer', { ...place, Name: 'walk', ChargeType: 'Dynamic' });
  const describe = async (): Promise<Answer> => {
    const page = { LoadBalancerIds: [LoadBalancerId], ShowDetail: true, Offset: '0', Limit: '10' };
    return (await ask('DescribeLoadBalancers', page)).LoadBalancers[0];
  };
  await waitFor('the balancer to be listed', async () => (await describe()) !== undefined, { within: seconds(60) });
  await ask('UpdateLoadBalancerAttribute', { LoadBalancerId, Remark: 'by the walk' });
  const seen = await describe();
  assert.deepEqual([seen.Remark, seen.IPInfos.length, seen.SnatIPs.length], ['by the walk', 1, 2]);

  const { chain, key } = await makeCertificate('shop.example.com');
  const { SSLId } = await ask('CreateSSL', { SSLName: 'walk', SSLType: 'Pem', UserCert: chain, PrivateKey: key });
  const secured = { LoadBalancerId, ListenerPort: 443, ListenerProtocol: 'HTTPS', Certificates: [SSLId] };
  const { ListenerId } = await ask('CreateListener', { ...secured, HTTP2Enabled: true });
  const plain = await ask('CreateListener', { LoadBalancerId, RedirectEnabled: true });
  await ask('CreateListener', { LoadBalancerId }, 4107);
  await ask('DeleteSSL', { SSLId }, 4108);
  assert.equal((await ask('DescribeSSLV2', { SSLId })).DataSet[0].Relations[0].ListenerId, ListenerId);
  const check = { Type: 'HTTP', Path: '/healthz', Domain: 'shop.example.com' };
  await ask('UpdateListenerAttribute', { LoadBalancerId, ListenerId, HealthCheckConfig: check });

  const { Targets } = await ask('AddTargets', { LoadBalancerId, ListenerId, Targets: [{ ResourceId: UHostId }] });
  const [target] = Targets;
  assert.deepEqual([target.ResourceIP, target.Port, target.State], [IP, 80, 'Unhealthy']);
  await ask('UpdateTargetsAttribute', { LoadBalancerId, ListenerId, Targets: [{ Id: target.Id, Weight: 5 }] });
  const { RuleId } = await ask('CreateRule', {
    LoadBalancerId,
    ListenerId,
    RuleConditions: [
      { Type: 'Host', HostConfig: { MatchMode: 'Wildcard', Values: ['*.example.com'] } },
      { Type: 'Path', PathConfig: { Values: ['^/api(/.*)?$'] } },
    ],
    RuleActions: [{ Type: 'Forward', ForwardConfig: { Targets: [{ Id: target.Id }] } }],
  });
  await ask('UpdateRuleAttribute', { LoadBalancerId, ListenerId, RuleId, Pass: false });
  const rules = async (): Promise<Answer> => (await ask('DescribeRules', { LoadBalancerId, ListenerId })).Rules;
  await waitFor('the rule to be listed', async () => (await rules()).length === 2, { within: seconds(60) });
  const [rule, other] = await rules();
  assert.deepEqual([rule.RuleId, rule.Pass, other.IsDefault], [RuleId, false, true]);
  await waitFor(
    'the target to be healthy',
    async () => {
      const { Listeners } = await ask('DescribeListeners', { ListenerId });
      return Listeners[0]?.State === 'Healthy' && Listeners[0].HealthCheckConfig.Path === '/healthz';
    },
    { within: seconds(60) },
  );

  await ask('RemoveTargets', { LoadBalancerId, ListenerId, Ids: [target.Id] }, 4110);
  await ask('DeleteRule', { LoadBalancerId, ListenerId, RuleId });
  await ask('RemoveTargets', { LoadBalancerId, ListenerId, Ids: [target.Id] });
  await ask('DeleteListener', { LoadBalancerId, ListenerId, RelatedRedirectDisabled: false }, 5024);
  await ask('DeleteListener', { LoadBalancerId, ListenerId, RelatedRedirectDisabled: true });
  const [left] = (await ask('DescribeListeners', { LoadBalancerId })).Listeners;
  assert.deepEqual([left.ListenerId, left.RedirectEnabled], [plain.ListenerId, false]);
  await ask('DeleteSSL', { SSLId });
  await ask('DeleteLoadBalancer', { LoadBalancerId });
  assert.equal(await describe(), undefined);
}

/** A balancer that forwards packets as they are, with one machine behind it. */
async function walkDisks(ask: Ask, { UHostId }: Answer): Promise<void> {
  const { zone: Zone } = account;
  const disk = async (UDiskId: string): Promise<Answer> =>
    (await ask('DescribeUDisk', { UDiskId, ProtocolVersion: 1 })).DataSet[0];
  const isAt = (id: string, status: string | undefined): Promise<boolean> =>
    waitFor(`${id} to be ${status}`, async () => (await disk(id))?.Status === status, {
      within: seconds(60),
      every: ms(50),
    });
  const wish = { Zone, Size: 20, Name: 'walk', DiskType: 'SSDDataDisk', ChargeType: 'Dynamic' };
  const {
    UDiskId: [UDiskId],
  } = await ask('CreateUDisk', wish);
  await isAt(UDiskId, 'Available');
  const pair = { Zone, UDiskId, HostId: UHostId };
  assert.equal((await ask('AttachUDisk', { ...pair, MultiAttach: 'No' })).DeviceName, '/dev/vdb');
  await isAt(UDiskId, 'InUse');
  await ask('AttachUDisk', { ...pair, MultiAttach: 'No' }, 17057);
  await ask('DetachUDisk', pair);
  await isAt(UDiskId, 'Available');
  await ask('RenameUDisk', { Zone, UDiskId, UDiskName: 'renamed' });
  await ask('ResizeUDisk', { Zone, UDiskId, Size: 30 });
  await waitFor('the disk to grow', async () => (await disk(UDiskId)).Size === 30, {
    within: seconds(60),
    every: ms(50),
  });
  assert.equal((await ask('DescribeUDiskPrice', { Zone, Size: 20 })).DataSet.length, 3);

  const {
    SnapshotId: [SnapshotId],
  } = await ask('CreateUDiskSnapshot', { Zone, UDiskId, Name: 'walk' });
  const snapshot = async (): Promise<Answer> => (await ask('DescribeUDiskSnapshot', { Zone, SnapshotId })).DataSet[0];
  await waitFor('the snapshot', async () => (await snapshot()).Status === 'Normal', {
    within: seconds(60),
    every: ms(50),
  });
  await ask('RestoreUDisk', { Zone, UDiskId, SnapshotId });
  await isAt(UDiskId, 'Available');
  const copies = [
    (await ask('CloneUDiskSnapshot', { Zone, SourceId: SnapshotId, Name: 'copy' })).UDiskId[0],
    (await ask('CloneUDisk', { Zone, SourceId: UDiskId, Name: 'clone', ChargeType: 'Dynamic' })).UDiskId[0],
  ];
  for (const id of copies) await isAt(id, 'Available');
  await ask('DeleteUDiskSnapshot', { Zone, SnapshotId });
  for (const id of [UDiskId, ...copies]) await ask('DeleteUDisk', { Zone, UDiskId: id });

  const both = await ask('CreateAttachUDisk', { ...wish, HostId: UHostId, MultiAttach: 'No' });
  await isAt(both.UDiskId, 'InUse');
  await ask('DetachDeleteUDisk', { Zone, UDiskId: both.UDiskId, HostId: UHostId });
  await isAt(both.UDiskId, undefined);
}

async function walkFileSystems(ask: Ask): Promise<void> {
  const wish = { Size: 500, StorageType: 'Basic', ProtocolType: 'NFSv4', VolumeName: 'walk' };
  const { VolumeId } = await ask('CreateUFSVolume', wish);
  const home = { VolumeId, VpcId: 'uvnet-lab', SubnetId: 'subnet-lab' };
  const share = async (): Promise<Answer> => (await ask('DescribeUFSVolume2', { VolumeId })).DataSet[0];
  const hasPoints = (many: number): Promise<boolean> =>
    waitFor(`${many} mount points`, async () => (await share()).TotalMountPointNum === many, {
      within: seconds(60),
      every: ms(50),
    });
  await waitFor(
    'the file system to be ready',
    () => ask('AddUFSVolumeMountPoint', { ...home, MountPointName: 'walk' }),
    {
      within: seconds(60),
      every: ms(50),
    },
  );
  await hasPoints(1);
  assert.match((await ask('DescribeUFSVolumeMountpoint', { VolumeId })).DataSet[0].MountPointIp, /^10\.9\.0\.\d+:\/$/);
  await ask('ExtendUFSVolume', { VolumeId, Size: 600 });
  await ask('UpdateUFSVolumeInfo', { VolumeId, Remark: 'by the walk' });
  assert.deepEqual([(await share()).Size, (await share()).Remark], [600, 'by the walk']);
  await ask('DescribeUFSVolumePrice', { Size: 500, StorageType: 'Basic' });
  await ask('RemoveUFSVolumeMountPoint', home);
  await hasPoints(0);
  await ask('RemoveUFSVolume', { VolumeId });
}

async function walkClassicBalancers(ask: Ask, { UHostId, IPSet: [{ IP }] }: Answer): Promise<void> {
  const { ULBId } = await ask('CreateULB', { VPCId: 'uvnet-lab', SubnetId: 'subnet-lab', InnerMode: 'Yes' });
  const describe = async (): Promise<Answer> => (await ask('DescribeULB', { ULBId })).DataSet[0];
  await waitFor('the balancer to be listed', async () => (await describe()) !== undefined, { within: seconds(60) });
  await ask('UpdateULBAttribute', { ULBId, Name: 'walk' });
  const [simple] = (await ask('DescribeULBSimple', { ULBId })).DataSet;
  assert.deepEqual([simple.Name, simple.ULBType, simple.VServerCount], ['walk', 'InnerMode', 0]);
  const ports = { ULBId, ListenType: 'PacketsTransmit', Protocol: 'TCP', FrontendPort: 80 };
  const { VServerId } = await ask('CreateVServer', ports);
  await ask('CreateVServer', ports, 4107);
  await ask('UpdateVServerAttribute', { ULBId, VServerId, Method: 'Source', ClientTimeout: 0 });
  const backend = { ULBId, VServerId, ResourceType: 'UHost', ResourceId: UHostId };
  await ask('AllocateBackend', { ...backend, Port: 8080 }, 4118);
  const { BackendId } = await ask('AllocateBackend', backend);
  await ask('UpdateBackendAttribute', { ULBId, BackendId, Weight: 5 });
  const { BackendSet } = await ask('UpdateBackendBatch', { ULBId, Attributes: [{ BackendId, Enabled: 1 }] });
  assert.equal(BackendSet[0].SubRetCode, 0);
  await waitFor(
    'the back end to be healthy',
    async () => {
      const [{ BackendSet: all }] = (await ask('DescribeVServer', { ULBId, VServerId })).DataSet;
      return all[0]?.Status === 0 && all[0].Weight === 5 && all[0].PrivateIP === IP;
    },
    { within: seconds(60) },
  );
  await ask('ReleaseBackend', { ULBId, BackendId });
  await ask('DeleteVServer', { ULBId, VServerId });
  await ask('DeleteULB', { ULBId });
  assert.equal(await describe(), undefined);
}

function machineWish(ImageId: string): object {
  return {
    Zone: account.zone,
    ImageId,
    CPU: wish.CPU,
    Memory: wish.Memory,
    ChargeType: 'Dynamic',
    LoginMode: 'Password',
    Password: Buffer.from('wA1234567').toString('base64'),
    Disks: [{ IsBoot: 'true', Type: 'CLOUD_SSD', Size: 20 }],
    VPCId: 'uvnet-lab',
    SubnetId: 'subnet-lab',
  };
}

async function waitForState(ask: Ask, id: string, state: string): Promise<Answer> {
  return waitFor(
    `${id} to be ${state}`,
    async () => {
      const [machine] = (await ask('DescribeUHostInstance', { UHostIds: [id] })).UHostSet;
      if (machine?.State !== state) throw new Error(`it is ${machine?.State}`);
      return machine;
    },
    { within: seconds(60), every: ms(50) },
  );
}

/** The SDK in a process of its own: a call a line, an answer a line. */
function openSdk(url: string) {
  const child = spawn(program, [], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      UCLOUD_API_BASE_URL: url,
      UCLOUD_REGION: account.region,
      UCLOUD_PROJECT_ID: account.project.id,
      UCLOUD_PUBLIC_KEY: account.publicKey,
      UCLOUD_PRIVATE_KEY: account.privateKey,
    },
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const walked = new Set<string>();
  const ask: Ask = async (Action, Params = {}, code = 0) => {
    child.stdin.write(`${JSON.stringify({ Action, Params })}\n`);
    const { value } = await answers.next();
    const answer = JSON.parse(value as string) as { RetCode: number; Message: string; Answer: Answer };
    assert.equal(answer.RetCode, code, `${Action}: ${answer.Message}`);
    walked.add(Action);
    return answer.Answer;
  };
  return { ask, walked, close: () => void child.kill() };
}

/** Built once for each version of it; what the SDK is pinned to is in go.sum. */
async function buildWalk(): Promise<string> {
  const inputs = await Promise.all([
    ...['go.mod', 'go.sum', 'main.go'].map((name) => readFile(join(module, name))),
    command('go', ['env', 'GOVERSION']),
  ]);
  const make = async (folder: string): Promise<void> => {
    const env = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=readonly' };
    await command('go', ['build', '-o', join(folder, 'ucloud-go'), '.'], { cwd: module, env });
  };
  return artifact({ kind: 'ucloud-go-sdk', inputs, make }, () => {});
}

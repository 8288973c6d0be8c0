import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { describe, test } from 'vitest';
import { cidr } from '#unit/ip.ts';
import { type Received, signatureOf } from './gateway/signature.ts';
import {
  type Answer,
  account,
  closeServer,
  homeOf,
  listen,
  makeMachine,
  openTestCloud,
  until,
  urlOf,
  waitForState,
  wish,
} from './test-cloud.ts';

/** What clients do that had not judged the simulated cloud before: UCloud's pod network, its terraform provider, its command line. */
describe('other clients', () => {
  const accepted: readonly [string, string, Readonly<Record<string, string | number>>][] = [
    ['terraform, which writes IsBoot small', 'CreateUHostInstance', { ...wish, 'Disks.0.IsBoot': 'true' }],
    [
      'terraform’s example, a VPC that contains the cloud’s own services',
      'CreateVPC',
      { Name: 'x', 'Network.0': '10.10.0.0/16' },
    ],
    [
      'the page’s own example of a firewall rule, with host bits',
      'CreateFirewall',
      { Name: 'x', 'Rule.0': 'TCP|22|192.168.1.1/22|ACCEPT|HIGH|' },
    ],
    [
      'a firewall rule for one address',
      'CreateFirewall',
      { Name: 'x', 'Rule.0': 'UDP|53-65535|192.168.1.1|DROP|LOW|' },
    ],
    ['a create with UHostType', 'CreateUHostInstance', { ...wish, UHostType: 'N2' }],
    ['a script that describes VPCs without a project', 'DescribeVPC', { ProjectId: '' }],
    ['a search for labels without any', 'ListResourcesByLabels', { Zone: '' }],
    ['the largest machine', 'CreateUHostInstance', { ...wish, CPU: 64 }],
    [
      'the longest policy of a role',
      'AssumeRole',
      { Zone: '', RoleUrn: 'ucs:iam::1:role/r', RoleSessionName: 'a.b_c-1', Policy: 'x'.repeat(2048) },
    ],
  ];
  test.each(accepted)('%s is answered', async (_, action, params) => {
    const { call } = await openTestCloud();
    const { RetCode, Message } = await call(action, params);
    assert.equal(RetCode, 0, String(Message));
  });

  const refused: readonly [string, string, Readonly<Record<string, string | number>>, number][] = [
    ['an IsBoot that is neither', 'CreateUHostInstance', { ...wish, 'Disks.0.IsBoot': 'yes' }, 230],
    ['more machines at the least than at the most', 'CreateUHostInstance', { ...wish, MinCount: 3, MaxCount: 2 }, 230],
    ['a machine of 65 CPUs', 'CreateUHostInstance', { ...wish, CPU: 65 }, 8044],
    [
      'a firewall rule with a port above 65535',
      'CreateFirewall',
      { Name: 'x', 'Rule.0': 'TCP|65536|0.0.0.0/0|ACCEPT|HIGH|' },
      230,
    ],
    [
      'a firewall rule with ports backwards',
      'CreateFirewall',
      { Name: 'x', 'Rule.0': 'TCP|90-80|0.0.0.0/0|ACCEPT|HIGH|' },
      230,
    ],
    [
      'a firewall rule with a mask of 33',
      'CreateFirewall',
      { Name: 'x', 'Rule.0': 'TCP|80|10.0.0.0/33|ACCEPT|HIGH|' },
      230,
    ],
    [
      'a role session with a space in its name',
      'AssumeRole',
      { Zone: '', RoleUrn: 'ucs:iam::1:role/r', RoleSessionName: 'a b' },
      230,
    ],
    [
      'a role session of 65 characters',
      'AssumeRole',
      { Zone: '', RoleUrn: 'ucs:iam::1:role/r', RoleSessionName: 'x'.repeat(65) },
      230,
    ],
    [
      'a policy of 2049 characters',
      'AssumeRole',
      { Zone: '', RoleUrn: 'ucs:iam::1:role/r', RoleSessionName: 'x', Policy: 'x'.repeat(2049) },
      230,
    ],
  ];
  test.each(refused)('%s is refused', async (_, action, params, code) => {
    const { call } = await openTestCloud();
    assert.equal((await call(action, params)).RetCode, code);
  });

  test('in a VPC that contains the cloud’s own services no subnet may touch them', async () => {
    const { call } = await openTestCloud();
    const { VPCId } = await call('CreateVPC', { Name: 'x', 'Network.0': '10.10.0.0/16' });
    const subnet = (Subnet: string) => call('CreateSubnet', { VPCId: String(VPCId), Subnet, Netmask: 24 });
    assert.equal((await subnet('10.10.192.0')).RetCode, 230);
    assert.equal((await subnet('10.10.191.0')).RetCode, 0);
  });

  test('the Go SDK’s JSON requests with null are answered: a null is signed as a key without a value', async () => {
    const { send } = await openTestCloud();
    const params: Record<string, string | null> = {
      Action: 'CreateNetworkInterface',
      Region: account.region,
      ProjectId: account.project.id,
      PublicKey: account.publicKey,
      VPCId: 'uvnet-lab',
      SubnetId: 'subnet-lab',
      PrivateIp: null,
      SecurityGroupId: null,
      PrioritySecGroup: null,
      EipDirectMode: null,
    };
    const text = Object.keys(params)
      .sort()
      .map((name) => name + (params[name] ?? ''))
      .join('');
    const Signature = createHash('sha1')
      .update(text + account.privateKey)
      .digest('hex');
    assert.equal(signatureOf(params, account.privateKey), Signature);
    const headers = { 'content-type': 'application/json' };
    const response = await send({ method: 'POST', headers, body: JSON.stringify({ ...params, Signature }) });
    const { RetCode, Message } = (await response.json()) as Answer;
    assert.equal(RetCode, 0, String(Message));
  });

  test('the command line, which asks every region, gets empty lists where the account has nothing', async () => {
    const test1 = await openTestCloud();
    await makeMachine(test1);
    const { Regions } = await test1.call('GetRegion', { Zone: '' });
    const all = Regions as readonly { Region: string; Zone: string }[];
    for (const { Region, Zone } of all.filter(({ Region: name }) => ['hk', 'cn-sh2'].includes(name)))
      for (const action of [
        'DescribeUHostInstance',
        'DescribeVPC',
        'DescribeSubnet',
        'DescribeFirewall',
        'DescribeImage',
      ]) {
        const { RetCode, TotalCount } = await test1.call(action, { Region, Zone });
        assert.deepEqual([action, RetCode, TotalCount], [action, 0, 0]);
      }
    assert.equal((await test1.call('CreateUHostInstance', { ...wish, Region: 'hk', Zone: 'hk-02' })).RetCode, 230);
    assert.equal((await test1.call('DescribeUHostInstance', { Region: 'moon-1' })).RetCode, 230);
  });

  test('the command line terminates with Destroy', async () => {
    const test1 = await openTestCloud();
    const { id } = await makeMachine(test1);
    await test1.call('PoweroffUHostInstance', { UHostId: id });
    await waitForState(test1, id, 'Stopped');
    assert.equal((await test1.call('TerminateUHostInstance', { UHostId: id, Destroy: 1 })).RetCode, 0);
  });

  test('a search for labels finds all types at once, at most a hundred', async () => {
    const test1 = await openTestCloud();
    const { id } = await makeMachine(test1);
    for (const resource of [id, 'subnet-lab'])
      await test1.call('BindLabels', {
        Zone: '',
        'ResourceIds.0': resource,
        'Labels.0.Key': 'team',
        'Labels.0.Value': 'shop',
      });
    const { Resources } = await test1.call('ListResourcesByLabels', {
      Zone: '',
      'Labels.0.Key': 'team',
      'Labels.0.Value': 'shop',
    });
    const found = (Resources as readonly { ResourceId: string }[]).map(({ ResourceId }) => ResourceId);
    assert.deepEqual(found.sort(), ['subnet-lab', id].sort());
    assert.equal((await test1.call('ListResourcesByLabels', { Zone: '', Limit: 101 })).RetCode, 230);
  });

  test('an interface tells its quota as an object', async () => {
    const { call } = await openTestCloud();
    await call('CreateNetworkInterface', { VPCId: 'uvnet-lab', SubnetId: 'subnet-lab' });
    const { NetworkInterfaceSet } = await call('DescribeNetworkInterface');
    const [nic] = NetworkInterfaceSet as readonly { PrivateIpLimit: unknown }[];
    assert.deepEqual(nic?.PrivateIpLimit, { PrivateIpCount: 1, PrivateIpQuota: 2 });
  });
});

describe('firewalls of a fresh account', () => {
  test('are the two that the cloud recommends', async () => {
    const { call } = await openTestCloud();
    const { DataSet } = await call('DescribeFirewall');
    const types = (DataSet as readonly { Type: string }[]).map(({ Type }) => Type);
    assert.deepEqual(types, ['recommend web', 'recommend non web']);
  });

  test('a machine without a choice gets the one for the web, a machine with security groups none', async () => {
    const test1 = await openTestCloud();
    const { id } = await makeMachine(test1);
    const granted = async (machine: string) => {
      const { DataSet } = await test1.call('DescribeFirewall', { ResourceType: 'uhost', ResourceId: machine });
      return (DataSet as readonly { Type: string }[]).map(({ Type }) => Type);
    };
    assert.deepEqual(await granted(id), ['recommend web']);
    const { SecGroupId } = await test1.call('CreateSecGroup', { VPCID: 'uvnet-lab', Name: 'g' });
    const groups = { SecurityMode: 'SecGroup', 'SecGroupId.0.Id': String(SecGroupId), 'SecGroupId.0.Priority': 1 };
    assert.deepEqual(await granted((await makeMachine(test1, groups)).id), []);
  });

  test('a machine that was terminated holds its firewall no longer', async () => {
    const test1 = await openTestCloud();
    const { FWId } = await test1.call('CreateFirewall', { Name: 'x', 'Rule.0': 'TCP|22|0.0.0.0/0|ACCEPT|HIGH|' });
    const { id } = await makeMachine(test1, { SecurityGroupId: String(FWId) });
    assert.equal((await test1.call('DeleteFirewall', { FWId: String(FWId) })).RetCode, 4361);
    await test1.call('PoweroffUHostInstance', { UHostId: id });
    await waitForState(test1, id, 'Stopped');
    test1.clock.stand();
    await test1.call('TerminateUHostInstance', { UHostId: id });
    const { TotalCount } = await test1.call('DescribeFirewallResource', { FWId: String(FWId) });
    assert.equal(TotalCount, 0);
    assert.equal((await test1.call('DeleteFirewall', { FWId: String(FWId) })).RetCode, 0);
    test1.clock.go();
  });
});

/** A VPC inside the loopback range, so that a test can ask the metadata server from a machine's own address. */
const loopback = {
  id: 'uvnet-lab',
  name: 'lab',
  network: cidr('127.9.0.0/16'),
  subnets: [{ id: 'subnet-lab', name: 'lab', cidr: cidr('127.9.0.0/24') }],
};

describe('UCloud’s own pod network', () => {
  /** @source ucloud/uk8s-cni-vpc @736247a pkg/uapi, pkg/ipamd/uapi.go */
  test.each([
    ['a machine without elastic interfaces', {}],
    ['a machine with one', { 'Features.UNI': 'true', NetCapability: 'Normal' }],
  ])('gets an address for %s, and gives it back', async (_, features) => {
    const test1 = await openTestCloud({ vpc: loopback });
    const machine = await makeMachine(test1, features);
    const server = await listen(test1.cloud.metadata);
    try {
      const ask = (path: string) => askFrom(machine.ip, `${urlOf(server)}${path}`);
      const self = JSON.parse(await ask('meta-data/v1.json')) as Self;
      assert.deepEqual([self.platform, self.uhost.zone, self.uhost['os-name']], ['uhost', account.zone, 'Debian 13']);
      assert.ok(Object.values(self['network-config'].ethernets)[0]?.nameservers.addresses.length);
      const [first] = self.uhost['network-interfaces'];
      const home = { VPCId: first?.['vpc-id'] ?? '', SubnetId: first?.['subnet-id'] ?? '' };

      // Each call begins with keys of the node's role, in JSON, without a zone unless the call has one.
      const call = async (action: string, params: Record<string, Received>): Promise<Answer> => {
        const { RetCode, Data } = JSON.parse(
          await ask('meta-data/v1/uam/security-credentials/Uk8sServiceCharacter'),
        ) as { RetCode: number; Data: Keys };
        assert.equal(RetCode, 0);
        const all: Record<string, Received> = {
          Action: action,
          Region: self.region,
          ProjectId: self.uhost['project-id'],
          PublicKey: Data.PublicKey,
          SecurityToken: Data.SecurityToken,
          ...params,
        };
        const body = JSON.stringify({ ...all, Signature: signatureOf(all, Data.PrivateKey) });
        const response = await test1.send({ method: 'POST', headers: { 'content-type': 'application/json' }, body });
        return (await response.json()) as Answer;
      };

      const { UHostSet } = await call('DescribeUHostInstance', {});
      const [{ IPSet }] = UHostSet as [{ IPSet: readonly { Default: string; NetworkInterfaceId: string }[] }];
      const nic = IPSet.find(({ Default }) => Default === 'true')?.NetworkInterfaceId;
      const ObjectId = nic === undefined || nic === '' ? self['instance-id'] : nic;
      const { DataSet } = await call('DescribeSubnet', { SubnetIds: [home.SubnetId], ShowAvailableIPs: true });
      assert.ok((DataSet as [{ AvailableIPs: number }])[0].AvailableIPs > 0);
      const there = { Zone: self['availability-zone'], Mac: machine.mac };
      const allocated = await call('AllocateSecondaryIp', { ...there, ...home, ObjectId });
      const info = allocated.IpInfo as { Ip: string; SubnetId: string; SubnetworkId: string; Mac: string };
      assert.deepEqual([info.SubnetId, info.SubnetworkId], [home.SubnetId, home.SubnetId], String(allocated.Message));

      const look = async () => {
        const answer = await call('DescribeSecondaryIp', { ...there, ...home, SubnetId: info.SubnetId, Ip: info.Ip });
        return (answer.DataSet as readonly unknown[]).length;
      };
      assert.equal(await look(), 1);
      // It deletes with the machine's id what it allocated with the interface's.
      const gone = await call('DeleteSecondaryIp', { ...there, ...home, ObjectId: self['instance-id'], Ip: info.Ip });
      assert.equal(Number(gone.RetCode), 0, String(gone.Message));
      assert.equal(await look(), 0);
      const again = await call('DeleteSecondaryIp', { ...there, ...home, ObjectId: self['instance-id'], Ip: info.Ip });
      assert.equal(Number(again.RetCode), 58221);
      assert.equal(test1.cloud.objects().sessions.length, 1);
    } finally {
      await closeServer(server);
    }
  });

  test('an address is not deleted with the id of another machine', async () => {
    const test1 = await openTestCloud();
    const [machine, other] = [await makeMachine(test1), await makeMachine(test1)];
    await test1.call('AllocateSecondaryIp', { ...homeOf(machine), Ip: '10.9.0.50' });
    const { RetCode } = await test1.call('DeleteSecondaryIp', {
      ...homeOf(machine),
      ObjectId: other.id,
      Ip: '10.9.0.50',
    });
    assert.equal(Number(RetCode), 230);
  });
});

describe('terraform', () => {
  /** @source terraform-provider-ucloud resource_ucloud_instance.go: create, read, update and delete of an instance */
  test('an instance is made, read, changed and destroyed', async () => {
    const test1 = await openTestCloud();
    const ok = async (action: string, params: Readonly<Record<string, string | number>>): Promise<Answer> => {
      const answer = await test1.call(action, params);
      assert.equal(answer.RetCode, 0, `${action}: ${String(answer.Message)}`);
      return answer;
    };
    const { ImageSet } = await ok('DescribeImage', { ImageId: 'uimage-base', Limit: 1 });
    assert.equal((ImageSet as readonly unknown[]).length, 1);
    const { UHostIds } = await ok('CreateUHostInstance', {
      ...wish,
      'Disks.0.IsBoot': 'true',
      LoginMode: 'Password',
      Password: Buffer.from('wA1234567').toString('base64'),
      MachineType: 'N',
      MinimalCpuPlatform: 'Intel/Auto',
      UHostType: 'N2',
    });
    const [id] = UHostIds as [string];
    const read = await waitForState(test1, id, 'Running');
    assert.deepEqual(
      (read.DiskSet as readonly { IsBoot: string; DiskType: string }[]).map((disk) => [disk.IsBoot, disk.DiskType]),
      [['True', 'CLOUD_SSD']],
    );
    const firewalls = await ok('DescribeFirewall', { ResourceId: id, ResourceType: 'uhost' });
    assert.equal((firewalls.DataSet as readonly unknown[]).length, 1);
    await ok('GrantFirewall', { FWId: 'firewall-nonweb', ResourceId: id, ResourceType: 'uhost' });
    await ok('ModifyUHostInstanceName', { UHostId: id, Name: 'renamed' });
    await ok('ModifyUHostInstanceTag', { UHostId: id, Tag: 'other' });
    await ok('ModifyUHostInstanceRemark', { UHostId: id, Remark: 'by terraform' });
    await ok('StopUHostInstance', { UHostId: id });
    await waitForState(test1, id, 'Stopped');
    const stopped = await waitForState(test1, id, 'Stopped');
    assert.deepEqual([stopped.Name, stopped.Tag, stopped.Remark], ['renamed', 'other', 'by terraform']);
    await ok('StartUHostInstance', { UHostId: id });
    await waitForState(test1, id, 'Running');
    await ok('StopUHostInstance', { UHostId: id });
    await waitForState(test1, id, 'Stopped');
    await ok('TerminateUHostInstance', { UHostId: id, ReleaseUDisk: 'true', ReleaseEIP: 'true' });
    assert.equal((await ok('DescribeUHostInstance', { 'UHostIds.0': id })).TotalCount, 0);
    await until('it to be destroyed', () => test1.world.told.includes(`destroy ${id}`));
  });
});

interface Self {
  readonly platform: string;
  readonly region: string;
  readonly 'availability-zone': string;
  readonly 'instance-id': string;
  readonly 'network-config': {
    readonly ethernets: Readonly<Record<string, { readonly nameservers: { readonly addresses: readonly string[] } }>>;
  };
  readonly uhost: {
    readonly zone: string;
    readonly 'os-name': string;
    readonly 'project-id': string;
    readonly 'network-interfaces': readonly { readonly 'vpc-id': string; readonly 'subnet-id': string }[];
  };
}

interface Keys {
  readonly PublicKey: string;
  readonly PrivateKey: string;
  readonly SecurityToken: string;
}

function askFrom(localAddress: string, url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { localAddress }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => (response.statusCode === 200 ? resolve(body) : reject(new Error(`${url}: ${body}`))));
    }).on('error', reject);
  });
}

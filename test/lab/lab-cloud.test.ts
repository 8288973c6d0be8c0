import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { observeMachines } from '#lab/server/machines.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { lab, labOk, makeBundle, type Probe, probe, removeBundle } from './lab-tools.ts';
import { addressOf, openVpcProof, silentOnes, type VpcProof } from './vpc-proof.ts';

const name = `c${process.pid}`.slice(0, 12);
const ledger = `/var/lib/isthmus-lab/${name}/cloud.json`;
const where = { Zone: 'cn-bj2-04', VPCId: 'uvnet-1', SubnetId: 'subnet-1' };
let bundle: string;
let files: string;
let at: Probe;
let made: Made;
/** MAC of an interface that `made` has beside its first. */
let further: string;
/** Judged by security groups, in a subnet of its own. */
let guarded: Made & { readonly subnet: string; readonly group: string };
let packets: VpcProof;

interface Made {
  readonly id: string;
  readonly ip: string;
  readonly mac: string;
  /** Its interface, where it is an elastic one. */
  readonly nic: string;
}

const cloud = (...args: string[]): Promise<string> => labOk('cloud', ...args, '--name', name);
const read = async (what: string): Promise<unknown> => JSON.parse(await cloud(...what.split(' '), '--output', 'json'));

beforeAll(async () => {
  bundle = await makeBundle(1024);
  files = await mkdtemp(join(tmpdir(), 'lab-cloud-'));
  await labOk('up', '--name', name, '--machines', 'base-1', '--speed', '0.02', '--bundle', bundle);
  at = await probe(name);
  packets = openVpcProof(at);
  [made, guarded] = await Promise.all([makeMachine('web-1', { 'Features.UNI': 'true' }), makeGuarded()]);
  await at.call('AllocateSecondaryIp', { ...where, Mac: made.mac, ObjectId: made.nic, Ip: '10.9.0.77' });
  await routeOf('10.9.0.77');
});

afterAll(async () => {
  await labOk('down', '--name', name);
  await removeBundle(bundle);
  await rm(files, { recursive: true });
});

const machineWish = {
  ...where,
  CPU: 1,
  Memory: 1024,
  'Disks.0.IsBoot': 'True',
  'Disks.0.Type': 'CLOUD_SSD',
  'Disks.0.Size': 20,
  LoginMode: 'Password',
  Password: Buffer.from('Lab-Test-1').toString('base64'),
  ImageId: 'uimage-base',
  Name: 'web-1',
  ChargeType: 'Dynamic',
  UserData: Buffer.from('#cloud-config\nruncmd:\n  - touch /made-by-user-data\n').toString('base64'),
};

async function makeGuarded() {
  const { SubnetId } = await at.call('CreateSubnet', { VPCId: where.VPCId, Subnet: '10.9.16.0', Netmask: 24 });
  const { SecGroupId } = await at.call('CreateSecGroup', { VPCID: where.VPCId, Name: 'guarded' });
  const place = { subnet: SubnetId as string, group: SecGroupId as string };
  const wish = { SubnetId: place.subnet, SecurityMode: 'SecGroup', 'SecGroupId.0.Id': place.group };
  return { ...(await makeMachine('guarded-1', { ...wish, 'SecGroupId.0.Priority': 1 })), ...place };
}

async function makeMachine(machine: string, more: Readonly<Record<string, string | number>> = {}): Promise<Made> {
  const created = await at.call('CreateUHostInstance', { ...machineWish, Name: machine, ...more });
  return running((created['UHostIds'] as [string])[0]);
}

interface IpSet {
  readonly IP: string;
  readonly Mac: string;
  readonly NetworkInterfaceId: string;
}

function running(id: string) {
  return waitFor(
    `${id} to run`,
    async () => {
      const seen = await at.call('DescribeUHostInstance', { Zone: where.Zone, 'UHostIds.0': id });
      const [host] = seen['UHostSet'] as readonly { State: string; IPSet: readonly [IpSet] }[];
      const nic = host?.IPSet[0];
      return host?.State === 'Running' && nic && { id, ip: nic.IP, mac: nic.Mac, nic: nic.NetworkInterfaceId };
    },
    { within: seconds(60) },
  );
}

/** The address is carried by the VPC. */
function routeOf(ip: string) {
  return waitFor(`a route to ${ip}`, async () => (await at.ok('vpc', `ip route show ${ip}`)) !== '', {
    within: seconds(30),
  });
}

const hasUserData = () =>
  waitFor('user data to have run', async () => (await at.run(made.id, 'test -e /made-by-user-data')).code === 0, {
    within: seconds(60),
  });

describe('the simulated cloud by hand', () => {
  test('objects are listed for people and for scripts, without user data and passwords', async () => {
    const rows = await cloud('objects');
    expect(rows).toMatch(new RegExp(`machine +${made.id} +web-1 +Running +${made.ip} in subnet-1`));
    expect(rows).toMatch(new RegExp(`group +${guarded.group} +guarded +0 rules +uvnet-1, for ${guarded.id}`));
    expect(rows).toMatch(/routes +routetable-1 +Default +default +uvnet-1, for subnet-1, subnet-/);
    const json = await cloud('objects', '--output', 'json');
    expect(JSON.parse(json).machines).toContainEqual(expect.objectContaining({ id: made.id, name: 'web-1' }));
    expect(json).not.toMatch(/userData|password/);
  });

  test('a fault planted by hand meets the next call, and the call tells which', async () => {
    expect(await cloud('fault', 'plant', '--action', 'DescribeVPC', '--kind', 'throttle', '--times', '1')).toMatch(
      /^fault-\d+: DescribeVPC meets throttle/,
    );
    await expect(at.call('DescribeVPC', {})).rejects.toThrow('"RetCode":153');
    await at.call('DescribeVPC', {});
    const calls = await read('calls --action DescribeVPC');
    expect(calls).toMatchObject([{ code: 153, fault: 'throttle' }, { code: 0 }]);
    expect(await read('fault list')).toMatchObject([{ met: 1, spent: true }]);
    await cloud('fault', 'clear');
    expect(await read('fault list')).toEqual([]);
  });

  test('a scenario plants all of its faults or none, and a mistake is named with its place', async () => {
    const file = join(files, 'scenario.yaml');
    const good = '- { action: CreateUHostInstance, kind: timeout-done, times: 1 }';
    await writeFile(file, `faults:\n  ${good}\n  - { action: DescribeVPC, kind: slow, after: soon }\n`);
    const refused = await lab('cloud', 'scenario', file, '--name', name);
    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain(`${file}: faults.1.after: write a number with its unit, such as 30s`);
    expect(await read('fault list')).toEqual([]);
    await writeFile(file, `faults:\n  ${good}\n  - { action: Describe*, kind: throttle, after: 60m, for: 1m }\n`);
    await cloud('scenario', file);
    expect(await read('fault list')).toMatchObject([{ spent: false }, { spent: false }]);
  });

  test('a file that is no state is not loaded, and what there is stays', async () => {
    const file = join(files, 'nonsense.json');
    await writeFile(file, '{}');
    expect((await lab('cloud', 'load', file, '--name', name)).err).toContain(
      `${file} is no state of a simulated cloud`,
    );
    await running(made.id);
  });
});

test('a limit that is set is met by calls, listed with what is used, and taken away', async () => {
  await cloud('limit', 'set', 'machines', '2');
  await expect(at.call('CreateUHostInstance', machineWish)).rejects.toThrow(
    /"RetCode":8095,"Message":"the account's quota of 2 machines has no room for 1 more"/,
  );
  expect(await read('limit list')).toMatchObject({ limits: { machines: 2 }, used: { machines: 2, cpus: 2 } });
  const said = await lab('cloud', 'limit', 'set', 'calls', 'fast', '--name', name);
  expect([said.code, said.err]).toEqual([1, 'limit calls "fast": write a rate such as 5/s, or none']);
  const file = join(files, 'limits.yaml');
  await writeFile(file, 'limits: { machines: null, cpus: 7 }\n');
  await cloud('scenario', file);
  expect(await read('limit list')).toMatchObject({ limits: { cpus: 7 } });
  expect(await cloud('limit', 'list')).toMatch(/machines +none +2\ncpus +7 +2\n/);
});

/** One rule of the guarded machine's group. */
async function admit(rule: Readonly<Record<string, string | number>>): Promise<string> {
  const full = { Direction: 'Ingress', ProtocolType: 'TCP', DstPort: '8080', RuleAction: 'Accept', ...rule };
  const params = Object.fromEntries(Object.entries(full).map(([key, value]) => [`Rule.0.${key}`, value]));
  const { RuleId } = await at.call('CreateSecGroupRule', { SecGroupId: guarded.group, ...params });
  return (RuleId as [string])[0];
}

describe('a machine with a security group', () => {
  beforeAll(async () => {
    await packets.answer(made.id, '10.30.0.7');
    await packets.answer(guarded.id, '10.31.0.7');
    await packets.answer('base-1');
  });

  test('is heard by nobody and hears nobody while its group has no rule', async () => {
    expect(await silentOnes(packets, ['base-1', made.id, 'office'], guarded.ip)).toHaveLength(3);
    expect(await packets.isSilent(guarded.id, made.ip)).toBe(true);
    expect(await packets.seen('base-1', made.ip)).toBe(addressOf(name, 'base-1'));
  });

  test('is reached by those whom a rule admits, with their own addresses, and the smaller priority counts', async () => {
    const drop = await admit({ IPRange: `${made.ip}/32`, Priority: 10, RuleAction: 'Drop' });
    await admit({ IPRange: `192.168.50.0/24,10.9.0.0/20`, Priority: 20 });
    expect(await packets.seen('base-1', guarded.ip)).toBe(addressOf(name, 'base-1'));
    expect(await silentOnes(packets, [made.id, 'office'], guarded.ip)).toEqual([made.id, 'office']);
    await at.call('DeleteSecGroupRule', { SecGroupId: guarded.group, 'RuleId.0': drop });
    expect(await packets.seen(made.id, guarded.ip)).toBe(made.ip);
  });

  test('reaches those whom a rule for the other direction admits', async () => {
    await admit({ Direction: 'Egress', IPRange: '10.9.0.0/20,10.30.0.0/24', Priority: 10 });
    expect(await packets.seen(guarded.id, made.ip)).toBe(guarded.ip);
    expect(await packets.isSilent(guarded.id, addressOf(name, 'base-1'))).toBe(true);
  });
});

describe('a route table', () => {
  let table: string;
  const associate = (SubnetId: string) => at.call('AssociateRouteTable', { SubnetId, RouteTableId: table });

  test('carries packets to the machine that a rule names, for the subnets that follow it and for no other', async () => {
    table = (await at.call('CreateRouteTable', { VPCId: where.VPCId }))['RouteTableId'] as string;
    await at.call('ModifyRouteRule', {
      RouteTableId: table,
      'RouteRule.0': `new|10.30.0.0/24|instance|${made.id}|0||add`,
      'RouteRule.1': `new|10.31.0.0/24|instance|${guarded.id}|0||add`,
    });
    await associate(guarded.subnet);
    expect(await packets.seen(guarded.id, '10.30.0.7')).toBe(guarded.ip);
    expect(await packets.isSilent(made.id, '10.31.0.7')).toBe(true);
    await associate(where.SubnetId);
    expect(await packets.seen(made.id, '10.31.0.7')).toBe(made.ip);
  });

  test('lets the next hop send from the range of its rule and from nowhere else that is not its own', async () => {
    const hear = `socat -u UDP-RECVFROM:8081,fork 'SYSTEM:echo $SOCAT_PEERADDR >>/tmp/heard'`;
    await at.ok('base-1', `rm -f /tmp/heard; systemd-run -q --collect --unit hear ${hear}`);
    const send = async (from: string): Promise<void> => {
      const to = `UDP:${addressOf(name, 'base-1')}:8081`;
      await at.ok(made.id, `ip address replace ${from}/32 dev lo; echo | socat -u - ${to},bind=${from}`);
    };
    const isHeard = (from: string): Promise<boolean> =>
      waitFor(
        `the site to hear of ${from}`,
        async () => {
          await send(from);
          return (await at.run('base-1', `grep -qx ${from} /tmp/heard`)).code === 0;
        },
        { within: seconds(30) },
      );
    await isHeard('10.30.0.9');
    // Neither an address of the VPC that nobody has, nor one that a longer or another rule sends elsewhere.
    for (const stranger of ['10.9.0.99', '10.31.0.9']) await send(stranger);
    await isHeard('10.30.0.10');
    expect(await at.ok('base-1', 'sort -u /tmp/heard')).toBe('10.30.0.10\n10.30.0.9');
  });

  test('is deleted only when no subnet follows it', async () => {
    await expect(at.call('DeleteRouteTable', { RouteTableId: table })).rejects.toThrow('"RetCode":58119');
    const { RouteTableId } = await at.call('CloneRouteTable', { RouteTableId: table });
    await at.call('DeleteRouteTable', { RouteTableId: RouteTableId as string });
    await expect(at.call('DeleteRouteTable', { RouteTableId: RouteTableId as string })).rejects.toThrow(
      '"RetCode":8039',
    );
  });
});

/** A load balancer before both machines, with a public address; `back` is how machines see it. */
let balancer: { readonly NLBId: string; readonly ListenerId: string; readonly eip: string; readonly back: string };
const told = 8081;

async function makeBalancer(): Promise<typeof balancer> {
  const { VPCId, SubnetId } = where;
  const created = await at.call('CreateNetworkLoadBalancer', { VPCId, SubnetId, ChargeType: 'Dynamic' });
  const NLBId = created['NLBId'] as string;
  const ports = { StartPort: 80, EndPort: 80, 'HealthCheckConfig.Port': told };
  const listener = { NLBId, Protocol: 'TCP', StickinessTimeout: 0, ...ports };
  const ListenerId = (await at.call('CreateNLBListener', listener))['ListenerId'] as string;
  const targets = [made.id, guarded.id].flatMap((id, n) => [
    [`Targets.${n}.ResourceId`, id],
    [`Targets.${n}.Port`, told],
  ]);
  await at.call('AddNLBTargets', { NLBId, ListenerId, ...Object.fromEntries(targets) });
  const { EIPSet } = await at.call('AllocateEIP', { OperatorName: 'Bgp', Bandwidth: 2, ChargeType: 'Dynamic' });
  const [{ EIPId, EIPAddr }] = EIPSet as [{ EIPId: string; EIPAddr: [{ IP: string }] }];
  await at.call('BindEIP', { EIPId, ResourceType: 'ulb', ResourceId: NLBId });
  const described = () => at.call('DescribeNetworkLoadBalancers', { 'NLBIds.0': NLBId });
  const [seen] = await waitFor('the balancer to be listed', async () => listOf(await described(), 'NLBs'), {
    within: seconds(30),
  });
  const ips = (seen?.['IPInfos'] ?? []) as { IP: string; Type: number }[];
  const back = ips.find(({ Type }) => Type === 2)?.IP ?? '';
  return { NLBId, ListenerId, eip: EIPAddr[0].IP, back };
}

type Row = Readonly<Record<string, unknown>>;

/** The rows of an answer, or false while it has none. */
function listOf(answer: Row, name: string): readonly Row[] | false {
  const rows = answer[name] as readonly Row[];
  return rows.length > 0 && rows;
}

/** Has a machine tell its name and whom it sees. */
async function tell(machine: string): Promise<void> {
  const service = `socat TCP-LISTEN:${told},fork,reuseaddr 'SYSTEM:echo $(hostname) sees $SOCAT_PEERADDR'`;
  await at.ok(machine, `systemctl is-active -q tell || systemd-run -q --collect --unit tell ${service}`);
}

/** What some connections in a row from the internet are told, without repetitions. */
async function askBalancer(): Promise<readonly string[]> {
  const one = `timeout 2 bash -c 'exec 3<>/dev/tcp/${balancer.eip}/80; cat <&3' 2>&1`;
  const { out } = await at.run('internet', `for n in 1 2 3 4; do ${one} || echo silence; done`);
  return [...new Set(out.split('\n'))].sort();
}

function untilTold(...wanted: readonly string[]): Promise<boolean> {
  return waitFor(
    `the balancer to be answered by ${wanted.join(' and ')}`,
    async () => {
      const heard = await askBalancer();
      if (heard.join() !== wanted.join()) throw new Error(`it is ${heard.join('; ')}`);
      return true;
    },
    { within: seconds(60) },
  );
}

describe('a network load balancer', () => {
  beforeAll(async () => {
    await admit({ IPRange: '10.9.0.0/20', Priority: 30, DstPort: String(told) });
    for (const { id } of [made, guarded]) await tell(id);
    balancer = await makeBalancer();
  });

  test('carries connections from the internet to machines, which see the address that the API tells', async () => {
    await untilTold(`guarded-1 sees ${balancer.back}`, `web-1 sees ${balancer.back}`);
    expect(await cloud('objects')).toMatch(/balancer +nlb-\S+ +nlb +TCP 80, 2 of 2 targets healthy +10\.9\.0\.\d+ in/);
    expect(await cloud('objects')).toMatch(
      new RegExp(`eip +eip-\\S+ +EIP +used +${balancer.eip} for ${balancer.NLBId}`),
    );
  });

  test('gives nothing more to a machine that fails three checks, and finds it again', async () => {
    const state = async () =>
      (listOf(await at.call('DescribeNLBListeners', { NLBId: balancer.NLBId }), 'Listeners') || [])[0]?.['State'];
    await at.ok(made.id, 'systemctl stop tell');
    const began = performance.now();
    await waitFor('a check to notice', async () => (await state()) === 'PartialHealth', { within: seconds(30) });
    // Two more checks after the first that fails, two seconds between them.
    expect(performance.now() - began).toBeGreaterThan(3500);
    await untilTold(`guarded-1 sees ${balancer.back}`);
    await tell(made.id);
    await untilTold(`guarded-1 sees ${balancer.back}`, `web-1 sees ${balancer.back}`);
  });
});

/** Gives `made` a further interface. @shape its MAC */
async function attachInterface(): Promise<string> {
  const { VPCId, SubnetId } = where;
  const { NetworkInterface } = await at.call('CreateNetworkInterface', { VPCId, SubnetId });
  const { InterfaceId, MacAddress } = NetworkInterface as { InterfaceId: string; MacAddress: string };
  await at.call('AttachNetworkInterface', { InterfaceId, InstanceId: made.id });
  await linkOf(MacAddress);
  return MacAddress;
}

/** The machine has a second link, with this MAC. */
function linkOf(mac: string) {
  const has = async () => (await at.run(made.id, 'ip -o link show eth1')).out.includes(mac.toLowerCase());
  return waitFor(`the link ${mac}`, has, { within: seconds(30) });
}

describe('a lab whose server was killed', () => {
  test('comes back by `lab up` with its machines, their disks, their addresses and the faults', async () => {
    await hasUserData();
    await at.ok(made.id, 'echo kept >/root/kept; sync');
    const faults = await read('fault list');
    further = await attachInterface();
    const [pid] = (await readFile(`/var/lib/isthmus-lab/${name}/server`, 'utf8')).split(' ');
    process.kill(Number(pid), 'SIGKILL');
    expect((await stat(ledger)).mode & 0o777).toBe(0o600);
    await waitFor('the server to be missed', async () => (await lab('status', '--name', name)).code !== 0, {
      within: seconds(20),
    });
    expect((await lab('status', '--name', name)).err).toContain(
      `start it again with \`isthmus lab up --name ${name}\``,
    );

    // Two at once, as by two terminals: one brings it back, the other refuses, or sees that it stands if it came late.
    const both = await Promise.all([lab('up', '--name', name), lab('up', '--name', name)]);
    const told = both.map(({ out, err }) => `${out}\n${err}`);
    expect(told.filter((text) => text.includes('is up again'))).toHaveLength(1);
    expect(told.find((text) => !text.includes('is up again'))).toMatch(
      /another command is at work on lab "[^"]+" right now|is up already/,
    );
    await running(made.id);
    expect(await at.ok(made.id, 'cat /root/kept')).toBe('kept');
    expect(observeMachines(name).every(({ init }) => init !== undefined)).toBe(true);
    expect(await at.ok('vpc', 'ip route show 10.9.0.77')).toContain(`via ${made.ip}`);
    await waitFor(
      'the machine to be reachable',
      async () => (await at.run('office', `ping -c1 -W1 ${made.ip}`)).code === 0,
      {
        within: seconds(30),
      },
    );
    await linkOf(further);
    expect(await read('fault list')).toEqual(faults);
    expect(await labOk('up', '--name', name)).toContain('is up already');
  });

  test('routes and filters as before, for the machines that have booted again', async () => {
    await running(guarded.id);
    await packets.answer(made.id, '10.30.0.7');
    await packets.answer(guarded.id);
    expect(await packets.seen(guarded.id, '10.30.0.7')).toBe(guarded.ip);
    expect(await packets.seen('base-1', guarded.ip)).toBe(addressOf(name, 'base-1'));
    expect(await packets.isSilent('office', guarded.ip)).toBe(true);
  });

  test('balances as before', async () => {
    for (const { id } of [made, guarded]) await tell(id);
    await untilTold(`guarded-1 sees ${balancer.back}`, `web-1 sees ${balancer.back}`);
  });
});

describe('a saved cloud', () => {
  test('is loaded again: a machine that was terminated since is installed anew with its id and addresses', async () => {
    const file = join(files, 'before.json');
    await cloud('save', file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const later = { Ip: '10.9.16.9', SubnetId: guarded.subnet, ObjectId: guarded.id, Mac: guarded.mac };
    await at.call('AllocateSecondaryIp', { ...where, ...later });
    await routeOf(later.Ip);
    await at.call('PoweroffUHostInstance', { Zone: where.Zone, UHostId: made.id });
    await waitFor(
      'the machine to be off',
      () => at.call('TerminateUHostInstance', { Zone: where.Zone, UHostId: made.id }),
      {
        within: seconds(30),
      },
    );
    await waitFor('the machine to be gone', async () => observeMachines(name).every(({ key }) => key !== made.id), {
      within: seconds(30),
    });

    const { NLBId } = await at.call('CreateNetworkLoadBalancer', { VPCId: where.VPCId, SubnetId: where.SubnetId });

    const done = await cloud('load', file);
    expect(done).toContain(`install: ${made.id}`);
    expect(await at.ok('office', 'ls /run/netns')).not.toContain(NLBId);
    expect(await at.ok('office', 'ls /run/netns')).toContain(balancer.NLBId);
    expect(await at.ok('vpc', `ip route show ${later.Ip}`)).toBe('');
    expect(await running(made.id)).toEqual(made);
    await hasUserData();
    expect((await at.run(made.id, 'test -e /root/kept')).code).toBe(1);
    await linkOf(further);
    await routeOf('10.9.0.77');
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseClusterConfig } from '#cluster/config/config.ts';
import { ensureImage } from '#lab/image/image.ts';
import { enterMachine } from '#lab/machine/enter.ts';
import { openMachine } from '#lab/machine/machine.ts';
import { command } from '#lab/toolchain/command.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { providers } from '../../src/program/providers.ts';
import { keepEvidence } from '../support/evidence.ts';
import {
  lab,
  labOk,
  makeBundle,
  type Probe,
  probe,
  removeBundle,
  said,
  startLabCommand,
  tracesOf,
} from './lab-tools.ts';
import { cyclePower, grownSince, holdingsOf } from './power-cycles.ts';

const name = `t${process.pid}`.slice(0, 12);
const other = `u${process.pid}`.slice(0, 12);
const folder = `/var/lib/isthmus-lab/${name}`;
let bundle: string;
let at: Probe;
keepEvidence(name);

beforeAll(async () => {
  bundle = await makeBundle(4 * 2 ** 20);
  await labOk('up', '--name', name, '--speed', '0.05', '--bundle', bundle);
  at = await probe(name);
});

afterAll(async () => {
  for (const one of [name, other]) await labOk('down', '--name', one);
  await removeBundle(bundle);
});

/** From now until the machine lets the operator in. @unit ms */
async function untilSsh(machine: string): Promise<number> {
  const began = performance.now();
  await waitFor(`SSH to ${machine}`, async () => (await lab('ssh', '--name', name, machine, '--', 'true')).code === 0, {
    within: seconds(20),
  });
  return performance.now() - began;
}

describe('a physical machine', () => {
  test('is a bare Debian with systemd, and nothing failed', async () => {
    expect(await at.ok('base-1', 'systemctl is-system-running --wait')).toBe('running');
    expect(await at.ok('base-1', 'cat /proc/1/comm; cat /proc/sys/net/ipv4/ip_forward; hostname')).toBe(
      'systemd\n0\nbase-1',
    );
  });

  test('has a host key and a machine id of its own', async () => {
    const identity = 'cat /etc/machine-id /etc/ssh/ssh_host_*.pub';
    const both = await Promise.all([at.ok('base-1', identity), at.ok('base-2', identity)]);
    expect(both[0].split('\n')).toHaveLength(2);
    expect(both[0]).not.toBe(both[1]);
  });

  test('keeps its disk over a power cut, forgets its memory, and boots to SSH within 5 s', async () => {
    const boot = () => at.ok('base-1', 'cat /run/here 2>/dev/null || echo forgotten');
    await at.ok(
      'base-1',
      'echo kept > /root/kept; echo kept > /var/lib/etcd/kept; echo here > /run/here; ip link add w0 type veth',
    );
    expect(await boot()).toBe('here');
    await labOk('machine', 'off', '--name', name, 'base-1');
    expect((await lab('exec', '--name', name, 'base-1', '--', 'true')).err).toContain('lab machine start base-1');
    const began = performance.now();
    await labOk('machine', 'start', '--name', name, 'base-1');
    await untilSsh('base-1');
    // The promise is for a computer that is not crowded; with three to a core everything takes three times as long.
    const crowd = Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
    expect(performance.now() - began).toBeLessThan(5000 * crowd);
    expect(await at.ok('base-1', 'cat /root/kept /var/lib/etcd/kept')).toBe('kept\nkept');
    expect(await boot()).toBe('forgotten');
    expect((await at.run('base-1', 'ip link show w0')).code).not.toBe(0);
  });

  test('comes back from a reboot of its own, and stays off after a power-off of its own', async () => {
    await at.ok('base-2', 'echo here > /run/here');
    await at.run('base-2', 'systemctl reboot');
    await waitFor('the next boot', async () => (await at.run('base-2', '! test -e /run/here')).code === 0, {
      within: seconds(20),
    });
    await untilSsh('base-2');
    await at.run('base-2', 'systemctl poweroff');
    const power = async () => {
      const machines = JSON.parse(await labOk('machine', 'list', '--name', name, '--output', 'json'));
      return machines.find((m: { key: string }) => m.key === 'base-2').power;
    };
    await waitFor('base-2 to be off', async () => (await power()) === 'off', { within: seconds(20) });
    await labOk('machine', 'start', '--name', name, 'base-2');
    await untilSsh('base-2');
  });

  test('shuts down in order when it is asked to stop', async () => {
    await labOk('machine', 'stop', '--name', name, 'base-2');
    expect(await labOk('machine', 'console', '--name', name, 'base-2')).toContain('Reached target');
    expect(await readFile(`${folder}/server.log`, 'utf8')).toMatch(/"base-2","do":"stay-off","why":"powered-off"/);
    await labOk('machine', 'start', '--name', name, 'base-2');
    await untilSsh('base-2');
  });
});

test('a machine that was switched on and off ten times leaves nothing more on this computer than once', async () => {
  await cyclePower(name, 'base-2', 1);
  const before = await holdingsOf(name);
  await cyclePower(name, 'base-2', 10);
  expect(await grownSince(before, name)).toEqual([]);
  await labOk('machine', 'start', '--name', name, 'base-2');
  await untilSsh('base-2');
}, 300_000);

test('a machine also boots where control groups are one tree, v2 alone', async () => {
  const trees = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.split(' ')[2] === 'cgroup2');
  const hierarchies = trees.map((line) => line.split(' ')[1] as string).slice(0, 1);
  const [key, mark] = ['v2', `isl-${other}-v2`];
  const machine = openMachine(
    {
      key,
      hostname: key,
      address: '192.168.50.99',
      firstBoot: 'installed',
      image: (await ensureImage()).root,
      memoryMib: 1024,
    },
    {
      folder: await mkdtemp(join(tmpdir(), 'lab-machine-')),
      mark,
      cgroups: { kind: 'v2', hierarchies },
      plug: async () => void (await command('ip', ['netns', 'add', mark])),
      unplug: async () => void (await command('ip', ['netns', 'del', mark])),
      insertDisks: async () => [],
      removeDisks: async () => {},
      note: () => {},
    },
  );
  try {
    await machine.on();
    const init = machine.init();
    if (init === undefined) throw new Error('the machine is off');
    const inside = (script: string): Promise<string> => {
      const [program = '', ...args] = enterMachine(init, ['sh', '-c', script], { term: 'dumb' });
      return command(program, args);
    };
    await waitFor('the system to be up', () => inside('systemctl is-system-running'), { within: seconds(20) });
    const mounts = await inside(`awk '$3 ~ /cgroup/ { print $2, $3 }' /proc/mounts`);
    expect(mounts.trim()).toBe('/sys/fs/cgroup cgroup2');
  } finally {
    await machine.destroy();
  }
  expect(tracesOf(other)).toEqual([]);
});

describe('the site', () => {
  test('has a gateway that is reached over SSH and routes what it is told to', async () => {
    expect(await labOk('ssh', '--name', name, 'gateway', '--', 'cat /proc/sys/net/ipv4/ip_forward')).toBe('1');
    await at.ok('base-1', 'ip address add 172.16.3.1/32 dev lo');
    expect((await at.run('vpc', 'ping -c 1 -W 1 172.16.3.1')).code).not.toBe(0);
    await labOk('ssh', '--name', name, 'gateway', '--', 'ip route add 172.16.3.0/24 via 192.168.50.11');
    await at.ok('vpc', 'ping -c 1 -W 2 172.16.3.1');
    await at.ok('base-1', 'ping -c 1 -W 2 -I 172.16.3.1 100.80.80.80');
  });

  test('finds its gateway again after that one restarts, and the machines keep their links', async () => {
    await labOk('machine', 'reboot', '--name', name, 'gateway');
    await untilSsh('gateway');
    await at.ok('base-1', 'ping -c 1 -W 2 100.80.80.80');
    expect(await labOk('ssh', '--name', name, 'gateway', '--', 'cat /proc/sys/net/ipv4/ip_forward')).toBe('1');
  });

  test('gets part of a file from the object store', async () => {
    const url = 'http://100.80.80.88/bundle/bin/zeros';
    const got = await at.ok('base-1', `curl -sS -r 100-199 -o /dev/null -w '%{http_code} %{size_download}' ${url}`);
    expect(got).toBe('206 100');
  });
});

test('a proxy of this computer is none for the lab, which can’t reach it', async () => {
  for (const proxy of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'])
    vi.stubEnv(proxy, 'http://127.0.0.1:1');
  try {
    expect(await at.ok('office', 'env | grep -ic _proxy= || true')).toBe('0');
    await labOk('exec', '--name', name, 'office', '--', 'curl', '-sS', '-o', '/dev/null', 'http://100.80.80.81/');
  } finally {
    vi.unstubAllEnvs();
  }
});

describe('the line', () => {
  const crosses = async () => (await at.run('base-1', 'ping -c 2 -i 0.2 -W 1 100.80.80.80')).code === 0;
  const line = (...args: string[]) => labOk('line', ...args, '--name', name);

  test('can be cut and healed, and the operator still reaches both sides', async () => {
    expect(await line('cut')).toBe('line: cut');
    expect(await crosses()).toBe(false);
    expect((await at.run('vpc', 'ping -c 1 -W 1 192.168.50.11')).code).not.toBe(0);
    await at.ok('office', 'ping -c 1 -W 1 192.168.50.11');
    await at.ok('office', 'curl -sS -o /dev/null http://100.80.80.81/');
    expect(await line('heal')).toBe('line: whole');
    expect(await crosses()).toBe(true);
  });

  test('can be limited: 4 MiB take as long as they must at 20 Mbit/s, in both directions', async () => {
    await line('rate', '20mbit');
    const speed = await at.ok(
      'base-1',
      "curl -sS -o /dev/null -w '%{speed_download}' http://100.80.80.88/bundle/bin/zeros",
    );
    expect((Number(speed) * 8) / 1e6).toBeGreaterThan(12);
    expect((Number(speed) * 8) / 1e6).toBeLessThan(21);
    // The other direction: pings of 1000 bytes as fast as they go, answered by as many.
    const sent = await at.ok('base-1', 'ping -f -c 4000 -s 972 -l 20 -q 100.80.80.80 | grep -o "time [0-9]*ms"');
    expect(Number(/\d+/.exec(sent)?.[0])).toBeGreaterThan((4000 * 1000 * 8) / 21e3);
    await line('rate', 'off');
  });

  test('can lose packets: 20 % each way leave 64 % of the pings', async () => {
    await line('loss', '20%');
    const out = await at.run('base-1', 'ping -c 1000 -i 0.002 -W 1 -q 100.80.80.80');
    await line('heal');
    const lost = Number(/([\d.]+)% packet loss/.exec(out.out)?.[1]);
    expect(lost).toBeGreaterThan(29);
    expect(lost).toBeLessThan(43);
  });

  test('tells its state to scripts', async () => {
    await line('rate', '10mbit');
    expect(JSON.parse(await line('status', '--output', 'json'))).toEqual({
      cut: false,
      rateKbit: 10_000,
      lossPercent: 0,
    });
    await line('heal');
  });
});

describe('the cloud', () => {
  interface Made {
    readonly id: string;
    readonly ip: string;
    readonly mac: string;
  }
  let web: Made;
  let peer: Made;
  const where = { Zone: 'cn-bj2-04', VPCId: 'uvnet-1', SubnetId: 'subnet-1' };

  beforeAll(async () => {
    const key = (await readFile(`${folder}/id_ed25519.pub`, 'utf8')).trim();
    const userData = `#cloud-config\ndisable_root: false\nssh_authorized_keys: ['${key}']\nruncmd: ['echo ran > /root/ran']\n`;
    [web, peer] = await Promise.all([make('web', userData), make('peer', userData, { 'Features.UNI': 'true' })]);
  });

  async function make(machine: string, userData: string, more: Record<string, string> = {}): Promise<Made> {
    const size = { CPU: 1, Memory: 1024, 'Disks.0.IsBoot': 'True', 'Disks.0.Type': 'CLOUD_SSD', 'Disks.0.Size': 20 };
    const login = { LoginMode: 'Password', Password: Buffer.from('Lab-Test-1').toString('base64') };
    const made = await at.call('CreateUHostInstance', {
      ...where,
      ...size,
      ...login,
      ImageId: 'uimage-base',
      ...more,
      Name: machine,
      ChargeType: 'Dynamic',
      UserData: Buffer.from(userData).toString('base64'),
    });
    const id = (made['UHostIds'] as string[])[0] as string;
    return waitFor(
      `${machine} to run`,
      async () => {
        const seen = await at.call('DescribeUHostInstance', { Zone: where.Zone, 'UHostIds.0': id });
        const host = (seen['UHostSet'] as { State: string; IPSet: { IP: string; Mac: string }[] }[])[0];
        const nic = host?.IPSet[0];
        return host?.State === 'Running' && nic !== undefined && { id, ip: nic.IP, mac: nic.Mac };
      },
      { within: seconds(60) },
    );
  }

  /** Sends three pings of that source and counts those that arrive; the receiver's kernel counts. */
  async function arriving(from: string, source: string, to: string, target: string): Promise<number> {
    const column = '/^Icmp: [A-Z]/ { while ($++n != "InEchos"); } /^Icmp: [0-9]/ { print $n }';
    const seen = async () => Number(await at.ok(to, `awk '${column}' /proc/net/snmp`));
    const before = await seen();
    await at.run(from, `ping -c 3 -i 0.2 -W 1 -I ${source} ${target}`);
    return (await seen()) - before;
  }

  test('boots a machine that runs its user data and lets the operator in', async () => {
    await untilSsh('web');
    await at.ok('web', 'cloud-init status --wait');
    expect(await labOk('ssh', '--name', name, 'web', '--', 'cat /root/ran; hostname')).toBe('ran\nweb');
  });

  test('carries packets of a primary address to the other cloud machine and across the line', async () => {
    expect(await arriving('web', web.ip, 'peer', peer.ip)).toBe(3);
    expect(await arriving('web', web.ip, 'base-1', '192.168.50.11')).toBe(3);
    expect(await arriving('base-1', '192.168.50.11', 'web', web.ip)).toBe(3);
  });

  test('drops packets whose source it has not given to the machine', async () => {
    await at.ok('web', 'ip address add 10.9.7.7/32 dev lo; ip address add 192.168.50.99/32 dev lo');
    expect(await arriving('web', '10.9.7.7', 'peer', peer.ip)).toBe(0);
    expect(await arriving('web', '192.168.50.99', 'peer', peer.ip)).toBe(0);
    expect(await arriving('web', '10.9.7.7', 'base-1', '192.168.50.11')).toBe(0);
  });

  test('carries a secondary address once it was given, both directions, and no longer once it was taken', async () => {
    const nic = { ...where, ObjectId: web.id, Mac: web.mac };
    const given = await at.call('AllocateSecondaryIp', nic);
    const address = (given['IpInfo'] as { Ip: string }).Ip;
    await at.ok('web', `ip address add ${address}/32 dev lo`);
    await waitFor('the VPC to carry it', async () => (await at.run('peer', `ping -c 1 -W 1 ${address}`)).code === 0, {
      within: seconds(10),
    });
    expect(await arriving('web', address, 'peer', peer.ip)).toBe(3);
    expect(await arriving('base-1', '192.168.50.11', 'web', address)).toBe(3);
    await at.ok('peer', `ip address add ${address}/32 dev lo`);
    expect(await arriving('peer', address, 'base-1', '192.168.50.11')).toBe(0);
    await at.ok('peer', `ip address del ${address}/32 dev lo`);

    await labOk('machine', 'reboot', '--name', name, 'web');
    await untilSsh('web');
    await at.ok('web', `ip address add ${address}/32 dev lo`);
    expect(await arriving('peer', peer.ip, 'web', address)).toBe(3);

    await at.call('DeleteSecondaryIp', { ...nic, Ip: address });
    await waitFor('the VPC to drop it', async () => (await at.run('peer', `ping -c 1 -W 1 ${address}`)).code !== 0, {
      within: seconds(10),
    });
    expect(await arriving('web', address, 'peer', peer.ip)).toBe(0);
  });

  test('plugs a further interface into a running machine, which sets it up by the metadata server', async () => {
    const nic = await makeInterface();
    const pair = { InterfaceId: nic.id, InstanceId: peer.id };
    await at.call('AttachNetworkInterface', pair);
    await waitFor('the guest to find it in the metadata', () => setUp('peer', nic.mac), { within: seconds(30) });
    expect(await at.ok('peer', 'ip -o link show eth1')).toMatch(new RegExp(`mtu 1454 .* ${nic.mac.toLowerCase()} `));
    // A link that came up a moment ago may lose its first packets.
    const answers = (from: string, target: string) =>
      waitFor(`${target} to answer ${from}`, async () => (await at.run(from, `ping -c 1 -W 1 ${target}`)).code === 0, {
        within: seconds(10),
      });
    await answers('peer', `-I ${nic.ip} ${web.ip}`);
    await answers('base-1', nic.ip);
    // By the main table its packets leave by eth0, where the VPC does not know their source.
    await at.ok('peer', `ip rule del from ${nic.ip}`);
    expect(await arriving('peer', nic.ip, 'web', web.ip)).toBe(0);
    await at.ok('peer', `ip rule add from 10.9.7.7 table 1001; ip address add 10.9.7.7/32 dev lo`);
    expect(await arriving('peer', '10.9.7.7', 'web', web.ip)).toBe(0);

    const address = '10.9.0.61';
    await at.call('AllocateSecondaryIp', { ...where, ObjectId: nic.id, Mac: nic.mac, Ip: address });
    await at.ok('peer', `ip rule add from ${address} table 1001; ip address add ${address}/32 dev lo`);
    await answers('web', address);
    expect(await arriving('peer', address, 'base-1', '192.168.50.11')).toBe(3);

    await labOk('machine', 'reboot', '--name', name, 'peer');
    await untilSsh('peer');
    expect(await setUp('peer', nic.mac)).toBe(true);
    await at.ok('peer', `ip rule add from ${address} table 1001; ip address add ${address}/32 dev lo`);
    for (const one of [nic.ip, address]) await answers('web', one);

    await admitOnlyTheVpc(nic.id);
    await waitFor('the group to judge', async () => (await at.run('base-1', `ping -c 1 -W 1 ${nic.ip}`)).code !== 0, {
      within: seconds(10),
    });
    await answers('web', nic.ip);
    // The interface that the machine was made with is in firewall mode as before.
    await answers('base-1', peer.ip);

    await at.call('DetachNetworkInterface', pair);
    await waitFor('the link to be gone', async () => (await at.run('peer', 'ip link show eth1')).code !== 0, {
      within: seconds(10),
    });
    expect((await at.run('web', `ping -c 1 -W 1 ${nic.ip}`)).code).not.toBe(0);
    await at.call('DeleteNetworkInterface', { InterfaceId: nic.id });
  });

  /** The interface goes over to a security group with one rule. */
  async function admitOnlyTheVpc(nic: string): Promise<void> {
    const { SecGroupId } = await at.call('CreateSecGroup', { VPCID: where.VPCId, Name: 'inside' });
    const group = SecGroupId as string;
    const rule = {
      Direction: 'Ingress',
      IPRange: '10.9.0.0/16',
      ProtocolType: 'ALL',
      DstPort: 'ALL',
      RuleAction: 'Accept',
      Priority: 1,
    };
    const params = Object.fromEntries(Object.entries(rule).map(([key, value]) => [`Rule.0.${key}`, value]));
    await at.call('CreateSecGroupRule', { SecGroupId: group, ...params });
    await at.call('SwitchToSecGroup', {
      ResourceId: nic,
      IsRemoveFirewall: 'false',
      'PrioritySecGroup.0.SecGroupId': group,
      'PrioritySecGroup.0.Priority': 1,
    });
  }

  async function makeInterface() {
    // Of its own choice: the lowest free address may still be on another guest, which had it before.
    const ip = '10.9.0.60';
    const { NetworkInterface } = await at.call('CreateNetworkInterface', { ...where, Zone: '', 'PrivateIp.0': ip });
    const { InterfaceId, MacAddress } = NetworkInterface as { InterfaceId: string; MacAddress: string };
    return { id: InterfaceId, mac: MacAddress, ip };
  }

  /** What a guest does with an interface beside its first: address, table and rule as the metadata tells. Whether it is told there. */
  async function setUp(machine: string, mac: string): Promise<boolean> {
    const script = `
import json, subprocess, urllib.request
told = json.load(urllib.request.urlopen("http://100.80.80.80/meta-data/v1.json"))["network-config"]["ethernets"]
(nic,) = [one for one in told.values() if one["match"]["macaddress"] == "${mac.toLowerCase()}"]
links = json.loads(subprocess.check_output(["ip", "-j", "link"]))
(link,) = [one["ifname"] for one in links if one["address"] == nic["match"]["macaddress"]]
ip = lambda *words: subprocess.check_call(["ip", *map(str, words)])
ip("address", "add", nic["addresses"][0], "dev", link)
ip("link", "set", link, "up")
for route in nic["routes"]:
    ip("route", "add", route["to"], "via", route["via"], "dev", link, "table", route["table"])
for rule in nic["routing-policy"]:
    ip("rule", "add", "from", rule["from"], "table", rule["table"])`;
    return (await at.run(machine, `python3 -c '${script}'`)).code === 0;
  }

  test('tells a sender across the line that its packets are too big', async () => {
    const { out } = await at.run('base-1', `ping -c 1 -W 1 -M do -s 1472 ${peer.ip}`);
    expect(out).toMatch(/[Ff]rag needed.*1454/);
    await at.ok('base-1', `ping -c 1 -W 1 -M do -s 1426 ${peer.ip}`);
  });

  test('makes an image of a stopped machine: what begins with it has what was on the disk, and an identity of its own', async () => {
    const identity = 'cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub; hostname';
    const original = await at.ok('peer', identity);
    await at.ok('peer', 'echo kept | tee /root/by-hand >/var/lib/etcd/by-hand; rm /etc/issue; sync');
    await at.call('StopUHostInstance', { Zone: where.Zone, UHostId: peer.id });
    await waitFor('peer to be stopped', async () => (await stateOf(peer.id)) === 'Stopped', { within: seconds(60) });
    const made = await at.call('CreateCustomImage', { UHostId: peer.id, ImageName: 'by hand' });
    const image = { ImageId: made['ImageId'] as string };
    const listed = async () => (await at.call('DescribeImage', image))['ImageSet'] as readonly { State: string }[];
    await waitFor('the image to be made', async () => (await listed())[0]?.State === 'Available', {
      within: seconds(60),
    });
    const copy = await make('copy', "#cloud-config\nruncmd: ['echo copied > /root/ran']\n", image);
    await at.ok('copy', 'cloud-init status --wait');
    expect(await at.ok('copy', 'cat /root/by-hand /var/lib/etcd/by-hand /root/ran; ls /etc/issue* ')).toBe(
      'kept\nkept\ncopied\n/etc/issue.net',
    );
    const own = (await at.ok('copy', identity)).split('\n');
    expect(own.filter((line) => original.split('\n').includes(line))).toEqual([]);
    expect(own.at(-1)).toBe('copy');
    await at.ok('web', `ping -c 1 -W 2 ${copy.ip}`);
    await at.call('TerminateCustomImage', image);
    expect(await listed()).toEqual([]);
    await waitFor('its disk to be gone', async () => (await readdir(`${folder}/images`)).length === 0, {
      within: seconds(10),
    });
  });

  async function stateOf(id: string): Promise<string | undefined> {
    const seen = await at.call('DescribeUHostInstance', { Zone: where.Zone, 'UHostIds.0': id });
    return (seen['UHostSet'] as { State: string }[])[0]?.State;
  }

  test('forgets a machine that was terminated, address and all', async () => {
    await at.call('TerminateUHostInstance', { Zone: where.Zone, UHostId: peer.id });
    await waitFor('no trace of peer', async () => tracesOf(name).every((trace) => !trace.includes(peer.id)), {
      within: seconds(30),
    });
  });
});

describe('the lab as a whole', () => {
  test('writes a cluster.yaml that is valid, and keeps its secrets to root', async () => {
    const [path, keys] = [`${folder}/cluster.yaml`, { UCLOUD_PUBLIC_KEY: 'a', UCLOUD_PRIVATE_KEY: 'b' }];
    expect(parseClusterConfig(await readFile(path, 'utf8'), path, { env: keys, providers })).toMatchObject({
      ok: true,
    });
    for (const secret of ['credentials', 'id_ed25519', 'lab.json'])
      expect((await stat(`${folder}/${secret}`)).mode & 0o077, secret).toBe(0);
  });

  test('passes exit codes through, and says what is wrong with the cure', async () => {
    for (const place of ['office', 'base-1'])
      expect((await lab('exec', '--name', name, place, '--', 'sh', '-c', 'exit 7')).code).toBe(7);
    expect((await lab('exec', '--name', name, 'base-9', '--', 'true')).err).toMatch(
      /there is base-1, base-2, .*gateway/,
    );
    expect((await lab('exec', '--name', 'nosuch', 'office', '--', 'true')).err).toMatch(
      new RegExp(`there is no lab "nosuch"; there is .*${name}`),
    );
    expect((await lab('up', '--name', 'Not-Good')).err).toContain('such as "lab1"');
  });

  test('is left alone by a second `up`', async () => {
    expect(await labOk('up', '--name', name)).toContain('is up already');
  });

  test('stands beside another lab with the same addresses, and outlives it', async () => {
    await labOk('up', '--name', other, '--machines', 'base-1', '--bundle', bundle);
    const second = await probe(other);
    await second.ok('base-1', 'echo other > /root/whose');
    await at.ok('base-1', 'echo first > /root/whose');
    expect(await labOk('ssh', '--name', other, 'base-1', '--', 'cat /root/whose')).toBe('other');
    expect(await labOk('down', '--name', other)).toContain('is gone: ');
    expect(tracesOf(other)).toEqual([]);
    expect(await labOk('ssh', '--name', name, 'base-1', '--', 'cat /root/whose')).toBe('first');
  });

  test('outlives the terminal that it was made in', async () => {
    const line = ['lab', 'up', '--name', other, '--machines', 'base-1', '--bundle', bundle];
    const typed = `'${join(import.meta.dirname, '../../bin/isthmus')}' ${line.join(' ')} && echo it stands; cat`;
    const terminal = spawn('script', ['--quiet', '--flush', '--command', typed, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const closed = once(terminal, 'exit');
    let shown = '';
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
    await waitFor('the lab to stand', async () => shown.includes('it stands'), { within: minutes(4) });
    // Without its keeper a terminal hangs up on everything that was started in it.
    terminal.kill('SIGKILL');
    await closed;
    const second = await probe(other);
    await labOk('machine', 'off', '--name', other, 'base-1');
    await labOk('machine', 'start', '--name', other, 'base-1');
    expect(await second.ok('base-1', 'hostname')).toBe('base-1');
    await labOk('down', '--name', other);
    expect(tracesOf(other)).toEqual([]);
  }, 360_000);

  test.each([0, 1, 2, 3, 4])('leaves nothing when `up` is killed after step %i and then taken down', async (step) => {
    const up = startLabCommand(['up', '--name', other, '--machines', 'base-1', '--bundle', bundle]);
    const ended = said(up);
    for (let told = 0; told < step; )
      told += String(await once(up.stdout as NodeJS.ReadableStream, 'data')).split('\n').length - 1;
    if (step === 0) await waitFor('the first file', async () => tracesOf(other).length > 0, { within: seconds(20) });
    up.kill('SIGKILL');
    await ended;
    expect(tracesOf(other)).not.toEqual([]);
    await labOk('down', '--name', other);
    expect(tracesOf(other)).toEqual([]);
  });

  test('leaves nothing when its server was killed first, nor a disk image in use or a mount in its folder', async () => {
    await labOk('up', '--name', other, '--machines', 'base-1', '--bundle', bundle);
    const state = `/var/lib/isthmus-lab/${other}`;
    await writeFile(`${state}/disk.img`, Buffer.alloc(2 ** 20));
    await command('losetup', ['--find', `${state}/disk.img`]);
    await mkdir(`${state}/mounted`);
    await command('mount', ['-t', 'tmpfs', 'tmpfs', `${state}/mounted`]);
    expect(tracesOf(other).filter((trace) => /^loop |^tmpfs /.test(trace))).toHaveLength(2);
    const server = Number((await readFile(`${state}/server`, 'utf8')).split(' ')[0]);
    process.kill(server, 'SIGKILL');
    await waitFor(
      'the lab to be without its server',
      async () => (await lab('status', '--name', other)).err.includes(`lab down --name ${other}`),
      { within: seconds(5) },
    );
    await labOk('down', '--name', other);
    expect(tracesOf(other)).toEqual([]);
  });

  test('goes without a trace', async () => {
    expect(tracesOf(name).length).toBeGreaterThan(20);
    expect(await labOk('down', '--name', name)).toMatch(/is gone: \d+ processes, \d+ network namespaces/);
    expect(tracesOf(name)).toEqual([]);
    expect(await labOk('down', '--name', name)).toContain('there is nothing of');
  });
});

import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { makeKeyPair } from '#host/ssh-keys.ts';
import { markOf } from '#lab/fabric/names.ts';
import { openLab } from '#lab/server/client.ts';
import { pathsOf } from '#lab/server/settings.ts';
import { isSshUp } from '#lab/server/ssh-up.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { isthmus, succeeds } from '../../support/isthmus.ts';
import { type Probe, probe } from '../lab-tools.ts';
import { operatorStarts } from './operator.ts';

/**
 * What a person can get wrong, and what machines and clouds can have wrong with them, before there is a cluster. Each is told
 * with its cure, and nothing is changed: neither in the cloud nor on a machine. One lab for the whole file.
 */
const name = 'badinput';
const desk = pathsOf(name).state;
let lab: Probe;
let goodConfig: string;

beforeAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  await succeeds(['lab', 'up', '--name', name, '--speed', '0.05'], { within: minutes(3) });
  lab = await probe(name);
  goodConfig = await readFile(join(desk, 'cluster.yaml'), 'utf8');
  // Whatever the product changed later would be newer than this.
  for (const machine of ['base-1', 'base-2', 'gateway']) await lab.ok(machine, 'touch /before');
}, minutes(5));

afterAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
}, minutes(3));

afterEach(async () => {
  await rm(join(desk, '.isthmus'), { recursive: true, force: true });
  await writeFile(join(desk, 'cluster.yaml'), goodConfig);
});

async function changesInCloud(): Promise<readonly string[]> {
  const calls = await (await openLab(name)).cloud.calls();
  return calls.filter(({ action, code }) => code === 0 && !/^(Describe|Get)/.test(action)).map(({ action }) => action);
}

const ours =
  '/etc/isthmus /etc/kubernetes /etc/containerd /etc/sysctl.d /etc/systemd /usr/local/bin /opt/cni /var/lib/isthmus';

async function changesOnMachines(): Promise<string> {
  const found = await Promise.all(
    ['base-1', 'base-2'].map((machine) =>
      lab.ok(machine, `for f in ${ours}; do if [ -e $f ]; then find $f -newer /before -type f; fi; done`),
    ),
  );
  return found.join('\n').trim();
}

/** Runs `up` and expects it to refuse with this message and exit code, having changed nothing. */
async function refuses(message: RegExp, code: number, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const before = await changesInCloud();
  const ran = await (await operatorStarts(name, ['up', '--yes'], { seat: { env } })).end(minutes(2));
  expect(ran.said).toMatch(message);
  expect(ran.code, ran.said).toBe(code);
  expect(await changesInCloud()).toEqual(before);
  expect(await changesOnMachines()).toBe('');
  return ran.said;
}

async function withConfig(change: (text: string) => string): Promise<void> {
  const changed = change(goodConfig);
  expect(changed).not.toBe(goodConfig);
  await writeFile(join(desk, 'cluster.yaml'), changed);
}

async function sitesAnswer(): Promise<boolean> {
  const office = markOf(name, 'office');
  return (await isSshUp(office, '192.168.50.11')) && (await isSshUp(office, '192.168.50.12'));
}

test('missing cloud keys', async () => {
  const said = await refuses(/cluster\.yaml:\d+: cloud\.credentials\.publicKey.*"UCLOUD_PUBLIC_KEY" is not set/, 2, {
    UCLOUD_PUBLIC_KEY: '',
    UCLOUD_PRIVATE_KEY: '',
  });
  expect(said).toMatch(/"UCLOUD_PRIVATE_KEY" is not set/);
});

test('wrong cloud keys', () =>
  refuses(
    /cloud\.credentials: "UCLOUD_PUBLIC_KEY, UCLOUD_PRIVATE_KEY" the cloud refuses the keys .*Signature VerifyAC Error.*set them to the keys/,
    2,
    { UCLOUD_PRIVATE_KEY: 'not-the-key' },
  ));

test('an API of the cloud that nobody answers at', async () => {
  await withConfig((text) => text.replace('http://100.80.80.81', 'http://127.0.0.1:9'));
  await refuses(/cloud: "ucloud" does not answer: .*ECONNREFUSED.*check that this computer can reach its API/, 2);
});

test('VPC, subnet and image that do not exist are told together', async () => {
  await withConfig((text) =>
    text.replace('uvnet-1', 'uvnet-no').replace('subnet-1', 'subnet-no').replaceAll('uimage-base', 'uimage-no'),
  );
  const said = await refuses(/cloud\.vpc: "uvnet-no" does not exist in this region and project; look it up/, 2);
  expect(said).toMatch(/cloud\.subnet: "subnet-no" does not exist/);
  expect(said).toMatch(/cloudMachines\[0\]\.image: "uimage-no" does not exist/);
});

test('a subnet of another VPC', async () => {
  const { VPCId } = await lab.call('CreateVPC', { Name: 'other', 'Network.0': '10.77.0.0/16' });
  await withConfig((text) => text.replace('uvnet-1', String(VPCId)));
  await refuses(new RegExp(`cloud\\.subnet: "subnet-1" belongs to the VPC uvnet-1, not to cloud\\.vpc`), 2);
});

test("a cloud machine's name that somebody else's machine has", async () => {
  const { UHostIds } = (await lab.call('CreateUHostInstance', {
    Zone: 'cn-bj2-04',
    ImageId: 'uimage-base',
    Name: 'web-1',
    Tag: 'somebody',
    LoginMode: 'Password',
    Password: Buffer.from('Somebody-1').toString('base64'),
    'Disks.0.IsBoot': 'True',
    'Disks.0.Type': 'CLOUD_SSD',
    'Disks.0.Size': 20,
    ChargeType: 'Dynamic',
    CPU: 1,
    Memory: 1024,
  })) as { UHostIds: readonly string[] };
  const id = UHostIds[0] ?? expect.fail('the cloud made no machine');
  await refuses(new RegExp(`cloudMachines\\[1\\]\\.name: "web-1" is the name of ${id}, .*choose another name`), 2);
  await waitFor(
    'the machine of somebody else to be gone',
    async () => {
      const { UHostSet } = (await lab.call('DescribeUHostInstance', {})) as { UHostSet: { State: string }[] };
      const state = UHostSet[0]?.State;
      if (state === 'Running') await lab.call('PoweroffUHostInstance', { Zone: 'cn-bj2-04', UHostId: id });
      if (state === 'Stopped') await lab.call('TerminateUHostInstance', { Zone: 'cn-bj2-04', UHostId: id });
      return UHostSet.length === 0;
    },
    { within: minutes(2) },
  );
});

test.each([
  [
    'stock 0',
    /create cloud machine cp-1: creating cp-1: CreateUHostInstance: exhausted \(machines\): .*\[8224, request .*another zone, shape or subnet/,
  ],
  [
    'cpus 1',
    /create cloud machine cp-1: creating cp-1: CreateUHostInstance: quota: .*quota of 1 cpus has no room for 2 more.*\[8095, request .*ask the provider to raise the quota/,
  ],
])('stock or quota that is short (%s)', async (limit, message) => {
  const [kind = '', value = ''] = limit.split(' ');
  const set = (to: string) =>
    succeeds(['lab', 'cloud', 'limit', 'set', kind, to, '--name', name], { within: minutes(1) });
  await set(value);
  await refuses(message, 1);
  await set('none');
});

test('a cloud machine that is too small for its role', async () => {
  await withConfig((text) => text.replace('memory: 4Gi', 'memory: 1Gi'));
  await refuses(
    /cloudMachines\[0\]\.shape\.memory: "1Gi" is too small for a control-plane, which needs at least 1700Mi/,
    2,
  );
});

test('a machine that refuses SSH, beside one that is off', async () => {
  await lab.ok('base-1', 'systemctl stop ssh.socket ssh.service');
  await succeeds(['lab', 'machine', 'off', '--name', name, 'base-2'], { within: minutes(1) });
  const before = await changesInCloud();
  const ran = await (await operatorStarts(name, ['up', '--yes'])).end(minutes(2));
  await succeeds(['lab', 'machine', 'start', '--name', name, 'base-2'], { within: minutes(1) });
  await lab.ok('base-1', 'systemctl start ssh.service');
  expect(ran.code, ran.said).toBe(1);
  expect(ran.said).toMatch(
    /base-1: connecting to root@192\.168\.50\.11:22: .*ECONNREFUSED.*check that the SSH server runs on the machine/,
  );
  expect(ran.said).toMatch(/base-2: connecting to root@192\.168\.50\.12:22: .*check that the machine is on/);
  expect(await changesInCloud()).toEqual(before);
  await waitFor('both machines to answer SSH again', sitesAnswer, { within: minutes(1) });
});

test('an SSH key that the machines do not know', async () => {
  await writeFile(join(desk, 'other_key'), makeKeyPair('other').private, { mode: 0o600 });
  await withConfig((text) => text.replaceAll('key: id_ed25519', 'key: other_key'));
  await refuses(
    /base-1: connecting to root@192\.168\.50\.11:22: login refused; put the public half of .*other_key into ~root\/\.ssh\/authorized_keys/,
    1,
  );
});

test('a host key that has changed', async () => {
  const pinned = makeKeyPair('base-1').public.split(' ').slice(0, 2).join(' ');
  await succeeds(['lab', 'exec', '--name', name, 'office', '--', 'mkdir', '-p', `.isthmus/${name}`], {
    within: seconds(30),
  });
  await writeFile(join(desk, `.isthmus/${name}/known_hosts`), `base-1 ${pinned}\n`);
  await refuses(
    /base-1 \(192\.168\.50\.11\): checking its SSH host key: it showed .* was pinned at first contact.*remove the line "base-1 ssh-ed25519/,
    1,
  );
});

/** What is wrong with a machine: how it is made so, and how it is cleared. */
const faulty: readonly [string, string, string, RegExp][] = [
  [
    'a machine with too little memory',
    'sed "s/^MemTotal.*/MemTotal:         524288 kB/" /proc/meminfo > /run/little && mount --bind /run/little /proc/meminfo',
    'umount /proc/meminfo',
    /base-1 \(192\.168\.50\.11\) can't become a node yet:\n {2}512Mi of memory: a node needs 900Mi/,
  ],
  [
    'a machine with too little room on its disk',
    'mount -t tmpfs -o size=1g tmpfs /var/lib',
    'umount /var/lib',
    / {2}\d+Mi free under \/var\/lib: make room; a node needs 3Gi/,
  ],
  [
    'a machine that is a node of another cluster',
    `mkdir -p /etc/kubernetes && printf 'clusters:\\n- cluster:\\n    certificate-authority-data: bm8=\\n    server: https://10.1.1.1:6443\\n' > /etc/kubernetes/kubelet.conf && touch -d '1 day ago' /etc/kubernetes/kubelet.conf`,
    'rm -r /etc/kubernetes',
    / {2}it is a node of another cluster, that of https:\/\/10\.1\.1\.1:6443: if it can be removed from that cluster, run isthmus machine reset/,
  ],
  [
    'a machine without what containers need',
    'mv /usr/sbin/runc /usr/sbin/runc.away || mv /usr/bin/runc /usr/bin/runc.away',
    'mv /usr/sbin/runc.away /usr/sbin/runc || mv /usr/bin/runc.away /usr/bin/runc',
    / {2}missing commands: runc: apt-get install -y runc$/m,
  ],
  [
    'a port of the node that is taken',
    'systemd-run --unit taken socat TCP-LISTEN:10250,fork /dev/null && until ss -ltn | grep -q :10250; do :; done',
    'systemctl stop taken',
    / {2}port 10250 is already in use: find the program with ss -tlnp/,
  ],
  [
    'a machine that can not reach the bundle',
    'ip route add unreachable 100.80.80.88/32',
    'ip route del unreachable 100.80.80.88/32',
    / {2}cannot reach the bundle server: .*: allow traffic from this machine to bundle\.url/,
  ],
  // All machines of a lab share this computer's clock and kernel: what tells of them is what is changed.
  [
    'a machine whose clock is five minutes ahead',
    answerInsteadOf('date', `exec /usr/bin/date --date='now + 5 minutes' "$@"`),
    'rm /usr/local/sbin/date',
    / {2}the clock is (5 min 00|4 min 5\d) s ahead of that of the operator's computer: /,
  ],
  [
    'a system that is not supported, by its processor and its kernel',
    answerInsteadOf('uname', 'case $1 in -m) echo aarch64;; *) echo 4.19.0;; esac'),
    'rm /usr/local/sbin/uname',
    / {2}processor architecture aarch64: use an x86-64 machine\n(.*\n)* {2}kernel 4\.19\.0: kube-proxy in nftables mode needs 5\.13 or newer/,
  ],
];

/** A command that comes first in root's search path. */
function answerInsteadOf(command: string, script: string): string {
  return `printf '#!/bin/sh\\n%s\\n' '${script.replaceAll("'", `'\\''`)}' > /usr/local/sbin/${command} && chmod +x /usr/local/sbin/${command}`;
}

test.each(faulty)('%s', async (_title, spoil, clear, message) => {
  await lab.ok('base-1', spoil);
  try {
    await refuses(message, 1);
  } finally {
    await lab.ok('base-1', clear);
  }
});

test('a dry run tells calls, commands and files without a secret among them, and does nothing', async () => {
  const before = await changesInCloud();
  const ran = await (await operatorStarts(name, ['up', '--dry-run'])).end(minutes(1));
  expect(ran.code, ran.said).toBe(0);
  expect(ran.said).toMatch(
    /cloud: CreateUHostInstance Zone=cn-bj2-04 Name=cp-1 Tag=\S+ ImageId=uimage-base VPCId=uvnet-1 SubnetId=subnet-1 .* Password=\[secret\] UserData=\[secret, \d+ bytes\]/,
  );
  for (const line of [
    'on cp-1: kubeadm init --skip-phases=addon/coredns --config /etc/isthmus/kubeadm.yaml',
    'on base-1: kubeadm join --config /etc/isthmus/kubeadm.yaml',
    'on base-1: write /usr/local/bin/kubelet',
    'on web-1: write /etc/containerd/config.toml',
    'cluster: apply DaemonSet isthmus-system/isthmus-agent',
    `here: write ${join(desk, `.isthmus/${name}/kubeconfig`)}`,
  ])
    expect(ran.said).toContain(line);
  const secrets = (await readFile(join(desk, 'credentials'), 'utf8')).matchAll(/=(\S+)/g);
  for (const [, secret] of secrets) expect(ran.said).not.toContain(secret);
  expect(ran.said).not.toContain('PRIVATE KEY');
  expect(await changesInCloud()).toEqual(before);
  expect(await changesOnMachines()).toBe('');
  expect(existsSync(join(desk, '.isthmus'))).toBe(false);
});

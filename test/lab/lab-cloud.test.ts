import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { observeMachines } from '#lab/server/machines.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { lab, labOk, makeBundle, type Probe, probe, removeBundle } from './lab-tools.ts';

const name = `c${process.pid}`.slice(0, 12);
const ledger = `/var/lib/isthmus-lab/${name}/cloud.json`;
const where = { Zone: 'cn-bj2-04', VPCId: 'uvnet-1', SubnetId: 'subnet-1' };
let bundle: string;
let files: string;
let at: Probe;
let made: { readonly id: string; readonly ip: string; readonly mac: string };

const cloud = (...args: string[]): Promise<string> => labOk('cloud', ...args, '--name', name);
const read = async (what: string): Promise<unknown> => JSON.parse(await cloud(...what.split(' '), '--output', 'json'));

beforeAll(async () => {
  bundle = await makeBundle(1024);
  files = await mkdtemp(join(tmpdir(), 'lab-cloud-'));
  await labOk('up', '--name', name, '--machines', 'base-1', '--speed', '0.02', '--bundle', bundle);
  at = await probe(name);
  made = await makeMachine();
  await at.call('AllocateSecondaryIp', { ...where, Mac: made.mac, ObjectId: made.id, Ip: '10.9.0.77' });
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

async function makeMachine() {
  const created = await at.call('CreateUHostInstance', machineWish);
  return running((created['UHostIds'] as [string])[0]);
}

function running(id: string) {
  return waitFor(
    `${id} to run`,
    async () => {
      const seen = await at.call('DescribeUHostInstance', { Zone: where.Zone, 'UHostIds.0': id });
      const [host] = seen['UHostSet'] as readonly { State: string; IPSet: readonly [{ IP: string; Mac: string }] }[];
      return host?.State === 'Running' && { id, ip: host.IPSet[0].IP, mac: host.IPSet[0].Mac };
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
    expect(await cloud('objects')).toMatch(new RegExp(`machine +${made.id} +web-1 +Running +${made.ip} in subnet-1`));
    const json = await cloud('objects', '--output', 'json');
    expect(JSON.parse(json).machines).toMatchObject([{ id: made.id, name: 'web-1' }]);
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
  await cloud('limit', 'set', 'machines', '1');
  await expect(at.call('CreateUHostInstance', machineWish)).rejects.toThrow(
    /"RetCode":8095,"Message":"the account's quota of 1 machines has no room for 1 more"/,
  );
  expect(await read('limit list')).toMatchObject({ limits: { machines: 1 }, used: { machines: 1, cpus: 1 } });
  const said = await lab('cloud', 'limit', 'set', 'calls', 'fast', '--name', name);
  expect([said.code, said.err]).toEqual([1, 'limit calls "fast": write a rate such as 5/s, or none']);
  const file = join(files, 'limits.yaml');
  await writeFile(file, 'limits: { machines: null, cpus: 7 }\n');
  await cloud('scenario', file);
  expect(await read('limit list')).toMatchObject({ limits: { cpus: 7 } });
  expect(await cloud('limit', 'list')).toMatch(/machines +none +1\ncpus +7 +1\n/);
});

describe('a lab whose server was killed', () => {
  test('comes back by `lab up` with its machines, their disks, their addresses and the faults', async () => {
    await hasUserData();
    await at.ok(made.id, 'echo kept >/root/kept; sync');
    const faults = await read('fault list');
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
    expect(await read('fault list')).toEqual(faults);
    expect(await labOk('up', '--name', name)).toContain('is up already');
  });
});

describe('a saved cloud', () => {
  test('is loaded again: a machine that was terminated since is installed anew with its id and addresses', async () => {
    const file = join(files, 'before.json');
    await cloud('save', file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
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

    expect(await cloud('load', file)).toContain(`install: ${made.id}`);
    expect(await running(made.id)).toEqual(made);
    await hasUserData();
    expect((await at.run(made.id, 'test -e /root/kept')).code).toBe(1);
    await routeOf('10.9.0.77');
  });
});

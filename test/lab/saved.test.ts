import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listSaved, savedPaths } from '#lab/saved/saved-lab.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { keepEvidence } from '../support/evidence.ts';
import { lab, labOk, makeBundle, type Probe, probe, removeBundle } from './lab-tools.ts';

/** A small lab without a cluster, and those that begin from it; the converged ones are in test/long. */
const [second, small, other] = ['savedtwo', 'savedsmall', 'savedother'] as const;
const kept = 'saved-test';
keepEvidence(other);

afterAll(async () => {
  for (const one of [second, small, other]) await labOk('down', '--name', one);
  for (const one of [kept, `${kept}-2`]) if (listSaved().includes(one)) await labOk('saved', 'remove', one);
}, minutes(5));

describe('a lab without a cluster', () => {
  let bundle: string;
  let at: Probe;
  let balancer: string;
  beforeAll(async () => {
    bundle = await makeBundle(0);
    await labOk('up', '--name', small, '--machines', 'base-1', '--speed', '0.05', '--bundle', bundle);
    at = await probe(small);
    await at.ok('base-1', 'echo kept > /root/kept; echo kept > /var/lib/etcd/kept; rm /etc/debian_version');
    await at.call('CreateVPC', { Name: 'kept', 'Network.0': '10.77.0.0/16' });
    const place = { VPCId: 'uvnet-1', SubnetId: 'subnet-1' };
    const { NLBId } = await at.call('CreateNetworkLoadBalancer', place);
    const { EIPSet } = await at.call('AllocateEIP', { OperatorName: 'Bgp', Bandwidth: 1 });
    const [{ EIPId }] = EIPSet as [{ EIPId: string }];
    await at.call('BindEIP', { EIPId, ResourceType: 'ulb', ResourceId: NLBId as string });
    balancer = NLBId as string;
    await labOk('line', 'rate', '20mbit', '--name', small);
  });
  afterAll(() => removeBundle(bundle));

  test('is saved while it runs, and goes on', async () => {
    const before = await at.ok('base-1', 'cat /proc/sys/kernel/random/boot_id; cat /proc/1/stat | cut -d" " -f22');
    expect(await labOk('save', '--name', small, kept)).toContain(`is saved as "${kept}" and goes on`);
    const after = await at.ok('base-1', 'cat /proc/sys/kernel/random/boot_id; cat /proc/1/stat | cut -d" " -f22');
    expect(after).toBe(before);
    expect(existsSync(savedPaths(kept).card)).toBe(true);
  });

  test('is not saved under a name that is taken, nor while a machine is off', async () => {
    expect((await lab('save', '--name', small, kept)).err).toContain(`isthmus lab saved remove ${kept}`);
    await labOk('machine', 'off', '--name', small, 'base-1');
    const refused = await lab('save', '--name', small, `${kept}-2`);
    expect(refused.err).toContain(`start it with \`isthmus lab machine start --name ${small} base-1\``);
    await labOk('machine', 'start', '--name', small, 'base-1');
    expect(listSaved()).not.toContain(`${kept}-2`);
  });

  test('comes back with its disks, its cloud, its line and its keys, under another name beside the first', async () => {
    await labOk('up', '--name', other, '--from', kept, '--bundle', bundle);
    expect((await lab('up', '--name', small, '--from', kept)).err).toContain(`a lab "${small}" exists already`);
    const now = await probe(other);
    expect(await now.ok('base-1', 'cat /root/kept /var/lib/etcd/kept; ls /etc/debian_version 2>&1 || true')).toMatch(
      /^kept\nkept\n.*No such file/,
    );
    expect(JSON.stringify(await now.call('DescribeVPC', {}))).toContain('"kept"');
    expect(await now.ok('office', 'ls /run/netns')).toContain(`isl-${other}-${balancer}`);
    await waitFor(
      'its public address',
      async () => (await now.ok('vpc', 'ip route show table 901')).includes('198.18.0.2'),
      {
        within: seconds(30),
      },
    );
    expect(await labOk('status', '--name', other)).toContain('at most 20 Mbit/s');
    expect(await labOk('ssh', '--name', other, 'base-1', '--', 'hostname')).toBe('base-1');
  });

  test('and its first lab do not see what the other changes, nor does the saved one', async () => {
    const now = await probe(other);
    await now.ok('base-1', 'echo changed > /root/kept');
    expect(await at.ok('base-1', 'cat /root/kept')).toBe('kept');
    await labOk('down', '--name', other);
    await labOk('up', '--name', other, '--from', kept, '--bundle', bundle);
    expect(await (await probe(other)).ok('base-1', 'cat /root/kept')).toBe('kept');
  });

  test('keeps its disk over a power cut, and can be saved again', async () => {
    const now = await probe(other);
    await now.ok('base-1', 'echo more > /root/more');
    await labOk('machine', 'off', '--name', other, 'base-1');
    await labOk('machine', 'start', '--name', other, 'base-1');
    expect(await now.ok('base-1', 'cat /root/kept /root/more')).toBe('kept\nmore');
    await labOk('save', '--name', other, `${kept}-2`);
    await labOk('down', '--name', other);
    await labOk('up', '--name', other, '--from', `${kept}-2`, '--bundle', bundle);
    expect(await (await probe(other)).ok('base-1', 'cat /root/kept /root/more')).toBe('kept\nmore');
  });

  test('can not be removed while a lab or a saved lab stands on it, and says which', async () => {
    expect((await lab('saved', 'remove', kept)).err).toContain(`in use by lab "${other}", saved lab "${kept}-2"`);
    const listed = JSON.parse(await labOk('saved', 'list', '--output', 'json')) as { name: string; bytes: number }[];
    expect(listed.find((one) => one.name === kept)).toMatchObject({
      machines: ['gateway', 'base-1'],
      folder: savedPaths(kept).folder,
      usedBy: [`lab "${other}"`, `saved lab "${kept}-2"`],
    });
    await labOk('down', '--name', other);
    for (const one of [`${kept}-2`, kept]) await labOk('saved', 'remove', one);
    expect(existsSync(savedPaths(kept).folder)).toBe(false);
    expect((await lab('up', '--name', other, '--from', kept, '--bundle', bundle)).err).toContain(
      `there is no saved lab "${kept}"`,
    );
  });
});

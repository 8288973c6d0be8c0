import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Addresses } from '#cloud/address.ts';
import type { Condition } from '#kube/api/condition.ts';
import { machines } from '#kube/api/machine.ts';
import { type PodRangeObject, type PodRangeSpec, podRanges } from '#kube/api/pod-range.ts';
import { events } from '#kube/events.ts';
import { type Kube, KubeError, type KubeObject } from '#kube/kube.ts';
import { admissionBindings, admissionPolicies, nodes, pods } from '#kube/resources.ts';
import { ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { cidr, type Ip, overlaps } from '#unit/ip.ts';
import {
  addCloudNode,
  addNode,
  counted,
  type Leader,
  lead,
  listed,
  mark,
  PodsOf,
  type RangesWorld,
  startRangesWorld,
  takeAway,
  warm,
} from './ranges-world.ts';

let world: RangesWorld;
let kube: Kube;
beforeAll(async () => {
  world = await startRangesWorld();
  kube = world.kube;
});
afterAll(() => world?.close());

describe('the controller of pod ranges', () => {
  test('keeps a cloud node warm, and its ledger is what the cloud lists', async () => {
    const id = await addCloudNode(world, 'web-1');
    const leader = lead(kube, world.cloud);
    const usable = await usableOf('web-1', (count) => count >= warm.low);
    expect(usable).toEqual(await listed(world, id));
    await leader.stop();
  });

  test('gives site machines that join together subnets that never touch', async () => {
    const leader = lead(kube, world.cloud);
    const names = ['base-1', 'base-2', 'base-3'];
    await Promise.all(
      names.map((name, i) => addNode(kube, name, `isthmus-site://${name}`, 'site', `192.168.50.1${i}`)),
    );
    const subnets = await waitFor(
      'three subnets',
      async () => {
        const given = (await kube.list(podRanges)).flatMap(({ spec }) => spec.subnet ?? []);
        return given.length === 3 && given;
      },
      { within: seconds(20) },
    );
    expect(subnets.toSorted()).toEqual(['172.16.0.0/24', '172.16.1.0/24', '172.16.2.0/24']);
    expect(overlaps(cidr(subnets[0] as string), cidr(subnets[1] as string))).toBe(false);
    await leader.stop();
  });

  test('gives bridged machines slices of one range that share nothing, and more while pods come', async () => {
    const names = ['flat-1', 'flat-2'];
    for (const [i, name] of names.entries()) await addBridged(name, `192.168.50.2${i}`);
    const leader = lead(kube, world.cloud);
    const few = await Promise.all(names.map((name) => usableOf(name, (count) => count >= 4)));
    expect(new Set(few.flat()).size).toBe(few.flat().length);
    for (const address of few.flat()) expect(address).toMatch(/^192\.168\.50\.1[2-5]\d$/);
    const running = new PodsOf(kube, 'flat-1');
    await waitFor(
      'ten pods to have an address',
      async () => {
        if ((await running.add(`pod-${running.held.length}`)) === undefined) await running.answer();
        return running.held.length === 10;
      },
      { within: seconds(30), every: ms(20) },
    );
    const slices = await Promise.all(names.map((name) => usableOf(name, (count) => count >= 4)));
    expect(new Set(slices.flat()).size).toBe(slices.flat().length);
    expect(running.held.filter((address) => !slices[0]?.includes(address))).toEqual([]);
    await leader.stop();
  });

  test('a bridged range that was deleted by mistake takes what pods of its machine have, and nobody else gets that', async () => {
    const address = '192.168.50.151';
    await addBridged('flat-3', '192.168.50.23');
    await runPod('flat-pod', 'flat-3', address);
    const leader = lead(kube, world.cloud);
    expect(await usableOf('flat-3', (count) => count > 0)).toContain(address);
    await kube.delete(podRanges, { name: 'flat-3' });
    expect(await usableOf('flat-3', (count) => count > 0)).toContain(address);
    await kube.delete(pods, { name: 'flat-pod', namespace: 'default' });
    await leader.stop();
  });

  test('a thousand site machines that join get their subnets, and none costs more than those before it', async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `rack-${i}`);
    const tens = Array.from({ length: 100 }, (_, i) => names.slice(i * 10, i * 10 + 10));
    for (const [i, some] of tens.entries())
      await Promise.all(
        some.map((name, j) => addNode(kube, name, `isthmus-site://${name}`, 'site', `192.168.${100 + i}.${j + 1}`)),
      );
    const { kube: seen, calls } = counted(kube);
    const started = performance.now();
    await whileLeading(lead(seen, world.cloud, new AbortController(), cidr('172.16.0.0/12')), async () => {
      await waitFor(
        'all subnets',
        async () =>
          (await kube.list(podRanges)).filter(({ metadata }) => names.includes(metadata.name)).length === 1000,
        { within: seconds(90), every: seconds(1) },
      );
    });
    const took = Math.round(performance.now() - started);
    const given = (await kube.list(podRanges)).flatMap(({ spec }) => spec.subnet ?? []);
    expect(new Set(given).size).toBe(given.length);
    const counts = Object.fromEntries(calls);
    console.log(`1000 site machines: ${took} ms, calls ${JSON.stringify(counts)}`);
    // One look before and one after its subnet, and now and then one more when its Node was written.
    expect(counts).not.toHaveProperty('listed');
    expect(counts['create']).toBeLessThan(1100);
    expect(counts['get']).toBeLessThan(4000);
    for (const some of tens)
      await Promise.all(
        some.map(async (name) => {
          await kube.delete(nodes, { name });
          await kube.delete(podRanges, { name });
        }),
      );
  });

  test('drops the range of a node that is gone and adopts its addresses when the node is back', async () => {
    const id = await addCloudNode(world, 'web-2');
    const leader = lead(kube, world.cloud);
    const before = await usableOf('web-2', (count) => count >= warm.low);
    const node = await kube.get(nodes, { name: 'web-2' });
    await kube.delete(nodes, { name: 'web-2' });
    await waitFor('the range to go', async () => (await kube.get(podRanges, { name: 'web-2' })) === undefined, {
      within: seconds(10),
    });
    await addNode(kube, 'web-2', node?.spec?.providerID ?? '', 'cloud', '10.9.0.200');
    expect(await usableOf('web-2', (count) => count >= warm.low)).toEqual(before);
    expect(await listed(world, id)).toEqual(before);
    await leader.stop();
  });

  test('leaves a machine alone that carries the mark of another cluster', async () => {
    const id = await addCloudNode(world, 'other-1', 'isthmus-other');
    const leader = lead(kube, world.cloud);
    await waitFor('the refusal', async () => leader.notes.some((n) => JSON.stringify(n).includes('carries the mark')), {
      within: seconds(10),
    });
    expect(await kube.get(podRanges, { name: 'other-1' })).toBeUndefined();
    expect(await listed(world, id)).toEqual([]);
    await leader.stop();
    await kube.delete(nodes, { name: 'other-1' });
  });

  test('gives more while pods come, takes the surplus back when they go, and stops at what the cloud refuses', async () => {
    const id = await addCloudNode(world, 'web-3');
    const leader = lead(kube, world.cloud);
    const pods = new PodsOf(kube, 'web-3');
    const limit = 12;
    const running: string[] = [];
    await waitFor(
      'twelve pods to have an address',
      async () => {
        const name = `pod-${running.length}`;
        if ((await pods.add(name)) !== undefined) running.push(name);
        else await pods.answer();
        return running.length === limit;
      },
      { within: seconds(30), every: ms(20) },
    );
    expect(new Set(pods.held).size).toBe(limit);
    expect(await pods.add('one-too-many')).toBeUndefined();
    for (const name of running) await pods.remove(name);
    await waitFor(
      'the surplus to go back',
      async () => {
        await pods.answer();
        return (await listed(world, id)).length <= warm.high;
      },
      { within: seconds(20) },
    );
    await settled('web-3', id, pods);
    await leader.stop();
  });

  test.each(['timeout-done', 'hang-up-done'] as const)(
    'finds what the cloud gave when its answer was lost (%s)',
    async (kind) => {
      const name = `lost-${kind}`;
      const id = await addCloudNode(world, name);
      world.testCloud.plant({ action: 'AllocateBatchSecondaryIp', kind, times: 1 });
      const leader = lead(kube, world.cloud);
      await whileLeading(leader, () => settled(name, id, new PodsOf(kube, name)));
      expect(leader.notes.filter((n) => 'do' in n && n.do === 'adopt' && 'node' in n && n.node === name)).toHaveLength(
        1,
      );
      await kube.delete(nodes, { name });
      await kube.delete(podRanges, { name });
    },
  );

  test('forgets an address that the cloud took away by itself, and gets another', async () => {
    const name = 'robbed';
    const id = await addCloudNode(world, name);
    const pods = new PodsOf(kube, name);
    await whileLeading(lead(kube, world.cloud), async () => {
      await settled(name, id, pods);
      const [victim] = (await listed(world, id)) as [Ip];
      await takeAway(world, id, victim);
      await waitFor(
        'the ledger without it',
        async () => {
          await pods.answer();
          const entries = (await kube.get(podRanges, { name }))?.spec.addresses ?? [];
          return entries.length > 0 && entries.every((a) => a.ip !== victim);
        },
        { within: seconds(20), every: ms(50) },
      );
      await settled(name, id, pods);
    });
    await kube.delete(nodes, { name });
    await kube.delete(podRanges, { name });
  });

  test('a ledger that cannot be written is no reason to ask the cloud again', async () => {
    const name = 'refused';
    const lift = await refuseWrites(name);
    const id = await addCloudNode(world, name);
    const batch = Math.ceil((warm.low + warm.high) / 2);
    const asked = (leader: Leader): number => leader.notes.filter((n) => 'asked' in n && about(n, name)).length;
    const refusals = (leader: Leader): number => leader.notes.filter((n) => 'failures' in n && about(n, name)).length;
    const leader = lead(kube, world.cloud);
    await whileLeading(leader, async () => {
      await waitFor('three writes to be refused', async () => refusals(leader) >= 3, { within: seconds(30) });
    });
    expect([asked(leader), (await listed(world, id)).length]).toEqual([1, batch]);
    const successor = lead(kube, world.cloud);
    await whileLeading(successor, async () => {
      await waitFor('two writes to be refused', async () => refusals(successor) >= 2, { within: seconds(30) });
      expect([asked(successor), (await listed(world, id)).length]).toEqual([0, batch]);
      await lift();
      await settled(name, id, new PodsOf(kube, name));
    });
    expect((await listed(world, id)).length).toBe(batch);
    await kube.delete(nodes, { name });
    await kube.delete(podRanges, { name });
  });

  test('an interface that is attached to a full machine gives addresses within a minute, and one taken out leaves the ledger', async () => {
    const name = 'two-interfaces';
    const id = await addCloudNode(world, name, mark, { elastic: true });
    const { call } = world.testCloud;
    const attached = async (): Promise<string> => {
      const made = await call('CreateNetworkInterface', { VPCId: 'uvnet-lab', SubnetId: 'subnet-lab' });
      const { InterfaceId } = made['NetworkInterface'] as { InterfaceId: string };
      await call('AttachNetworkInterface', { InterfaceId, InstanceId: id });
      return InterfaceId;
    };
    const homesOf = (spec: PodRangeSpec | undefined) => (spec?.addresses ?? []).map(({ home }) => home ?? 'primary');
    const rangeWith = (homes: readonly string[], connected: readonly string[]): Promise<PodRangeSpec> =>
      waitFor(
        `addresses of ${homes.join(' and ')}`,
        async () => {
          const spec = (await kube.get(podRanges, { name }))?.spec;
          const seen = [homesOf(spec).sort().join(), (spec?.interfaces ?? []).map(({ home }) => home).join()];
          if (seen.join(' ') !== [[...homes].sort().join(), connected.join()].join(' '))
            throw new Error(seen.join(' '));
          return spec as PodRangeSpec;
        },
        { within: seconds(60) },
      );
    await whileLeading(lead(kube, world.cloud), async () => {
      // Each interface of two CPUs takes one, which is less than the pool wants.
      await rangeWith(['primary'], []);
      const further = await attached();
      const { addresses = [], interfaces = [] } = await rangeWith(['primary', further], [further]);
      const own = (await call('DescribePrivateIP', { ObjectId: further }))['DataSet'] as { PrivateIP: string }[];
      const given = addresses.find(({ home }) => home === further)?.ip;
      expect(own.map(({ PrivateIP }) => PrivateIP)).toEqual([interfaces[0]?.address, given]);
      expect(interfaces).toMatchObject([{ network: '10.9.0.0/24', gateway: '10.9.0.1' }]);

      await call('DetachNetworkInterface', { InterfaceId: further, InstanceId: id });
      const pods = new PodsOf(kube, name);
      await waitFor(
        'the address of the interface to leave the ledger',
        async () => {
          await pods.answer();
          return !homesOf((await kube.get(podRanges, { name }))?.spec).includes(further);
        },
        { within: seconds(60) },
      );
      await rangeWith(['primary'], []);
      const left = (await call('DescribePrivateIP', { ObjectId: further }))['DataSet'] as object[];
      expect(left, 'what belongs to an interface that is not ours any more is left alone').toHaveLength(2);
    });
    await kube.delete(nodes, { name });
    await kube.delete(podRanges, { name });
  });

  test('a cloud that refuses stands on the PodRange, its Node and the pods that wait, in one word and with the cure', async () => {
    const name = 'quota';
    const id = await addCloudNode(world, name);
    world.testCloud.cloud.limit({ addresses: 1 });
    const addressesOf = async (): Promise<Condition | undefined> =>
      (await kube.get(podRanges, { name }))?.status?.conditions?.find(({ type }) => type === 'Addresses');
    await whileLeading(lead(kube, world.cloud), async () => {
      const refused = await waitFor(
        'the refusal to be published',
        async () => {
          const said = await addressesOf();
          return said?.status === 'False' && said;
        },
        { within: seconds(20) },
      );
      expect(refused).toMatchObject({ reason: 'CloudRefuses' });
      expect(refused.message).toMatch(
        /^no more pod addresses for this node: .*quota.*4207.*raise the quota; if the interface is full, attach another one to the machine or add a node$/,
      );
      await kube.create(pods, {
        metadata: { name: 'waits', namespace: 'default' },
        spec: { nodeName: name, containers: [{ name: 'a', image: 'a' }] },
      });
      for (const [kind, about] of [
        ['Node', name],
        ['Pod', 'waits'],
      ]) {
        const told = await waitFor(
          `an Event on the ${kind}`,
          async () => (await kube.list(events)).find(({ regarding }) => regarding?.name === about),
          { within: seconds(20) },
        );
        expect(told).toMatchObject({ reason: 'CloudRefuses', type: 'Warning', regarding: { kind } });
        expect(told.note).toMatch(
          /4207.*raise the quota; if the interface is full, attach another one to the machine or add a node$/,
        );
      }
      await kube.delete(pods, { name: 'waits', namespace: 'default' }, { graceSeconds: 0 });
      world.testCloud.cloud.limit({ addresses: null });
      await settled(name, id, new PodsOf(kube, name));
      await waitFor('all to be well', async () => (await addressesOf())?.status === 'True', { within: seconds(10) });
    });
    await kube.delete(nodes, { name });
    await kube.delete(podRanges, { name });
  });

  describe('killed at a write', () => {
    const kinds = ['create', 'extend', 'record', 'settle', 'retire', 'release', 'forget'] as const;
    // A new range is created once; everything else comes again, and the second time the ledger is not empty.
    const rows = kinds.flatMap((kind) =>
      (kind === 'create' ? [1] : [1, 2]).flatMap((nth) =>
        (['before', 'after'] as const).map((when) => ({ kind, nth, when })),
      ),
    );

    test.each(rows)(
      '$kind number $nth, just $when it takes effect: leaks no address and gives none twice',
      async (row) => {
        const name = `crash-${row.kind}-${row.nth}-${row.when}`;
        const id = await addCloudNode(world, name);
        const pods = new PodsOf(kube, name);
        const mortal = mortalLeader(name, row);
        await whileLeading(mortal.leader, () => life(id, pods, mortal.dead));
        expect(mortal.died()).toBe(true);
        await whileLeading(lead(kube, world.cloud), () => settled(name, id, pods));
        await kube.delete(nodes, { name });
        await kube.delete(podRanges, { name });
      },
    );
  });
});

function about(note: object, node: string): boolean {
  return 'node' in note && note.node === node;
}

/** The API server takes no change of this range from now on. @shape what lets it again */
async function refuseWrites(range: string): Promise<() => Promise<void>> {
  const policy = 'refuse-changes';
  await kube.create(admissionPolicies, {
    metadata: { name: policy },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          { apiGroups: ['isthmus.dev'], apiVersions: ['*'], resources: ['podranges'], operations: ['UPDATE'] },
        ],
      },
      validations: [{ expression: `object.metadata.name != '${range}'`, message: 'planted by the test' }],
    },
  } as KubeObject);
  await kube.create(admissionBindings, {
    metadata: { name: policy },
    spec: { policyName: policy, validationActions: ['Deny'] },
  } as KubeObject);
  const lift = async (): Promise<void> => {
    await kube.delete(admissionBindings, { name: policy });
    await kube.delete(admissionPolicies, { name: policy });
  };
  await kube.create(podRanges, { metadata: { name: range }, spec: { ground: 'cloud', addresses: [] } });
  await waitFor(
    'the API server to refuse',
    async () => {
      const object = (await kube.get(podRanges, { name: range })) as PodRangeObject;
      try {
        await kube.replace(podRanges, { ...object, metadata: { ...object.metadata, labels: { tried: 'yes' } } });
        return false;
      } catch (e) {
        return e instanceof KubeError && e.status === 422;
      }
    },
    { within: seconds(20) },
  );
  return lift;
}

async function whileLeading(leader: Leader, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } finally {
    await leader.stop();
  }
}

/** Pods come until there is nothing left, and go again, until the leader dies; after ten times it has had its chance. */
async function life(id: string, pods: PodsOf, dead: AbortSignal): Promise<void> {
  for (let round = 0; round < 10 && !dead.aborted; round++) {
    const running: string[] = [];
    for (let i = 0; i < 40 && !dead.aborted && running.length < 8; i++) {
      const pod = `pod-${round}-${i}`;
      if ((await pods.add(pod)) !== undefined) running.push(pod);
      else await pods.answer();
      await sleep(ms(20));
    }
    await heldAreListed(id, pods);
    for (const pod of running) await pods.remove(pod);
    for (let i = 0; i < 10 && !dead.aborted; i++) {
      await pods.answer();
      await sleep(ms(50));
    }
  }
}

/** Waits until the ledger is in band and all usable, and is to the address what the cloud lists; no other range has any of it. */
async function settled(name: string, id: string, pods: PodsOf): Promise<void> {
  await waitFor(
    `the ledger of ${name} to be what the cloud has`,
    async () => {
      await pods.answer();
      const spec = (await kube.get(podRanges, { name }))?.spec;
      const entries = spec?.addresses ?? [];
      const given = await listed(world, id);
      const same = JSON.stringify(entries.map((a) => a.ip)) === JSON.stringify(given);
      const calm = entries.every((a) => a.state === 'usable');
      const free = entries.length - pods.held.length;
      if (same && calm && free >= warm.low && free <= warm.high) return true;
      throw new Error(`${JSON.stringify(entries)} against ${JSON.stringify(given)}`);
    },
    { within: seconds(20), every: ms(100) },
  );
  const all = (await kube.list(podRanges)).flatMap(({ spec }) => (spec.addresses ?? []).map((a) => a.ip));
  expect(new Set(all).size).toBe(all.length);
  await heldAreListed(id, pods);
}

async function heldAreListed(id: string, pods: PodsOf): Promise<void> {
  const given = await listed(world, id);
  expect(pods.held.filter((address) => !given.includes(address))).toEqual([]);
}

type Kind = 'create' | 'extend' | 'record' | 'settle' | 'retire' | 'release' | 'forget';

/** A leader whose process ends at its n-th write of a kind about one node: from then on nothing it does reaches anybody. */
function mortalLeader(
  name: string,
  { kind, nth, when }: { readonly kind: Kind; readonly nth: number; readonly when: 'before' | 'after' },
): { readonly leader: Leader; readonly dead: AbortSignal; readonly died: () => boolean } {
  const death = new AbortController();
  let count = 0;
  let died = false;
  let spec: PodRangeSpec = { ground: 'cloud', addresses: [] };
  const mortal = async <T>(is: Kind | undefined, act: () => Promise<T>): Promise<T> => {
    if (death.signal.aborted) throw new Error('dead');
    if (is !== kind || count + 1 < nth) {
      const done = await act();
      // A write that the server refused was none.
      if (is === kind) count++;
      return done;
    }
    if (when === 'after') await act();
    died = true;
    death.abort(new Error('the test killed this leader'));
    throw new Error('dead');
  };
  const about = (object: KubeObject): PodRangeObject | undefined =>
    object.metadata.name === name ? (object as PodRangeObject) : undefined;
  const { addresses } = world.cloud;
  const mortalAddresses: Addresses = {
    settle: addresses.settle,
    list: (home, opts) => addresses.list(home, opts),
    extend: (home, size, opts) => mortal('extend', () => addresses.extend(home, size, opts)),
    release: (home, address, opts) => mortal('release', () => addresses.release(home, address, opts)),
  };
  const mortalKube: Kube = {
    ...kube,
    create: (resource, object) => mortal(about(object) && 'create', () => kube.create(resource, object)),
    replace: (resource, object, opts) => {
      const range = about(object);
      const is = range && kindOf(spec, range.spec);
      return mortal(is, async () => {
        const done = await kube.replace(resource, object, opts);
        spec = range?.spec ?? spec;
        return done;
      });
    },
  };
  return {
    leader: lead(mortalKube, { ...world.cloud, addresses: mortalAddresses }, death),
    dead: death.signal,
    died: () => died,
  };
}

function kindOf(before: PodRangeSpec, after: PodRangeSpec): Kind {
  const count = (spec: PodRangeSpec, state?: string): number =>
    (spec.addresses ?? []).filter((a) => state === undefined || a.state === state).length;
  if (count(after) > count(before)) return 'record';
  if (count(after) < count(before)) return 'forget';
  return count(after, 'releasing') > count(before, 'releasing') ? 'retire' : 'settle';
}

/** A site machine whose pods have addresses of the site's own network. */
async function addBridged(name: string, address: string): Promise<void> {
  const hostKey = `SHA256:${'a'.repeat(43)}`;
  await kube.create(machines, { metadata: { name }, spec: { address, hostKey, podNetwork: 'bridged' } });
  await addNode(kube, name, `isthmus-site://${name}`, 'site', address);
}

/** A pod as the API server knows one that runs. */
async function runPod(name: string, node: string, podIP: string): Promise<void> {
  const at = { name, namespace: 'default' };
  await kube.create(pods, { metadata: at, spec: { nodeName: node, containers: [{ name: 'a', image: 'a' }] } });
  await kube.merge(
    pods,
    at,
    { status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }] } },
    { subresource: 'status' },
  );
}

async function usableOf(name: string, enough: (count: number) => boolean): Promise<readonly string[]> {
  return waitFor(
    `usable addresses of ${name}`,
    async () => {
      const entries = (await kube.get(podRanges, { name }))?.spec.addresses ?? [];
      return entries.every((a) => a.state === 'usable') && enough(entries.length) && entries.map((a) => a.ip);
    },
    { within: seconds(20), every: ms(100) },
  );
}

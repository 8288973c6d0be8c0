import { spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { awaitAddress } from '#lab/demo/reach.ts';
import { pathsOf } from '#lab/server/settings.ts';
import { command } from '#lab/toolchain/command.ts';
import { formatMs, minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { formatChecks, holds, prove } from '../../lab/demo/proof.ts';
import { proveVolumes } from '../../lab/demo/volumes.ts';
import { untilNothingIsLeft } from '../support/cloud-disk-life.ts';
import { driversByNode } from '../support/drivers-by-node.ts';
import { keepEvidence } from '../support/evidence.ts';
import { giveRoom } from '../support/give-room.ts';
import { answeredByEveryPod, callFromInternet } from '../support/internet-client.ts';
import { isthmus, type Ran, succeeds } from '../support/isthmus.ts';
import { underLoad } from '../support/load.ts';
import { agentPods, controllerPods, isthmusPods, killPods, podsOf } from '../support/pods.ts';
import { probe, said } from './lab-tools.ts';

/** The main job, from bare machines to a proven network, with the commands that a user types. One lab for the whole file. */
const name = 'mainjob';
/** Where the application is exposed. */
let shop = '';
const web = new URL('../../lab/demo/web.yaml', import.meta.url).pathname;
/** What volumes of physical machines get. */
const room = { home: 'base-1', folder: '/srv/volumes' };
keepEvidence(name, { captures: [{ where: 'vpc', link: 'line0' }] });

beforeAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  await succeeds(['lab', 'up', '--name', name], { within: minutes(3) });
}, minutes(5));

afterAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
}, minutes(3));

/** A command of the operator, at the desk in the office. */
async function operator(args: readonly string[], within = minutes(1)): Promise<Ran> {
  return isthmus(['lab', 'exec', '--name', name, 'office', '--', 'isthmus', ...args], { within });
}

const kubectl = (args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(2) });

async function nodes(): Promise<readonly { name: string; ready: boolean; ground: string | undefined }[]> {
  const { items } = JSON.parse(await kubectl(['get', 'nodes', '-o', 'json'])) as {
    items: readonly {
      metadata: { name: string; labels: Record<string, string> };
      status: { conditions: readonly { type: string; status: string }[] };
    }[];
  };
  return items.map(({ metadata, status }) => ({
    name: metadata.name,
    ready: status.conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
    ground: metadata.labels['isthmus.dev/ground'],
  }));
}

async function proven(when: string): Promise<void> {
  let last = '';
  await waitFor(
    `every check of the proof ${when}`,
    async () => {
      const checks = await prove(kubectl);
      last = formatChecks(checks);
      return holds(checks);
    },
    { within: minutes(2), every: seconds(2) },
  ).catch((cause: unknown) => {
    throw new Error(`${String(cause)}\n${last}`);
  });
}

test('a physical machine starts bare: nothing of Kubernetes is on it', async () => {
  const { code } = await isthmus(
    [
      'lab',
      'exec',
      '--name',
      name,
      'base-1',
      '--',
      'sh',
      '-c',
      'command -v kubelet kubeadm kubectl; test -e /etc/kubernetes -o -e /run/isthmus/net.d/00-isthmus.conflist',
    ],
    { within: seconds(20) },
  );
  expect(code).not.toBe(0);
});

test(
  'one command makes one cluster of cloud machines and physical machines',
  async () => {
    const { code, stdout, stderr } = await operator(['up', '--yes'], minutes(12));
    expect(code, `${stdout}${stderr}`).toBe(0);
    expect(stderr).toContain('Secret isthmus-system/isthmus-cloud now contains the cloud keys of this computer');
    expect(await nodes()).toEqual([
      { name: 'base-1', ready: true, ground: 'site' },
      { name: 'base-2', ready: true, ground: 'site' },
      { name: 'cp-1', ready: true, ground: 'cloud' },
      { name: 'web-1', ready: true, ground: 'cloud' },
      { name: 'web-2', ready: true, ground: 'cloud' },
    ]);
  },
  minutes(13),
);

test(
  'a second run has nothing to do and says so within ten seconds',
  async () => {
    const start = performance.now();
    const { code, stdout } = await operator(['up', '--yes']);
    expect(code).toBe(0);
    expect(stdout).toContain('nothing to do');
    expect(performance.now() - start).toBeLessThan(10_000);
  },
  minutes(2),
);

test(
  'every pod and node reaches every other by its own address, both ways, on both sides',
  async () => {
    await kubectl(['apply', '-f', web]);
    await kubectl(['rollout', 'status', '--timeout=120s', 'deployment/web', 'daemonset/node-probe']);
    await proven('after the first start');
  },
  minutes(6),
);

test(
  'Services go on working when kube-proxy is replaced on every node',
  async () => {
    await kubectl(['rollout', 'restart', '-n', 'kube-system', 'daemonset/kube-proxy']);
    await kubectl(['rollout', 'status', '-n', 'kube-system', '--timeout=120s', 'daemonset/kube-proxy']);
    await proven('after kube-proxy was replaced');
  },
  minutes(6),
);

test('with secretsEncryption no Secret can be read from the disk of the control plane', async () => {
  const [secret, open] = [crypto.randomUUID(), crypto.randomUUID()];
  await kubectl(['create', 'secret', 'generic', 'kept', `--from-literal=text=${secret}`]);
  await kubectl(['create', 'configmap', 'open', `--from-literal=text=${open}`]);
  const { ok } = await probe(name);
  // etcd's log is on the disk before the API server answers. The text of the ConfigMap shows that the search would find it.
  const filesWith = (text: string): Promise<string> => ok('cp-1', `grep -rlF ${text} /var/lib/etcd | wc -l`);
  expect(Number(await filesWith(open))).toBeGreaterThan(0);
  expect(Number(await filesWith(secret))).toBe(0);
  const stored = await kubectl(['get', 'secret', 'kept', '-o', 'jsonpath={.data.text}']);
  expect(Buffer.from(stored, 'base64').toString()).toBe(secret);
});

test('a pod on a cloud node has an address of the VPC, a pod on a physical machine one of its machine’s subnet', async () => {
  const pods = JSON.parse(await kubectl(['get', 'pods', '-l', 'app=web', '-o', 'json'])) as {
    items: readonly { spec: { nodeName: string }; status: { podIP: string } }[];
  };
  for (const { spec, status } of pods.items)
    expect(status.podIP).toMatch(spec.nodeName.startsWith('base') ? /^172\.16\.\d+\.\d+$/ : /^10\.9\.\d+\.\d+$/);
  expect(pods.items).toHaveLength(4);
});

test('each side has its own CoreDNS, and every answer is hinted to the side that asks', async () => {
  const slices = JSON.parse(
    await kubectl([
      'get',
      'endpointslices',
      '-n',
      'kube-system',
      '-l',
      'kubernetes.io/service-name=kube-dns',
      '-o',
      'json',
    ]),
  ) as {
    items: readonly { endpoints: readonly { zone: string; hints?: { forZones?: readonly { name: string }[] } }[] }[];
  };
  const endpoints = slices.items.flatMap((slice) => slice.endpoints);
  expect(new Set(endpoints.map(({ zone }) => zone)).size).toBe(2);
  for (const { zone, hints } of endpoints) expect(hints?.forZones).toEqual([{ name: zone }]);
});

test('the two CoreDNS of a side run on two machines', async () => {
  const found = JSON.parse(
    await kubectl(['get', 'pods', '-n', 'kube-system', '-l', 'k8s-app=kube-dns', '-o', 'json']),
  ) as { items: readonly { metadata: { labels: Record<string, string> }; spec: { nodeName: string } }[] };
  for (const ground of ['cloud', 'site']) {
    const own = found.items.filter(({ metadata }) => metadata.labels['isthmus.dev/ground'] === ground);
    expect(new Set(own.map(({ spec }) => spec.nodeName)).size).toBe(2);
  }
});

test('status says that all is well, for people and for scripts', async () => {
  const people = await operator(['status']);
  expect(people.code, people.stdout + people.stderr).toBe(0);
  const scripts = await operator(['status', '--output', 'json']);
  expect(scripts.code).toBe(0);
  expect(JSON.parse(scripts.stdout)).toBeTypeOf('object');
});

test(
  'one command exposes an application: a client on the internet reaches its pods on both sides through cloud nodes',
  async () => {
    const expose = ['expose', 'deployment', 'web', '--name', 'shop', '--type', 'LoadBalancer'];
    await kubectl([...expose, '--port', '80', '--target-port', '8080']);
    shop = await awaitAddress(kubectl, { name: 'shop', namespace: 'default' });
    const grounds = (await answeredByEveryPod(name, kubectl, shop)).map((node) => node.replace(/-.*/, ''));
    expect(new Set(grounds)).toEqual(new Set(['web', 'base']));
    const explained = await operator(['explain', 'service', 'shop']);
    expect(explained.stdout, explained.stderr).toContain(`client: calls ${shop}`);
  },
  minutes(5),
);

test(
  'controllers and the agent of a node that serves are killed at 50 requests a second, and no request is lost',
  async () => {
    const parts = await Promise.all([
      podsOf(kubectl, controllerPods, ...isthmusPods),
      podsOf(kubectl, agentPods, ...isthmusPods, '--field-selector=spec.nodeName=web-1'),
    ]);
    const told = await underLoad(name, `http://${shop}/hostname`, 50, () => killPods(name, parts.flat()));
    expect(told.failures).toEqual([]);
    expect(told.answered).toBe(told.asked);
    for (const workload of ['deployment/isthmus-controller', 'daemonset/isthmus-agent'])
      await kubectl([...isthmusPods, 'rollout', 'status', '--timeout=90s', workload]);
  },
  minutes(4),
);

test(
  'a scenario that fails leaves one folder: consoles, journals, events, packets of the line and calls of the cloud’s API',
  async () => {
    const folder = await failOnPurpose();
    const holds = async (file: string, words: RegExp) =>
      expect(await readFile(join(folder, file), 'utf8'), file).toMatch(words);
    await holds('cloud.jsonl', /CreateUHostInstance/);
    await holds('machines/base-1/journal.log', /kubelet/);
    await holds('machines/base-1/console.log', /systemd/);
    await holds('places/vpc.txt', /line0/);
    await holds(`cluster/${name}/objects.txt`, /podrange\S*\/base-1/);
    await holds(`cluster/${name}/events.txt`, /NodeReady/);
    const packets = await command('tcpdump', ['-n', '-r', join(folder, 'vpc-line0.pcap0'), 'icmp']);
    expect(packets.match(/ICMP echo reply/g)).toHaveLength(3);
    await rm(folder, { recursive: true });
  },
  minutes(2),
);

/** Runs one more test beside this one, which fails; the folder that it leaves. */
async function failOnPurpose(): Promise<string> {
  const options = { config: false, watch: false, include: ['test/support/fails-on-purpose.ts'] };
  const script = `const { startVitest } = await import('vitest/node');
await startVitest('test', [], ${JSON.stringify(options)});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: join(import.meta.dirname, '../..'),
    env: { ...process.env, EVIDENCE_LAB: name },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { code, out, err } = await said(child);
  expect(code, out).not.toBe(0);
  return /evidence of "[^"]+": (.+)$/m.exec(err)?.[1] ?? expect.fail(`no evidence was left:\n${out}\n${err}`);
}

test(
  'pods of neighbours on the site go on talking while the gateway is off, and up sets the routes that it lost',
  async () => {
    const [from, neighbour, beyond] = [await webOn('base-1'), await webOn('base-2'), await webOn('web-1')];
    const answersFrom = async (to: string): Promise<string> => {
      const talk = `for ns in $(ip netns list | cut -d' ' -f1); do
  ip netns exec "$ns" ip -o -4 address | grep -q 'inet ${from}/' && exec ip netns exec "$ns" ping -i 0.2 -c 25 -W 2 ${to}
done; echo "no pod has ${from}"; exit 9`;
      const argv = ['lab', 'exec', '--name', name, 'base-1', '--', 'sh', '-c', talk];
      const { stdout, stderr } = await isthmus(argv, { within: minutes(2) });
      return /, (\d+) received/.exec(stdout)?.[1] ?? `${stdout}${stderr}`;
    };
    await succeeds(['lab', 'machine', 'off', '--name', name, 'gateway'], { within: minutes(1) });
    const whileOff = [await answersFrom(neighbour), await answersFrom(beyond)];
    await succeeds(['lab', 'machine', 'start', '--name', name, 'gateway'], { within: minutes(1) });
    expect(whileOff).toEqual(['25', '0']);
    const { code, stdout, stderr } = await operator(['up', '--yes'], minutes(4));
    expect(code, `${stdout}${stderr}`).toBe(0);
    await waitFor(
      'pods on the other side of the line to answer again',
      async () => Number(await answersFrom(beyond)) >= 20,
      { within: minutes(2) },
    );
  },
  minutes(8),
);

test(
  'a changed warm band reaches the controller by up: its pods are new, and the pools of cloud nodes follow',
  async () => {
    const file = join(pathsOf(name).state, 'cluster.yaml');
    const text = await readFile(file, 'utf8');
    const changed = text.replace(/low: 4(\s|,)/, 'low: 8$1');
    expect(changed).not.toBe(text);
    const before = await controllers();
    await writeFile(file, changed);
    const { code, stdout, stderr } = await operator(['up', '--yes'], minutes(4));
    expect(code, `${stdout}${stderr}`).toBe(0);
    const after = await controllers();
    expect(after).toHaveLength(before.length);
    expect(after.filter((pod) => before.includes(pod))).toEqual([]);
    await waitFor(
      'eight free addresses on each cloud worker',
      async () => {
        const free = await Promise.all(['web-1', 'web-2'].map(freeOn));
        if (free.every((count) => count >= 8)) return true;
        throw new Error(`web-1 and web-2 have ${free.join(' and ')}`);
      },
      { within: minutes(2), every: seconds(2) },
    );
    const again = await operator(['up', '--yes']);
    expect(again.stdout, again.stderr).toContain('nothing to do');
  },
  minutes(8),
);

async function webOn(node: string): Promise<string> {
  const argv = ['get', 'pods', '-l', 'app=web', '--field-selector', `spec.nodeName=${node}`];
  return (await kubectl([...argv, '-o', 'jsonpath={.items[0].status.podIP}'])).trim();
}

async function controllers(): Promise<readonly string[]> {
  const argv = ['get', 'pods', '-n', 'isthmus-system', '-l', 'app.kubernetes.io/name=isthmus-controller'];
  const { items } = JSON.parse(await kubectl([...argv, '-o', 'json'])) as {
    items: readonly { metadata: { uid: string; deletionTimestamp?: string } }[];
  };
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.uid);
}

async function freeOn(node: string): Promise<number> {
  return Number(await kubectl(['get', 'podrange', node, '-o', 'jsonpath={.status.free}']));
}

test.each(['base-1', 'web-1'])(
  '%s comes back with its pods by itself after a hard reboot',
  async (node) => {
    const machine = node.startsWith('base') ? node : await uhostOf(node);
    const start = performance.now();
    await succeeds(['lab', 'machine', 'off', '--name', name, machine], { within: minutes(1) });
    await succeeds(['lab', 'machine', 'start', '--name', name, machine], { within: minutes(1) });
    await waitFor(
      `the pods of ${node} to be ready again`,
      async () => {
        const pods = JSON.parse(
          await kubectl(['get', 'pods', '-A', '--field-selector', `spec.nodeName=${node}`, '-o', 'json']),
        ) as {
          items: readonly {
            status: { containerStatuses?: readonly { ready: boolean; state: { running?: { startedAt: string } } }[] };
          }[];
        };
        const containers = pods.items.flatMap(({ status }) => status.containerStatuses ?? []);
        const since = Date.now() - (performance.now() - start);
        return (
          containers.length > 2 &&
          containers.every(({ ready, state }) => ready && Date.parse(state.running?.startedAt ?? '') >= since - 1000)
        );
      },
      { within: minutes(3), every: seconds(2) },
    );
    console.log(`${node}: back with its pods after ${formatMs(ms(performance.now() - start))}`);
    await proven(`after the reboot of ${node}`);
  },
  minutes(7),
);

/** The name that the lab knows a cloud machine by is the cloud's id, which the node carries. */
async function uhostOf(node: string): Promise<string> {
  const providerId = await kubectl(['get', 'node', node, '-o', 'jsonpath={.spec.providerID}']);
  return providerId.trim().split('/').at(-1) ?? '';
}

test(
  'up gives volumes to a cluster that lives already, and each driver is on the nodes of its side alone',
  async () => {
    await giveRoom(name, room);
    const { code, stdout, stderr } = await operator(['up', '--yes'], minutes(4));
    expect(code, `${stdout}${stderr}`).toBe(0);
    const cloud = ['udisk.csi.ucloud.cn', 'ufs.isthmus.dev'];
    const site = ['local.isthmus.dev'];
    await expect
      .poll(() => driversByNode(kubectl), { timeout: 30_000 })
      .toEqual({ 'base-1': site, 'base-2': site, 'cp-1': cloud, 'web-1': cloud, 'web-2': cloud });
    const again = await operator(['up', '--yes']);
    expect(again.stdout, again.stderr).toContain('nothing to do');
  },
  minutes(6),
);

test(
  'a database on the site keeps its orders, a disk of the cloud follows its pod, two nodes share files, and a pod that can never run is told so',
  async () => {
    const type = async (...[command = '', ...words]: readonly string[]): Promise<void> => {
      await succeeds(['lab', command, '--name', name, ...words], { within: minutes(4) });
    };
    const checks = await proveVolumes({ type, kubectl }, pathsOf(name).state);
    expect(holds(checks), formatChecks(checks)).toBe(true);
    expect(checks).toHaveLength(4);
  },
  minutes(8),
);

test(
  'when their claims are deleted, nothing is left of volumes in the cluster, in the cloud and on the machine',
  async () => {
    const at = await probe(name);
    const files = (): Promise<string> =>
      at.ok(room.home, `cd ${room.folder} && find . -type f ! -path ./.isthmus-folder.json`);
    expect(await files()).toContain('/image');
    await kubectl(['delete', '--timeout=110s', '-f', join(pathsOf(name).state, 'volumes.yaml')]);
    await kubectl(['delete', '--timeout=110s', 'pvc', 'data-ledger-0']);
    await untilNothingIsLeft(kubectl, (action, params) => at.call(action, params));
    await expect.poll(files, { timeout: 30_000 }).toBe('');
  },
  minutes(6),
);

test(
  'down shows what it removes, and removes only what carries the cluster’s mark',
  async () => {
    const { code, stdout, stderr } = await operator(['down', '--yes'], minutes(3));
    expect(code, `${stdout}${stderr}`).toBe(0);
    const machines = JSON.parse(
      await succeeds(['lab', 'machine', 'list', '--name', name, '--output', 'json'], { within: seconds(20) }),
    ) as readonly { name: string }[];
    expect(machines.map((machine) => machine.name).filter((machine) => machine.startsWith('uhost-'))).toEqual([]);
    const bare = await isthmus(
      [
        'lab',
        'exec',
        '--name',
        name,
        'base-1',
        '--',
        'sh',
        '-c',
        'test -e /etc/kubernetes/kubelet.conf -o -e /run/isthmus/net.d/00-isthmus.conflist || ip -o link | grep -q ist',
      ],
      { within: seconds(20) },
    );
    expect(bare.code).not.toBe(0);
    expect((await callFromInternet(name, `http://${shop}/hostname`)).code).not.toBe(0);
  },
  minutes(5),
);

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { minutes, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { operatorStarts } from '../../lab/cluster/operator.ts';
import { type Probe, probe } from '../../lab/lab-tools.ts';
import { authorityIn } from '../../support/certificates.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { isthmus, succeeds } from '../../support/isthmus.ts';

/** The addon `ingress`, with packets from a client on the internet. Not from the golden lab, whose bundle has no addon. */
const name = 'ingress';
const web = new URL('../../../lab/demo/web.yaml', import.meta.url).pathname;
keepEvidence(name);

let at: Probe;
let folder: string;
beforeAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  const made = ['lab', 'up', '--name', name, '--addon', 'ingress', '--speed', '0.05'];
  await succeeds(made, { within: minutes(15) });
  at = await probe(name);
  folder = await mkdtemp(join(tmpdir(), 'ingress-'));
}, minutes(16));
afterAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(3) });
  await rm(folder, { recursive: true, force: true });
}, minutes(5));

const kubectl = (...args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(3) });

async function apply(...objects: readonly object[]): Promise<void> {
  const file = join(folder, 'objects.json');
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  await kubectl('apply', '-f', file);
}

async function operator(...args: readonly string[]): Promise<{ readonly code: number | null; readonly said: string }> {
  return (await operatorStarts(name, args)).end(minutes(8));
}

async function operatorOk(...args: readonly string[]): Promise<string> {
  const { code, said } = await operator(...args);
  expect(code, said).toBe(0);
  return said;
}

/** What the client on the internet gets for this host. */
async function ask(ip: string, host: string, path: string, ...more: readonly string[]): Promise<string> {
  const asked = [...more, '-sS', '-m', '5', '--fail', '-H', `'Host: ${host}'`, `'http://${ip}${path}'`];
  return at.ok('internet', `curl ${asked.join(' ')}`);
}

const backend = { service: { name: 'web', port: { number: 80 } } };
const ingress = (host: string, more: object = {}): object => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: host.split('.')[0], namespace: 'default' },
  spec: { ...more, rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] },
});
const proxy = {
  apiVersion: 'projectcontour.io/v1',
  kind: 'HTTPProxy',
  metadata: { name: 'third', namespace: 'default' },
  spec: {
    virtualhost: { fqdn: 'third.example.com' },
    routes: [{ conditions: [{ prefix: '/' }], services: [{ name: 'web', port: 80 }] }],
  },
};

let ip: string;

test(
  'isthmus up brings Contour and Envoy to cloud nodes, each Envoy to its own, and a second up finds nothing to do',
  async () => {
    await operatorOk('up', '--yes');
    const { items } = JSON.parse(await kubectl('get', 'pods', '-n', 'isthmus-ingress', '-o', 'json')) as {
      items: readonly { metadata: { labels: { app: string } }; spec: { nodeName: string } }[];
    };
    const nodesOf = (app: string) =>
      items.filter(({ metadata }) => metadata.labels.app === app).map(({ spec }) => spec.nodeName);
    expect(nodesOf('envoy').toSorted()).toEqual(['web-1', 'web-2']);
    expect(nodesOf('contour').toSorted()).toEqual(['web-1', 'web-2']);
    const images = await at.ok('base-1', 'ctr -n k8s.io images ls -q');
    expect(images).toContain('coredns');
    expect(images).not.toMatch(/contour|envoy/);
    expect(await operatorOk('up', '--yes')).toContain('nothing to do');
    ip = /nothing to do: ingress answers at (\S+)/.exec(await operatorOk('addon', 'ingress'))?.[1] ?? '';
    expect(ip).not.toBe('');
  },
  minutes(10),
);

test(
  'a client on the internet reaches pods on both sides by host name, and they see its address',
  async () => {
    await kubectl('apply', '-f', web);
    await kubectl('rollout', 'status', '--timeout=150s', 'deployment/web');
    const hosts = ['first.example.com', 'second.example.com', 'third.example.com'];
    await apply(ingress('first.example.com'), ingress('second.example.com', { ingressClassName: 'contour' }), proxy);
    const { items } = JSON.parse(await kubectl('get', 'pods', '-l', 'app=web', '-o', 'json')) as {
      items: readonly { metadata: { name: string }; spec: { nodeName: string } }[];
    };
    expect(new Set(items.map(({ spec }) => spec.nodeName.replace(/-.*/, '')))).toEqual(new Set(['web', 'base']));
    for (const host of hosts) {
      const answered = new Set<string>();
      await waitFor(
        `every pod to have answered for ${host}`,
        async () => {
          answered.add(await ask(ip, host, '/hostname'));
          if (answered.size < items.length) throw new Error(`answered: ${[...answered].join(' ')}`);
          return true;
        },
        { within: minutes(1), every: ms(50) },
      );
      expect([...answered].toSorted()).toEqual(items.map(({ metadata }) => metadata.name).toSorted());
    }
    const own = (await at.ok('internet', 'hostname -I; ip -4 -o addr show dev lo')).match(/203\.0\.113\.\d+/g);
    expect(own).toContain(await ask(ip, 'first.example.com', '/header?key=X-Forwarded-For'));
    // A client that claims to be another is told as itself.
    expect(
      await ask(ip, 'third.example.com', '/header?key=X-Forwarded-For', '-H', "'X-Forwarded-For: 8.8.8.8'"),
    ).toMatch(/^8\.8\.8\.8,203\.0\.113\.\d+$/);
    const unknown = await at.ok(
      'internet',
      `curl -sS -m 5 -o /dev/null -w '%{http_code}' -H 'Host: none.example.com' http://${ip}/`,
    );
    expect(unknown).toBe('404');
    const shown = JSON.parse(await kubectl('get', 'ingress', 'first', '-o', 'json')) as {
      status: { loadBalancer: { ingress: readonly { ip: string }[] } };
    };
    expect(shown.status.loadBalancer.ingress).toEqual([expect.objectContaining({ ip })]);
  },
  minutes(6),
);

test(
  'TLS ends at Envoy with the certificate of a Secret',
  async () => {
    const host = 'first.example.com';
    const authority = await authorityIn(folder);
    await authority.sign('first', `/CN=${host}`, `DNS:${host}`);
    const files = [`--cert=${join(folder, 'first.crt')}`, `--key=${join(folder, 'first.key')}`];
    await kubectl('create', 'secret', 'tls', 'first-tls', ...files);
    await apply(ingress(host, { tls: [{ hosts: [host], secretName: 'first-tls' }] }));
    const asked = `curl -sS -m 5 --cacert ${join(folder, 'ca.crt')} --resolve ${host}:443:${ip} https://${host}/hostname`;
    const answer = await waitFor('an answer over TLS', () => at.ok('internet', asked), {
      within: seconds(40),
      every: ms(250),
    });
    expect(answer).toMatch(/^web-/);
  },
  minutes(2),
);

/** How often the client got which status, in four loops that call while this happens. @unit at least as many calls as `least` */
async function answersDuring(work: () => Promise<void>, least: number): Promise<void> {
  const stop = join(folder, 'stop');
  await rm(stop, { force: true });
  const call = `curl -s -o /dev/null -m 5 -w '%{http_code}\\n' -H 'Host: second.example.com' http://${ip}/hostname`;
  const loops = `for n in 1 2 3 4; do (until [ -e ${stop} ]; do ${call}; done) & done; wait`;
  const start = performance.now();
  const counting = at.run('internet', `{ ${loops}; } | sort | uniq -c`);
  try {
    await work();
  } finally {
    await writeFile(stop, '');
  }
  const { out } = await counting;
  const took = (performance.now() - start) / 1000;
  const [, count = '0', code] = /^\s*(\d+) (\d+)$/.exec(out) ?? [];
  console.log(`answers: ${out} in ${took.toFixed(0)} s, ${(Number(count) / took).toFixed(0)} a second`);
  expect(code, out).toBe('200');
  expect(Number(count)).toBeGreaterThan(least);
}

const rolledOut = (what: string): Promise<string> =>
  kubectl('rollout', 'status', '-n', 'isthmus-ingress', '--timeout=90s', `deployment/${what}`);

test(
  'a rollout of Envoy loses no request',
  () =>
    answersDuring(async () => {
      await kubectl('rollout', 'restart', '-n', 'isthmus-ingress', 'deployment/envoy');
      await rolledOut('envoy');
      // Those that end have ten seconds and their open connections.
      await sleep(seconds(15));
    }, 1000),
  minutes(3),
);

test(
  'a drain of a cloud node takes its Envoy and its Contour without a lost request; they come back to it afterwards',
  async () => {
    await answersDuring(async () => {
      const ours = ['--pod-selector', 'app in (envoy, contour)'];
      await kubectl('drain', 'web-1', '--delete-emptydir-data', '--timeout=100s', ...ours);
      expect(await envoysOn()).toEqual(['', 'web-2']);
      await kubectl('uncordon', 'web-1');
      await rolledOut('envoy');
      await rolledOut('contour');
    }, 1000);
    expect(await envoysOn()).toEqual(['web-1', 'web-2']);
  },
  minutes(4),
);

/** The nodes of the Envoys that do not end; empty for one that waits. */
async function envoysOn(): Promise<readonly string[]> {
  const asked = ['get', 'pods', '-n', 'isthmus-ingress', '-l', 'app=envoy', '-o', 'json'];
  const { items } = JSON.parse(await kubectl(...asked)) as {
    items: readonly { metadata: { deletionTimestamp?: string }; spec: { nodeName?: string } }[];
  };
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ spec }) => spec.nodeName ?? '')
    .toSorted();
}

test(
  'what does not run is told with its reason',
  async () => {
    await kubectl(
      'set',
      'image',
      '-n',
      'isthmus-ingress',
      'deployment/contour',
      'contour=ghcr.io/projectcontour/contour:none',
    );
    const told = await waitFor(
      'status to tell it',
      async () => {
        const { code, said } = await operator('addon', 'ingress', 'status');
        return code === 1 && said.includes('ErrImageNeverPull') && said;
      },
      { within: minutes(1), every: seconds(1) },
    );
    expect(told).toMatch(
      /Deployment isthmus-ingress\/contour \d\/2 ready: contour-\S+ on web-\d: container contour: ErrImageNeverPull/,
    );
    expect((await operator('status')).said).toContain('ErrImageNeverPull');
    await kubectl('rollout', 'undo', '-n', 'isthmus-ingress', 'deployment/contour');
    await kubectl('rollout', 'status', '-n', 'isthmus-ingress', '--timeout=60s', 'deployment/contour');
  },
  minutes(4),
);

test(
  'removing it needs cluster.yaml to agree, leaves what users made, and it can be installed again',
  async () => {
    const refused = await operator('addon', 'ingress', 'remove', '--yes');
    expect(refused).toMatchObject({
      code: 2,
      said: expect.stringContaining('cluster.yaml has addons.ingress') as string,
    });
    const file = `/var/lib/isthmus-lab/${name}/cluster.yaml`;
    await writeFile(file, (await readFile(file, 'utf8')).replace(/^addons:\n(?: .*\n)*/m, ''));

    const removed = await operatorOk('addon', 'ingress', 'remove', '--yes');
    expect(removed).toContain(
      'kept: CustomResourceDefinition httpproxies.projectcontour.io, because there is default/third',
    );
    expect(await operatorOk('addon', 'ingress', 'remove', '--yes')).toContain('nothing to do');
    expect(await kubectl('get', 'ingress,httpproxy', '-o', 'name')).toMatch(/ingress.*\/first\n.*\/second\n.*\/third/);
    expect(await kubectl('get', 'namespace,daemonset', '-A', '-o', 'name')).not.toContain('ingress');
    expect((await at.run('internet', `curl -sS -m 3 -H 'Host: first.example.com' http://${ip}/`)).code).not.toBe(0);
    expect(((await at.call('DescribeEIP', {})) as { TotalCount: number }).TotalCount).toBe(0);

    expect(await operatorOk('addon', 'ingress')).toContain('isthmus up does not keep it current');
    const again = await kubectl(
      'get',
      'service',
      '-n',
      'isthmus-ingress',
      'envoy',
      '-o',
      'jsonpath={.status.loadBalancer.ingress[0].ip}',
    );
    await waitFor('the old objects to be served again', () => ask(again, 'third.example.com', '/hostname'), {
      within: seconds(40),
      every: ms(250),
    });
  },
  minutes(8),
);

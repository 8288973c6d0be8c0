import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { KubeAccess } from '#kube/access.ts';
import { connect } from '#kube/client.ts';
import type { WatchCache } from '#kube/kube.ts';
import { type PodObject, pods } from '#kube/resources.ts';
import { ms, sleep } from '#unit/clock.ts';
import { digestOf, type FollowReport, type PodLine } from './report.ts';

/**
 * Follows all pods with our client and tells what that costs: the peer of informer/main.go, which does the same with
 * client-go and prints the same lines. Needs `node --expose-gc`.
 */
const { values } = parseArgs({
  options: {
    access: { type: 'string', default: '' },
    keep: { type: 'string', default: 'all' },
    end: { type: 'string', default: '' },
  },
});
const kube = connect(JSON.parse(readFileSync(values.access, 'utf8')) as KubeAccess, {
  onTrouble: (trouble) => process.stderr.write(`${trouble.message}\n`),
});
const stop = new AbortController();
await (values.keep === 'little'
  ? follow(kube.cache(pods, {}, stop.signal, little), (pod) => pod)
  : follow(kube.cache(pods, {}, stop.signal), little));
stop.abort();
await kube.close();

async function follow<K>(cache: WatchCache<K>, lineOf: (kept: K) => PodLine): Promise<void> {
  const ended = Promise.withResolvers<NodeJS.CpuUsage>();
  let start = process.cpuUsage();
  cache.onChange((key) => {
    if (key === values.end) ended.resolve(process.cpuUsage(start));
  });
  await cache.synced;
  await tell('synced', process.cpuUsage(start), cache, lineOf);

  start = process.cpuUsage();
  process.stdout.write('{"phase":"ready"}\n');
  await tell('changed', await ended.promise, cache, lineOf);
}

async function tell<K>(
  phase: FollowReport['phase'],
  cpu: NodeJS.CpuUsage,
  cache: WatchCache<K>,
  lineOf: (kept: K) => PodLine,
): Promise<void> {
  // Before the digest is made: making it leaves garbage of its own.
  await collectGarbage();
  const [rssKiB, peakKiB] = [statusKiB('VmRSS'), statusKiB('VmHWM')];
  const heapKiB = Math.round(process.memoryUsage().heapUsed / 1024);
  const lines = cache.list().map(lineOf);
  const cpuMs = (cpu.user + cpu.system) / 1000;
  const report: FollowReport = {
    phase,
    objects: lines.length,
    digest: digestOf(lines),
    cpuMs,
    rssKiB,
    peakKiB,
    heapKiB,
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

/** V8 gives pages back from a thread of its own, after the collection: until that has ended the process looks larger. */
async function collectGarbage(): Promise<void> {
  let before = Infinity;
  for (let turn = 0; turn < 20; turn++) {
    globalThis.gc?.();
    const rss = statusKiB('VmRSS');
    if (rss > before * 0.99) return;
    before = rss;
    await sleep(ms(100));
  }
}

function statusKiB(field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(found?.[1]);
}

/** The fields that informer/main.go keeps as well. */
function little({ metadata, spec, status }: PodObject): PodLine {
  const { namespace = '', name, uid = '', resourceVersion = '', labels = {} } = metadata;
  const { phase = '', podIP = '' } = status ?? {};
  return { namespace, name, uid, resourceVersion, node: spec?.nodeName ?? '', phase, podIP, labels };
}

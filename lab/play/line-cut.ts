import { formatMs, type Ms, minutes, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { type Change, comparePods, type PlayPod } from './compare-pods.ts';
import { lookEvery, makePods, untilAllReady, type World } from './world.ts';

/** What a cut line did to the pods of the site. */
export interface CutOutcome {
  /** Pods of the site before the cut. */
  readonly pods: number;
  /** Of these, and of all that were made beside them, at the end of the cut. */
  readonly during: Change;
  /** When all was ready again. */
  readonly after: Change;
  /** Requests among pods of the site while the line was cut: by address, and by the name of a Service. */
  readonly asked: number;
  readonly unanswered: readonly string[];
  /** From the line's return until all nodes and pods are ready. */
  readonly healed: Ms;
}

/** Cuts the line for a while, asks meanwhile from inside the site, and heals it. */
export async function playLineCut(world: World, lasts: Ms): Promise<CutOutcome> {
  const { say, setLine } = world;
  const before = await makePods(world);
  const site = new Set((await world.nodes()).filter(({ ground }) => ground === 'site').map(({ name }) => name));
  const home = before.filter(({ node }) => site.has(node));
  for (const { name, node } of home) say(`  ${name} on ${node}`);
  await prove(world, home);
  say(`cutting the line for ${formatMs(lasts)}`);
  await setLine({ cut: true });
  try {
    return await whileCut(world, { before, home, lasts });
  } finally {
    await setLine({ cut: false });
  }
}

interface Cut {
  readonly before: readonly PlayPod[];
  /** Pods of the site. */
  readonly home: readonly PlayPod[];
  readonly lasts: Ms;
}

async function whileCut(world: World, { before, home, lasts }: Cut): Promise<CutOutcome> {
  const { say, setLine } = world;
  const end = performance.now() + lasts;
  const unanswered: string[] = [];
  let asked = 0;
  let shown = '';
  while (performance.now() < end) {
    const round = await askAmong(world, home);
    asked += round.asked;
    unanswered.push(...round.unanswered);
    const nodes = await world.nodes();
    const change = comparePods(before, await world.pods());
    const seen = [
      `${nodes.filter(({ isReady }) => !isReady).length} nodes are not ready`,
      `${change.deleted.length} pods deleted, ${change.made.length} made`,
      ...new Set(nodes.flatMap(({ cut }) => cut ?? [])),
    ].join('; ');
    if (seen !== shown) say(`  ${seen}`);
    shown = seen;
    await sleep(ms(Math.max(0, Math.min(lookEvery, end - performance.now()))));
  }
  const during = comparePods(before, await world.pods());
  say(`healing the line; ${asked} requests on the site, ${unanswered.length} without an answer`);
  await setLine({ cut: false });
  const healed = ms(await untilAllReady(world));
  say(`all nodes and pods are ready after ${formatMs(healed)}`);
  // What the line's return would end, it ends at once.
  await sleep(seconds(20));
  const after = comparePods(before, await world.pods());
  return { pods: home.length, during, after, asked, unanswered, healed };
}

/** The questions must work before the cut, or their answers prove nothing. */
async function prove(world: World, home: readonly PlayPod[]): Promise<void> {
  if (home.length < 2) throw new Error('fewer than two of the pods are on the site: it needs two machines');
  await waitFor(
    'pods of the site to answer each other',
    async () => {
      const { unanswered } = await askAmong(world, home);
      if (unanswered.length > 0) throw new Error(unanswered.join('; '));
      return true;
    },
    { within: minutes(1), every: seconds(2) },
  );
}

/** Each pod of the site asks every other by its address, and both Services by their names; from inside its container. */
async function askAmong(
  { inside }: World,
  home: readonly PlayPod[],
): Promise<{ readonly asked: number; readonly unanswered: readonly string[] }> {
  const hosts = (from: PlayPod): readonly string[] => [
    ...home.filter(({ uid }) => uid !== from.uid).map(({ address }) => `${address}:8080`),
    ...['everywhere', 'homebound'].map((service) => `${service}.play.svc.cluster.local`),
  ];
  const said = await Promise.all(
    home.map(async (from) => {
      const [container = ''] = from.containers;
      const asks = hosts(from)
        .map((host) => `curl -s -m 4 -o /dev/null http://${host}/hostname || echo ${host}`)
        .join('; ');
      const exec = `ctr --namespace k8s.io tasks exec --exec-id play-${crypto.randomUUID().slice(0, 8)} ${container}`;
      const failed = await inside(from.node, `${exec} sh -c '${asks}; true'`).catch((e: unknown) => messageOf(e));
      return failed
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((host) => `${from.name} -> ${host.trim()}`);
    }),
  );
  return { asked: home.reduce((sum, from) => sum + hosts(from).length, 0), unanswered: said.flat() };
}

/** One line to compare with another. */
export function formatOutcome(who: string, { pods, during, after, healed }: CutOutcome): string {
  return `${who}: ${pods} pods on the site; deleted during the cut ${during.deleted.length}, made in their place ${during.made.length}, restarted or replaced in all ${after.restarted.length + after.made.length}; all ready ${formatMs(healed)} after the line was back`;
}

/** What is not as promised; empty when everything is. */
export function faultsOf({ during, after, unanswered, healed }: CutOutcome): readonly string[] {
  const told = (what: string, names: readonly string[]): readonly string[] =>
    names.length === 0 ? [] : [`${what}: ${names.join(', ')}`];
  return [
    ...told('deleted during the cut', during.deleted),
    ...told('made during the cut', during.made),
    ...told('deleted after it', after.deleted),
    ...told('restarted', after.restarted),
    ...told('without an answer on the site', unanswered),
    ...(healed > seconds(60) ? [`not ready for ${formatMs(healed)} after the line was back`] : []),
  ];
}

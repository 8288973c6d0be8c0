import { formatMs, type Ms, minutes, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import type { CloudClient } from '../server/client.ts';
import type { FaultText } from '../ucloud/gateway/fault-wish.ts';
import type { World } from './world.ts';

/** One way in which the cloud's API answers falsely about machines that run. */
interface Lie {
  /** Completes "the cloud …". */
  readonly says: string;
  readonly fault: FaultText;
}

const action = 'DescribeUHostInstance';
export const lies: readonly Lie[] = [
  { says: 'lists no machine', fault: { action, kind: 'empty-list' } },
  { says: 'says that it does not know the machine (8039)', fault: { action, kind: 'refuse', code: 8039 } },
  { says: 'leaves out half of the machines', fault: { action, kind: 'half-page' } },
  { says: 'tells the state of no machine', fault: { action, kind: 'unread-state' } },
];

/** What came of one of them. */
export interface LieOutcome {
  readonly says: string;
  /** How many calls got the false answer. */
  readonly met: number;
  /** Nodes that were deleted meanwhile, and what was said of the silent one. */
  readonly deleted: readonly string[];
  readonly told: readonly string[];
}

export interface FalseAnswersOutcome {
  readonly machine: string;
  readonly lies: readonly LieOutcome[];
  /** From the start of its kubelet until its node was Ready. */
  readonly back: Ms;
}

/** Of a world what this needs. */
export type LiedTo = Pick<World, 'nodes' | 'inside' | 'say'> & {
  readonly cloud: Pick<CloudClient, 'play' | 'faults' | 'clear'>;
};

/**
 * Silences the kubelet of a cloud machine, so that only the cloud can say whether the machine is there, and lets the cloud answer falsely in one way
 * after the other. Whoever believes it deletes the Node, and with it the pods of a machine that runs.
 * @unit lasts: each of the ways; every: between two looks
 */
export async function playFalseAnswers(
  world: LiedTo,
  { lasts, every }: { readonly lasts: Ms; readonly every: Ms },
): Promise<FalseAnswersOutcome> {
  const { say, inside } = world;
  const before = await world.nodes();
  const machine = before.findLast(
    ({ ground, isControlPlane, isReady }) => ground === 'cloud' && !isControlPlane && isReady,
  );
  if (machine === undefined)
    throw new Error('this needs a machine of the cloud beside the control plane, and its node Ready');
  const { name } = machine;
  const isReady = async (): Promise<boolean> =>
    (await world.nodes()).some((node) => node.name === name && node.isReady);
  say(`stopping the kubelet of ${name}: the machine runs on, and only the cloud can say so`);
  await inside(name, 'systemctl stop kubelet');
  const outcomes: LieOutcome[] = [];
  try {
    await waitFor(`node ${name} to be silent`, async () => !(await isReady()), { within: minutes(3), every });
    for (const lie of lies) outcomes.push(await tell(world, { lie, name, lasts, every }));
  } finally {
    say(`starting the kubelet of ${name} again`);
    await inside(name, 'systemctl start kubelet');
  }
  const begun = performance.now();
  // A kubelet makes a Node that was deleted again, as another one: that it is Ready says nothing of that.
  await waitFor(`node ${name} to be Ready`, isReady, { within: minutes(5), every });
  const back = ms(performance.now() - begun);
  say(`node ${name} is Ready after ${formatMs(back)}`);
  return { machine: name, lies: outcomes, back };
}

async function tell(
  { cloud, nodes, say }: LiedTo,
  {
    lie: { says, fault },
    name,
    lasts,
    every,
  }: {
    readonly lie: Lie;
    readonly name: string;
    readonly lasts: Ms;
    readonly every: Ms;
  },
): Promise<LieOutcome> {
  say(`for ${formatMs(lasts)} the cloud ${says}`);
  const before = await nodes();
  const planted = await cloud.play({ faults: [fault] });
  const deleted = new Set<string>();
  const told = new Set<string>();
  try {
    const end = performance.now() + lasts;
    do {
      await sleep(every);
      const now = await nodes();
      for (const gone of before.filter(({ uid }) => !now.some((node) => node.uid === uid))) deleted.add(gone.name);
      const known = now.find((node) => node.name === name)?.machineKnown;
      if (known !== undefined && !told.has(known)) say(`  ${name}: ${known}`);
      if (known !== undefined) told.add(known);
    } while (performance.now() < end);
    const met = (await cloud.faults()).filter(({ id }) => planted.some((one) => one.id === id));
    const calls = met.reduce((sum, one) => sum + one.met, 0);
    say(`  ${calls} false answers, ${deleted.size} nodes deleted`);
    return { says, met: calls, deleted: [...deleted].toSorted(), told: [...told] };
  } finally {
    for (const { id } of planted) await cloud.clear(id);
  }
}

/** What is not as promised. */
export function faultsOfLies({ lies: all }: FalseAnswersOutcome): readonly string[] {
  return all.flatMap(({ says, met, deleted }) => [
    ...deleted.map((name) => `node ${name} was deleted while the cloud ${says}, and its machine runs`),
    ...(met === 0 ? [`nobody asked the cloud while it ${says}: this proves nothing, try it for longer`] : []),
  ]);
}

export const lookEveryLie = seconds(5);

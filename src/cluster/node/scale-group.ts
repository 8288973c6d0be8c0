import { isReady } from '#kube/api/condition.ts';
import { type NodeGroupObject, nodeGroups } from '#kube/api/node-group.ts';
import { type Kube, KubeError } from '#kube/kube.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { nodes, type PodObject } from '#kube/resources.ts';
import { now, seconds, sleep } from '#unit/clock.ts';
import { askApi } from '../observe-cluster.ts';
import { Refused } from '../refused.ts';
import { Connections, type Session } from '../session.ts';
import { notMadeHere } from '../up/plan-up.ts';
import { explainLost } from './explain-lost.ts';
import { explainShrinking, groupOf, planGrowth, planShrinking, type Scale } from './plan-scale.ts';
import {
  beginScaleMemory,
  planGrowthWait,
  planShrinkingWait,
  type ScaleMemory,
  type ScaleSeen,
  type ScaleWait,
} from './plan-scale-wait.ts';

type Ask = (lines: readonly string[]) => Promise<boolean>;

/** The group stays as it was scaled: what it is, and what takes it back. */
export class LeftScaled extends Error {
  constructor(why: string, stays: string, cause?: unknown) {
    super(`${why}${why === '' ? '' : '. '}${stays}`, { cause });
    this.name = 'LeftScaled';
  }
}

/**
 * Makes a group larger and waits until the machines that it then makes are Ready.
 * @shape the names of the machines that came; `declined`: nothing was done
 * @fails Refused, and nothing was done · LeftScaled when it was stopped or the machines do not come; the controller goes on
 */
export async function growGroup(
  session: Session,
  wish: { readonly group: string; readonly count: number },
  confirm: Ask,
): Promise<readonly string[] | 'declined'> {
  return withApi(session, async (kube) => {
    const ofFile = session.config.nodeGroups.map(({ name }) => name);
    let isAgreed = false;
    for (;;) {
      const groups = await listIfServed(kube, nodeGroups);
      const planned = planGrowth(wish.group, wish.count, { groups, ofFile });
      if (!planned.ok) throw new Refused(planned.failure);
      const scale = planned.value;
      if (!isAgreed && !(await confirm([scale.says]))) return 'declined';
      isAgreed = true;
      const group = groups.find(({ metadata }) => metadata.name === wish.group);
      if (group === undefined || !(await write(kube, group, { desired: scale.to }))) continue;
      const before = (group.status?.members ?? []).map(({ name }) => name);
      return await waitForMachines(session, kube, scale, before);
    }
  });
}

async function waitForMachines(
  session: Session,
  kube: Kube,
  scale: Scale,
  before: readonly string[],
): Promise<readonly string[]> {
  const { group, from, to } = scale;
  const stays = `Node group ${group} is still to have ${to} ${to === 1 ? 'machine' : 'machines'}, and the controller goes on; to take that back: kubectl scale nodegroup ${group} --replicas=${from}`;
  const decide = (seen: ScaleSeen, memory: ScaleMemory): ScaleWait =>
    planGrowthWait(seen, { group, to, before }, memory);
  return follow(session, kube, {
    title: `scale node group ${group}`,
    why: scale.says,
    group,
    decide,
    stays: () => stays,
  });
}

/**
 * Removes one machine of a group: the group becomes smaller by this machine, which the controller drains and ends.
 * @unit pods: those on it
 * @shape the name of its group; `declined`: nothing was done; `undefined`: it is a machine of no group
 * @fails Refused, and nothing was done · LeftScaled when it was stopped or the machine does not go; the controller goes on
 */
export function removeFromGroup(
  session: Session,
  wish: { readonly machine: string; readonly pods: readonly PodObject[] },
  confirm: Ask,
): Promise<{ readonly group: string } | 'declined' | undefined> {
  return withApi(session, async (kube) => {
    for (let isAgreed = false; ; isAgreed = true) {
      const found = groupOf(wish.machine, await listIfServed(kube, nodeGroups));
      if (found === undefined) return undefined;
      const planned = planShrinking(
        wish.machine,
        found.group,
        session.config.nodeGroups.map(({ name }) => name),
      );
      if (!planned.ok) throw new Refused(planned.failure);
      const step = planned.value;
      if (!isAgreed && !(await confirm([...explainShrinking(step, found), ...explainLost(wish.pods)])))
        return 'declined';
      if (step.do === 'follow') {
        await waitUntilGone(session, kube, wish.machine, found.group);
        return { group: found.group.metadata.name };
      }
      if (step.do === 'scale') await write(kube, found.group, { desired: step.scale.to });
      else await nameFirst(kube, found.group, wish.machine, step.leaveFirst);
    }
  });
}

/** Alone, so that it shows whether the cluster knows the field: without it any machine could leave. */
async function nameFirst(
  kube: Kube,
  group: NodeGroupObject,
  machine: string,
  leaveFirst: readonly string[],
): Promise<void> {
  const written = await write(kube, group, { leaveFirst });
  if (written && written.spec.leaveFirst?.includes(machine) !== true)
    throw new Refused(
      `the objects of this cluster are of an earlier version, which cannot name the machine of a group that is to leave; run isthmus up, then run this again`,
    );
}

async function waitUntilGone(session: Session, kube: Kube, machine: string, seen: NodeGroupObject): Promise<void> {
  const group = seen.metadata.name;
  let last: NodeGroupObject | undefined = seen;
  const stays = (): string => {
    const member = last?.status?.members?.find(({ name }) => name === machine);
    const desired = last === undefined ? 0 : (last.spec.desired ?? 0) + 1;
    return member?.leaving === undefined && last?.metadata.deletionTimestamp === undefined
      ? `Node group ${group} is still to become smaller by ${machine}, and the controller goes on; to keep it: kubectl patch nodegroup ${group} --type merge -p '{"spec":{"desired":${desired},"leaveFirst":null}}'`
      : `${machine} leaves, and the controller goes on: kubectl describe nodegroup ${group} shows how far it is`;
  };
  const decide = (look: ScaleSeen, memory: ScaleMemory): ScaleWait => {
    last = look.group;
    return planShrinkingWait(look, { group, machine }, memory);
  };
  await follow(session, kube, {
    title: `remove ${machine}`,
    why: `node group ${group} becomes smaller by it`,
    group,
    decide,
    stays,
  });
}

/** Looks until it is decided. What the API server does not answer now it may answer at the next look. */
async function follow(
  { report, signal }: Session,
  kube: Kube,
  {
    title,
    why,
    group,
    decide,
    stays,
  }: {
    readonly title: string;
    readonly why: string;
    readonly group: string;
    readonly decide: (seen: ScaleSeen, memory: ScaleMemory) => ScaleWait;
    readonly stays: () => string;
  },
): Promise<readonly string[]> {
  return report.step(title, why, async (say) => {
    let memory = beginScaleMemory(now());
    try {
      for (;;) {
        const seen = await observe(kube, group);
        const next = seen === undefined ? { at: 'waiting' as const, memory } : decide(seen, memory);
        if (next.at === 'there') return next.nodes;
        if (next.at === 'failed') throw new LeftScaled(next.why, stays());
        if (next.memory.said !== memory.said) say(next.memory.said);
        memory = next.memory;
        await sleep(seconds(1), signal);
      }
    } catch (e) {
      if (!signal.aborted || e instanceof LeftScaled) throw e;
      throw new LeftScaled('', stays(), e);
    }
  });
}

async function observe(kube: Kube, group: string): Promise<ScaleSeen | undefined> {
  try {
    const [object, listed] = await Promise.all([kube.get(nodeGroups, { name: group }), kube.list(nodes)]);
    return {
      at: now(),
      group: object,
      nodes: new Map(listed.map((node) => [node.metadata.name, isReady(node)])),
    };
  } catch (e) {
    if (e instanceof KubeError && (e.status === 0 || e.status >= 500 || e.status === 429)) return undefined;
    throw e;
  }
}

/** Over the version that was read. @shape `undefined`: somebody has written it meanwhile */
async function write(
  kube: Kube,
  { metadata: { name, resourceVersion } }: NodeGroupObject,
  spec: object,
): Promise<NodeGroupObject | undefined> {
  try {
    return await kube.merge(nodeGroups, { name }, { metadata: { resourceVersion }, spec });
  } catch (e) {
    if (e instanceof KubeError && e.status === 409) return undefined;
    throw e;
  }
}

async function withApi<T>(session: Session, work: (kube: Kube) => Promise<T>): Promise<T> {
  const connections = new Connections(session);
  try {
    const kube = await connections.kubeIfMade();
    if (kube === undefined) throw new Refused(`${notMadeHere.blocked}; ${notMadeHere.cure}`);
    if ((await askApi(kube)) !== 'answers')
      throw new Error('the API server of the cluster does not answer; isthmus status shows what can be seen');
    return await work(kube);
  } finally {
    await connections.close();
  }
}

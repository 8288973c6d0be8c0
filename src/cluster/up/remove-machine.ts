import { type Host, HostError } from '#host/host.ts';
import { isLeaving, outOfBalancers } from '#kube/api/leaving.ts';
import { machines } from '#kube/api/machine.ts';
import { nodes, pods } from '#kube/resources.ts';
import { connectionsHave, evict, hasBalancers, hasToLeave, markLeaving, podKey } from '#machine/leave.ts';
import { formatMs, type Instant, minutes, ms, now, seconds, sleep } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { explainHowToStay } from '../leaving.ts';
import { openMachine, type Session } from '../session.ts';
import type { At } from './at.ts';
import { explainDrain } from './explain-drain.ts';

/** How long it may take until no load balancer sends to a node. */
export const leaveLimit = minutes(3);

/**
 * Takes a cloud node out of all load balancers before its pods leave: it is cordoned and marked as about to be removed, and whoever
 * keeps the balancers says on the Node when none sends to it.
 * @fails Error with what the Node says; the node stays cordoned and marked
 */
export async function leaveBalancers({ session, connections, say }: At, name: string): Promise<void> {
  const kube = await connections.kube();
  const end = now() + leaveLimit;
  await markLeaving(kube, name);
  let told = '';
  for (;;) {
    const [node, sends] = await Promise.all([kube.get(nodes, { name }), hasBalancers(kube)]);
    if (node === undefined) return;
    // Nobody has to be there to say so: the controller may not run yet.
    if (!sends) return;
    const said = node.status?.conditions?.find(({ type }) => type === outOfBalancers);
    if (said?.status === 'True') return;
    const line = said?.message ?? 'waiting for the controller to take it out of the load balancers';
    if (line !== told) say(line);
    told = line;
    if (now() >= end)
      throw new Error(
        `${name} may still receive traffic from load balancers after ${formatMs(leaveLimit)}: ${line}. The node stays cordoned; run isthmus status to see what is wrong with the controller or the Services, then run isthmus up again; ${explainHowToStay(name, true)}`,
      );
    await sleep(seconds(1), session.signal);
  }
}

/** Waits until connections have had their time since the last load balancer stopped sending. */
async function drainConnections({ session, connections, say }: At, name: string): Promise<void> {
  const node = await (await connections.kube()).get(nodes, { name });
  const left = node === undefined ? ms(0) : connectionsHave(node, now());
  if (left === 0) return;
  say(`its connections from load balancers have ${formatMs(ms(Math.ceil(left / 1000) * 1000))} more to end`);
  await sleep(left, session.signal);
}

/** How long pods may take to leave a node. */
export const drainLimit = minutes(5);

/**
 * Moves the pods of a node away: it gets no more of them, and those it has are evicted as far as their PodDisruptionBudgets allow.
 * Then connections from load balancers have what is left of their time.
 * @fails Error that names the pods that are left and why; the node stays cordoned
 */
export async function drainNode(at: At, name: string): Promise<void> {
  const { session, connections, say } = at;
  const kube = await connections.kube();
  const node = await kube.merge(nodes, { name }, { spec: { unschedulable: true } });
  const end = now() + drainLimit;
  /** Why each pod may not leave, and when it was last asked, by its uid. */
  const asked = new Map<string, { readonly at: Instant; readonly held: string | undefined }>();
  let told = '';
  for (;;) {
    const here = (await kube.list(pods, { fieldSelector: `spec.nodeName=${name}` })).filter(hasToLeave);
    if (here.length === 0) return drainConnections(at, name);
    const left = await Promise.all(
      here.map(async (pod) => {
        const uid = pod.metadata.uid ?? '';
        const before = asked.get(uid);
        if (before !== undefined && now() - before.at < askAgain) return { pod: podKey(pod), held: before.held };
        const held = await evict(kube, pod);
        asked.set(uid, { at: now(), held });
        return { pod: podKey(pod), held };
      }),
    );
    const line = explainDrain({ of: asked.size, left });
    if (line !== told) say(line);
    told = line;
    if (now() >= end)
      throw new Error(
        `pods are still on ${name} after ${formatMs(drainLimit)}: ${line}. The node stays cordoned; change their PodDisruptionBudget or delete them, then run isthmus up again; ${explainHowToStay(name, isLeaving(node))}`,
      );
    await sleep(lookAgain, session.signal);
  }
}

/** Looking costs one list of the pods of one node, and what follows waits for it. */
const lookAgain = ms(300);
/** An eviction that a budget refuses is asked for again; each makes the API server count the pods of the budget. */
const askAgain = seconds(2);

/** Makes a machine that was taken out of cluster.yaml a plain machine again. One that can't be reached stays as it is, and that is told. */
export async function resetRemovedMachine(
  { session, say, leave }: At,
  name: string,
  address: string | undefined,
): Promise<void> {
  const { config, state } = session;
  let host: Host;
  try {
    if (address === undefined) throw new HostError(name, 'connecting', 'its Node has no InternalIP');
    // Its own, which went from cluster.yaml with it, or that of all machines.
    const ssh = (await state.access(name)) ?? config.ssh;
    if (ssh === undefined) throw new HostError(name, 'connecting', 'cluster.yaml has no ssh key for all machines');
    host = await openMachine(session, { name, address, ssh });
  } catch (e) {
    session.signal.throwIfAborted();
    if (!(e instanceof HostError)) throw e;
    leave(
      `${address === undefined ? name : `${name} (${address})`} is removed from the cluster and could not be reset: ${messageOf(e)}. Kubernetes, its pods and its pod network stay on it; run isthmus machine reset on it before it is used again`,
    );
    return;
  }
  try {
    await resetOver(session, host, say);
  } finally {
    await host.close();
  }
  await state.unpin(name);
  await state.forgetAccess(name);
}

/** `isthmus machine reset` on a machine, where our program is on it. @fails HostError */
export async function resetOver({ signal }: Session, host: Host, say: (line: string) => void): Promise<void> {
  const program = '/usr/local/bin/isthmus';
  const ran = await host.run(['sh', '-c', `test -x ${program} || exit 0; exec ${program} machine reset --yes`], {
    within: minutes(12),
    onLine: say,
    signal,
  });
  if (ran.code !== 0) throw new HostError(host.name, 'isthmus machine reset', ran.stderr.trim());
}

/** Deletes the Node, and what was recorded of its machine when that is in cluster.yaml no more. */
export async function forgetNode({ session, connections }: At, name: string): Promise<void> {
  const { config } = session;
  const kube = await connections.kube();
  await kube.delete(nodes, { name });
  const isNamed = [...config.machines, ...config.cloudMachines].some((machine) => machine.name === name);
  if (!isNamed) await kube.delete(machines, { name });
}

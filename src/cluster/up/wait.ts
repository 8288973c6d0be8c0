import { isReady } from '#kube/api/condition.ts';
import { type Kube, KubeError } from '#kube/kube.ts';
import { nodes } from '#kube/resources.ts';
import { noteStalled, readJoinReport, renewJoinToken, tokenLifetime } from '#machine/join-token.ts';
import { beginTracking, explainProgress, stalledSince, track } from '#machine/track-progress.ts';
import { formatMs, type Ms, minutes, ms, now, seconds, sleep, WaitedTooLong, waitFor } from '#unit/clock.ts';
import { askKubelet } from '../kubelet-reach.ts';
import { observeComplaints, observeUnready } from '../observe-cluster.ts';
import { explainUnreached, unreachedBy } from '../plan-unreached.ts';
import { explainUnready } from '../plan-unready.ts';
import type { At } from './at.ts';

export async function waitForApi({ session, connections }: At): Promise<void> {
  const kube = await connections.kube();
  const serves = async (): Promise<true> => {
    await kube.read('/readyz', { within: seconds(5) });
    return true;
  };
  await waitFor('the API server to answer', serves, {
    within: minutes(4),
    every: seconds(1),
    signal: session.signal,
  });
}

/** Waits until the machine has joined, for as long as it makes progress, and then until its node is ready. */
export async function waitForNode(at: At, name: string): Promise<void> {
  const kube = await at.connections.kube();
  await waitForJoin(at, kube, name);
  await waitTelling(at, `node ${name} to be ready`, minutes(6), async () => {
    const node = await kube.get(nodes, { name });
    if (node === undefined) return 'its Node was deleted';
    if (isReady(node)) return undefined;
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
    const complaints = await observeComplaints(at.session, kube, [node]);
    return [`it has joined and is not ready: ${ready?.message ?? 'no condition yet'}`, ...complaints].join('; ');
  });
  await waitForKubelet(at, kube, name);
}

async function waitForKubelet({ session: { signal } }: At, kube: Kube, name: string): Promise<void> {
  const what = `the API server to reach port 10250 of ${name}; allow traffic from the control plane to this port in the firewalls on the machine and on the network path, otherwise kubectl logs and exec do not work`;
  try {
    await waitFor(what, () => askKubelet(kube, name), { within: seconds(30), every: seconds(1), signal });
  } catch (e) {
    if (!(e instanceof WaitedTooLong) || unreachedBy(e.message) === 'no-answer') throw e;
    throw new Error(explainUnreached(name, 'no-certificate'), { cause: e });
  }
}

/** Longer than any step of a join that goes well, and than what a line is often cut for. */
const patience = minutes(10);

/** The limit is on the lack of progress: a slow line takes its time. The join token is renewed meanwhile. */
async function waitForJoin({ session, say }: At, kube: Kube, name: string): Promise<void> {
  let tracked = beginTracking(now());
  let renewed = now();
  let told = '';
  while ((await askPatiently(() => kube.get(nodes, { name }))) === undefined) {
    const report = await askPatiently(() => readJoinReport(kube, name));
    const at = now();
    tracked = track(tracked, report, at);
    const line = explainProgress(tracked, at);
    if (line !== told) say(line);
    told = line;
    const since = stalledSince(tracked, at, patience);
    if (since !== undefined) {
      await noteStalled(kube, name, since, tracked.have);
      throw new Error(
        `${name} has not joined and has made no progress for ${formatMs(patience)}: ${line}. It goes on by itself if it can: check that it reaches ${session.config.bundle.url} and port 6443 of the control plane, then run isthmus up again; its log is /var/log/isthmus-join.log`,
      );
    }
    // Only while it makes progress: a token that nobody uses expires. It may have begun anew by itself.
    if (at - renewed >= tokenLifetime / 3 && tracked.lastProgress > renewed) {
      await askPatiently(() => renewJoinToken(kube, name, now()));
      renewed = at;
    }
    await sleep(seconds(1), session.signal);
  }
}

/** What the API server does not answer now it may answer at the next look. */
async function askPatiently<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (e) {
    if (e instanceof KubeError && (e.status === 0 || e.status >= 500 || e.status === 429)) return undefined;
    throw e;
  }
}

export async function waitForWorkloads(at: At): Promise<void> {
  const kube = await at.connections.kube();
  await waitTelling(at, "the cluster's own parts to run", minutes(5), async () => {
    const unready = await observeUnready(kube, { tolerate: 'nodes-that-are-not-ready' });
    if (unready.length === 0) return undefined;
    const complaints = await observeComplaints(at.session, kube, await kube.list(nodes));
    return [...unready.map(explainUnready), ...complaints].join('; ');
  });
}

/** Waits until nothing is missing any more, and tells what is missing whenever that changes. */
function waitTelling(
  { session, say }: At,
  what: string,
  within: Ms,
  missing: () => Promise<string | undefined>,
): Promise<true> {
  let told = '';
  const look = async (): Promise<true> => {
    const lacks = await missing();
    if (lacks === undefined) return true;
    if (lacks !== told) say(lacks);
    told = lacks;
    throw new Error(lacks);
  };
  return waitFor(what, look, { within, every: ms(500), signal: session.signal });
}

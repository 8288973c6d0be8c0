import { nodes } from '#kube/resources.ts';
import { type Ms, minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { isReady, observeUnready } from '../observe-cluster.ts';
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

export async function waitForNode(at: At, name: string): Promise<void> {
  const kube = await at.connections.kube();
  await waitTelling(at, `node ${name} to be ready`, minutes(6), async () => {
    const node = await kube.get(nodes, { name });
    if (node === undefined)
      return 'it has not joined yet; its own account is in /var/log/isthmus-join.log on the machine';
    if (isReady(node)) return undefined;
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
    return `it has joined and is not ready: ${ready?.message ?? 'no condition yet'}`;
  });
  await waitFor(
    `the API server to reach port 10250 of ${name}; open it to the control plane in the firewalls on the machine and on the way, or logs and exec will not work`,
    async () => {
      await kube.read(`/api/v1/nodes/${name}/proxy/healthz`, { within: seconds(5) });
      return true;
    },
    { within: seconds(30), every: seconds(1), signal: at.session.signal },
  );
}

export async function waitForWorkloads(at: At): Promise<void> {
  const kube = await at.connections.kube();
  await waitTelling(at, "the cluster's own parts to run", minutes(5), async () => {
    const unready = await observeUnready(kube);
    return unready.length === 0 ? undefined : unready.join(', ');
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

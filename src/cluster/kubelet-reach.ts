import { type Kube, KubeError } from '#kube/kube.ts';
import { seconds, WaitedTooLong, waitFor } from '#unit/clock.ts';
import { type Unreached, unreachedBy } from './plan-unreached.ts';

/** Asks the kubelet of a node through the API server, the way of kubectl logs and exec. @fails KubeError */
export async function askKubelet(kube: Kube, node: string): Promise<true> {
  await kube.read(`/api/v1/nodes/${node}/proxy/healthz`, { within: seconds(5) });
  return true;
}

/**
 * Those of the nodes whose kubelet the API server has not reached for some seconds. What else it answers is no sign of a closed way.
 * @shape why, by node
 * @fails AbortError when the signal is aborted
 */
export async function observeUnreached(
  kube: Kube,
  nodes: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Unreached>> {
  const seen = await Promise.all(nodes.map(async (node) => ({ node, why: await lookAt(kube, node, signal) })));
  return new Map(seen.flatMap(({ node, why }) => (why === undefined ? [] : [[node, why] as const])));
}

async function lookAt(kube: Kube, node: string, signal: AbortSignal): Promise<Unreached | undefined> {
  const look = () =>
    askKubelet(kube, node).catch((e: unknown) => {
      if (e instanceof KubeError && e.status < 500) return true;
      throw e;
    });
  try {
    await waitFor(`the kubelet of ${node}`, look, { within: patience, every: seconds(1), signal });
    return undefined;
  } catch (e) {
    if (e instanceof WaitedTooLong) return unreachedBy(e.message);
    throw e;
  }
}

/** A kubelet restarts within it. */
const patience = seconds(8);

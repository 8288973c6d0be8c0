import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { formatMs, type Instant, type Ms, minutes, seconds } from '#unit/clock.ts';
import { kubeconfigsOf } from '../cli/office.ts';
import { markOf } from '../fabric/names.ts';
import { enterNetwork } from '../machine/enter.ts';
import { type ClusterSeen, type Ready, readyIn } from './ready-in.ts';

/** What is Ready in the lab's cluster; nothing for a lab without one, or whose API server does not answer. */
export async function observeReady(lab: string): Promise<Ready> {
  return (await follow(lab, seconds(10), (seen) => readyIn(seen))) ?? { nodes: [], pods: [] };
}

/** How long a cluster may take from the power of its machines to the last pod. */
const patience = minutes(3);

/**
 * Waits until everything in the lab's cluster that was Ready when it was saved has become so again, by what the nodes tell after
 * `since`: what the API server remembers of the time before says nothing.
 * @fails Error that names what was not ready in time
 */
export async function awaitReady(lab: string, wanted: Ready, since: Instant): Promise<void> {
  let missing: readonly string[] = [...wanted.nodes, ...wanted.pods];
  if (missing.length === 0) return;
  const isReady = await follow(lab, patience, (seen) => {
    const ready = readyIn(seen, since);
    missing = [
      ...wanted.nodes.filter((node) => !ready.nodes.includes(node)).map((node) => `node ${node}`),
      ...wanted.pods.filter((pod) => !ready.pods.includes(pod)).map((pod) => `pod ${pod}`),
    ];
    return missing.length === 0 ? true : undefined;
  });
  if (isReady === undefined)
    throw new Error(
      `lab "${lab}" is up, but in its cluster these are not ready after ${formatMs(patience)}: ${missing.join(', ')}`,
    );
}

/** Looks at the cluster again and again until `judge` has an answer; `undefined` when it has none in time, or there is no cluster. */
async function follow<T>(lab: string, within: Ms, judge: (seen: ClusterSeen) => T | undefined): Promise<T | undefined> {
  const [cluster] = kubeconfigsOf(lab);
  if (cluster === undefined) return undefined;
  const tell = [process.execPath, join(import.meta.dirname, 'tell-cluster.ts'), cluster.path, cluster.cluster];
  const [program = '', ...args] = enterNetwork(markOf(lab, 'office'), tell);
  const teller = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const limit = setTimeout(() => teller.kill(), within);
  try {
    for await (const line of createInterface({ input: teller.stdout })) {
      const answer = judge(JSON.parse(line) as ClusterSeen);
      if (answer !== undefined) return answer;
    }
    return undefined;
  } finally {
    clearTimeout(limit);
    teller.kill();
  }
}

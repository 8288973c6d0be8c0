import { readFile } from 'node:fs/promises';
import { connect } from '#kube/client.ts';
import { parseKubeconfig } from '#kube/kubeconfig.ts';
import { nodes, pods } from '#kube/resources.ts';
import { ms, seconds, sleep } from '#unit/clock.ts';
import type { ClusterSeen } from './ready-in.ts';

/**
 * A program of its own, because it has the network of the lab's office: prints the nodes and pods of a cluster, a line of JSON for
 * each time that the API server answers, until it is ended. One process that keeps its connection: a kubectl for each look would
 * take a good part of a small computer while the cluster starts on it.
 * Arguments: path of the kubeconfig, name of the cluster.
 */
const [path = '', cluster = ''] = process.argv.slice(2);
const kube = connect(parseKubeconfig(await readFile(path, 'utf8'), cluster), { within: seconds(2) });
for (;;) {
  const seen = await observe().catch(() => undefined);
  if (seen !== undefined) process.stdout.write(`${JSON.stringify(seen)}\n`);
  await sleep(ms(250));
}

async function observe(): Promise<ClusterSeen> {
  return { nodes: await kube.list(nodes), pods: await kube.list(pods) };
}

import { expect, test } from 'vitest';
import { drainNode } from '#cluster/up/remove-machine.ts';
import type { KubeObject } from '#kube/kube.ts';
import { nodes, type PodObject, pods } from '#kube/resources.ts';
import { minutes, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { budgets, disruptionController } from '../../support/disruption-controller.ts';

/** How pods leave the node of a machine that is removed, against a real API server and upstream's controller of disruption budgets. */
const api = apiServerForTests({ flags: ['--allow-privileged=true'] });
const disruption = disruptionController(api);

/** A pod as its kubelet reports it: an API server evicts one that does not run without asking any budget. */
async function runPod(node: string, name: string, metadata: Partial<KubeObject['metadata']> = {}): Promise<void> {
  const spec = { nodeName: node, containers: [{ name: 'c', image: 'none' }], terminationGracePeriodSeconds: 1 };
  await api.kube.create(pods, { metadata: { name, namespace: 'default', ...metadata }, spec } as PodObject);
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  await api.kube.merge(pods, { name, namespace: 'default' }, { status }, { subresource: 'status' });
}

/** What a drain needs of a run of `up`. */
function at(say: (line: string) => void): Parameters<typeof drainNode>[0] {
  const session = { signal: new AbortController().signal };
  return { session, connections: { kube: async () => api.kube }, say } as unknown as Parameters<typeof drainNode>[0];
}

async function isLeaving(name: string): Promise<boolean> {
  return (await api.kube.get(pods, { name, namespace: 'default' }))?.metadata.deletionTimestamp !== undefined;
}

test('a pod that its disruption budget protects stays, pod and budget are named, and it leaves when the budget allows it', async () => {
  await api.kube.create(nodes, { metadata: { name: 'base-9' } });
  const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: '1', controller: true };
  const ofShop = { labels: { app: 'shop' } };
  await runPod('base-9', 'free');
  await runPod('base-9', 'shop-1', ofShop);
  await runPod('base-9', 'of-a-daemon', { ownerReferences: [owner] });
  await runPod('base-8', 'elsewhere');
  await api.kube.create(budgets, {
    metadata: { name: 'shop-stays', namespace: 'default' },
    spec: { minAvailable: 1, selector: { matchLabels: ofShop.labels } },
  });
  const healthy = async (): Promise<boolean> => {
    await disruption.assertAlive();
    const budget = await api.kube.get(budgets, { name: 'shop-stays', namespace: 'default' });
    return budget?.status?.currentHealthy === 1;
  };
  await waitFor('the budget to be counted', healthy, { within: minutes(1) });

  const said: string[] = [];
  const drained = drainNode(
    at((line) => said.push(line)),
    'base-9',
  );
  await waitFor('the free pod to be evicted', () => isLeaving('free'), { within: seconds(30) });
  expect((await api.kube.get(nodes, { name: 'base-9' }))?.spec?.unschedulable).toBe(true);
  // What its kubelet would do.
  await api.kube.delete(pods, { name: 'free', namespace: 'default' }, { graceSeconds: 0 });
  await sleep(ms(5000));
  expect(said.at(-1)).toBe(
    '1 of 2 pods is left: PodDisruptionBudget default/shop-stays (needs 1 healthy pods, has 1) holds back default/shop-1',
  );
  for (const name of ['shop-1', 'of-a-daemon', 'elsewhere']) expect(await isLeaving(name), name).toBe(false);

  // Another pod of the application runs on another node: now one may go.
  await runPod('base-8', 'shop-2', ofShop);
  await waitFor('the pod to be evicted', () => isLeaving('shop-1'), { within: seconds(60) });
  await api.kube.delete(pods, { name: 'shop-1', namespace: 'default' }, { graceSeconds: 0 });
  await drained;
  for (const name of ['shop-2', 'of-a-daemon', 'elsewhere']) expect(await isLeaving(name), name).toBe(false);
});

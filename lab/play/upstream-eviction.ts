import { minutes, seconds, waitFor } from '#unit/clock.ts';
import type { World } from './world.ts';

const manifest = '/etc/kubernetes/manifests/kube-controller-manager.yaml';

/** Switches Kubernetes' own eviction on beside ours while something is done: it decides first what it would delete. */
export async function withUpstreamEviction<T>(world: World, work: () => Promise<T>): Promise<T> {
  const [machine = ''] = (await world.nodes()).filter(({ isControlPlane }) => isControlPlane).map(({ name }) => name);
  world.say('switching on the eviction of kube-controller-manager, as in a cluster without Isthmus’ own');
  await setControllers(world, machine, { from: ',-taint-eviction-controller', to: ',taint-eviction-controller' });
  try {
    return await work();
  } finally {
    await setControllers(world, machine, { from: ',taint-eviction-controller', to: ',-taint-eviction-controller' });
  }
}

/** kubelet starts the pod anew when its file has changed. */
async function setControllers(
  { inside, kubectl }: World,
  machine: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  // Written beside and moved: kubelet never reads half a file. Not in the folder, where it would read the other one too.
  await inside(
    machine,
    `sed 's/${from}/${to}/' ${manifest} >/tmp/manifest && grep -q -- '${to}' /tmp/manifest && mv /tmp/manifest ${manifest}`,
  );
  await waitFor(
    'kube-controller-manager to run with its new flag',
    async () => {
      const words = await kubectl(
        '-n',
        'kube-system',
        'get',
        'pods',
        '-l',
        'component=kube-controller-manager',
        '-o',
        'jsonpath={.items[*].spec.containers[*].command} {.items[*].status.conditions[?(@.type=="Ready")].status}',
      );
      return words.includes(`${to}"`) && words.trim().endsWith('True');
    },
    { within: minutes(3), every: seconds(2) },
  );
}

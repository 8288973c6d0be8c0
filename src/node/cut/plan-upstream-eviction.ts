import type { PodObject } from '#kube/resources.ts';

/** The label that kubeadm gives its pod. */
export const controllerManagerSelector = 'component=kube-controller-manager';

/** Whether Kubernetes' own eviction is on beside ours, in a cluster that was made before: one sentence for each control plane. */
export function planUpstreamEviction(pods: readonly PodObject[]): readonly string[] {
  return pods.flatMap(({ spec }) => {
    const words = (spec?.containers ?? []).flatMap(({ command = [], args = [] }) => [...command, ...args]);
    if (words.some((word) => word.startsWith('--controllers=') && word.includes('-taint-eviction-controller')))
      return [];
    return [
      `kube-controller-manager of ${spec?.nodeName ?? 'a control plane'} still evicts pods itself, also from machines of the site that are only cut off: write --controllers=*,bootstrapsigner,tokencleaner,-taint-eviction-controller into /etc/kubernetes/manifests/kube-controller-manager.yaml there`,
    ];
  });
}

import { expect, test } from 'vitest';
import type { PodObject } from '#kube/resources.ts';
import { controllerManagerSelector, planUpstreamEviction } from './plan-upstream-eviction.ts';

const off = '--controllers=*,bootstrapsigner,tokencleaner,-taint-eviction-controller';

function pod(container: object, nodeName: string | undefined = 'cp-1'): PodObject {
  const containers = [{ name: 'kube-controller-manager', ...container }];
  return { metadata: { name: 'kcm' }, spec: { ...(nodeName !== undefined && { nodeName }), containers } };
}

const says = (who: string): string =>
  `kube-controller-manager of ${who} still evicts pods itself, also from machines of the site that are only cut off: write --controllers=*,bootstrapsigner,tokencleaner,-taint-eviction-controller into /etc/kubernetes/manifests/kube-controller-manager.yaml there`;

test.each<[string, readonly PodObject[], readonly string[]]>([
  ['no pod of it, as of a control plane that others run', [], []],
  ['switched off', [pod({ command: ['kube-controller-manager', off] })], []],
  ['switched off by an argument', [pod({ command: ['kube-controller-manager'], args: [off] })], []],
  [
    'kubeadm’s own',
    [pod({ command: ['kube-controller-manager', '--controllers=*,bootstrapsigner,tokencleaner'] })],
    [says('cp-1')],
  ],
  ['a pod without containers, which nobody knows', [{ metadata: { name: 'kcm' } }], [says('a control plane')]],
  ['no such flag', [pod({ command: ['kube-controller-manager'] })], [says('cp-1')]],
  ['the name in another flag', [pod({ args: ['--v=2', '--feature=-taint-eviction-controller'] })], [says('cp-1')]],
  ['a pod without a node', [{ metadata: { name: 'kcm' } }], [says('a control plane')]],
  ['one of two', [pod({ args: [off] }), pod({}, 'cp-2')], [says('cp-2')]],
])('status tells whether Kubernetes evicts by itself: %s', (_title, pods, problems) => {
  expect(planUpstreamEviction(pods)).toEqual(problems);
});

test('the pods of kube-controller-manager are those that kubeadm labels so', () => {
  expect(controllerManagerSelector).toBe('component=kube-controller-manager');
});

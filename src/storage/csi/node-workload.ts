import type { IDaemonSet } from 'kubernetes-models/apps/v1';
import type { IContainer, IPodSpec } from 'kubernetes-models/v1';
import { systemNamespace } from '#kube/api/settings.ts';
import { kubeletFolder, pluginFolder } from './names.ts';
import { healthOf } from './placement.ts';

/** What a driver's half on the machines has of its own. */
export interface NodeHalf {
  readonly name: string;
  readonly driver: string;
  /** The side whose nodes it runs on, all of them, whatever their taints. */
  readonly ground: 'cloud' | 'site';
  /** The port of its health. */
  readonly port: number;
  readonly container: Pick<IContainer, 'name' | 'image' | 'command' | 'env' | 'resources' | 'volumeMounts'>;
  readonly sidecars?: readonly IContainer[];
  readonly volumes?: NonNullable<IPodSpec['volumes']>;
  readonly pod?: Pick<IPodSpec, 'automountServiceAccountToken'>;
}

export const nodeName = { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } };

/** The half of a driver that works on the machine, with its folders at kubelet. */
export function nodeWorkload(half: NodeHalf): IDaemonSet & { readonly metadata: { readonly name: string } } {
  const labels = { 'app.kubernetes.io/name': half.name };
  const folders = [
    { name: 'registry', path: `${kubeletFolder}/plugins_registry` },
    { name: 'plugin', path: pluginFolder(half.driver) },
  ];
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: half.name, namespace: systemNamespace, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } },
      template: {
        metadata: { labels },
        spec: {
          ...half.pod,
          serviceAccountName: half.name,
          priorityClassName: 'system-node-critical',
          nodeSelector: { 'isthmus.dev/ground': half.ground },
          tolerations: [{ operator: 'Exists' }],
          // It answers while the node has no pod network, and also when the pod network of a full node is exhausted.
          hostNetwork: true,
          dnsPolicy: 'Default',
          // Its tools, such as mkfs, mount and blkid, are the machine's own, run in the mount namespace of its process 1.
          hostPID: true,
          containers: [
            {
              imagePullPolicy: 'IfNotPresent',
              terminationMessagePolicy: 'FallbackToLogsOnError',
              ...healthOf(half.port),
              securityContext: { privileged: true },
              ...half.container,
              volumeMounts: [
                ...folders.map(({ name, path }) => ({ name, mountPath: path })),
                ...(half.container.volumeMounts ?? []),
              ],
            },
            ...(half.sidecars ?? []),
          ],
          volumes: [
            ...folders.map(({ name, path }) => ({ name, hostPath: { path, type: 'DirectoryOrCreate' as const } })),
            ...(half.volumes ?? []),
          ],
        },
      },
    },
  };
}

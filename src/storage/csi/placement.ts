import type { IContainer, IPodSpec } from 'kubernetes-models/v1';

/** For what works beside the API server, on machines that take no other pods. */
export const onControlPlane: Pick<IPodSpec, 'nodeSelector' | 'tolerations' | 'priorityClassName'> = {
  nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
  tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
  priorityClassName: 'system-cluster-critical',
};

/** A pod of one user, whose group may read what is mounted for it. */
export function hardened(user: number): Pick<IPodSpec, 'securityContext'> {
  return {
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}

/** A container that is a plain process and writes nothing but what is mounted for it. */
export const contained: Pick<IContainer, 'imagePullPolicy' | 'securityContext' | 'terminationMessagePolicy'> = {
  imagePullPolicy: 'IfNotPresent',
  terminationMessagePolicy: 'FallbackToLogsOnError',
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
};

/**
 * Their defaults, 5 requests a second to the API server and 10 at once, hold a thousand attachments up for minutes. Back-off grows from 1 s to
 * one minute, not five: a cloud that was away for a while is asked soon after.
 * @source kubernetes#84169; external-attacher PR #286
 */
export const sidecarOptions: readonly string[] = [
  '--kube-api-qps=100',
  '--kube-api-burst=200',
  '--retry-interval-max=1m',
  '--leader-election',
];

import type { IContainer, IPodSpec } from 'kubernetes-models/v1';
import type { ClusterFacts } from '#capability/capability.ts';
import { livenessProbe } from '#capability/liveness-probe.ts';

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
 * Their defaults, 5 requests a second to the API server and 10 at once, hold a thousand attachments up for minutes: each volume takes two to four requests
 * to be made, attached, detached or deleted. The API server itself holds back who asks for more than it has room for. Back-off grows from 1 s to
 * one minute, not five: a cloud that was away for a while is asked soon after.
 * @source kubernetes#84169; external-attacher PR #286
 */
export const sidecarOptions: readonly string[] = [
  '--kube-api-qps=300',
  '--kube-api-burst=600',
  '--retry-interval-max=1m',
  '--leader-election',
];

/** A sidecar of upstream beside a program of ours. @param name `csi-provisioner`, as its image is called */
export function sidecar(
  name: string,
  { image, ...own }: Pick<ClusterFacts, 'image'> & Pick<IContainer, 'args' | 'env' | 'volumeMounts'>,
): IContainer {
  return {
    ...contained,
    name,
    image: image(`sig-storage/${name}:`),
    resources: { requests: { cpu: '5m', memory: '24Mi' } },
    ...own,
  };
}

/** How kubelet asks a program of ours how it is. @param port on the node's own loopback */
export function healthOf(port: number): Pick<IContainer, 'livenessProbe' | 'readinessProbe' | 'startupProbe'> {
  const at = { host: '127.0.0.1', port };
  return {
    livenessProbe: livenessProbe(at),
    readinessProbe: { httpGet: { ...at, path: '/readyz' }, periodSeconds: 5, timeoutSeconds: 5 },
    startupProbe: { httpGet: { ...at, path: '/healthz' }, periodSeconds: 1, failureThreshold: 120 },
  };
}

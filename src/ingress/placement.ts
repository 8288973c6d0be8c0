import type { IContainer, IPodSpec } from 'kubernetes-models/v1';

type Security = Pick<IPodSpec, 'securityContext'>;

/**
 * Cloud nodes only: the balancer reaches no others. Spread over zones as far as there are any, and over nodes: in a new cluster the second
 * waits for the second node.
 * @unit nodes: how many of them take pods of everybody
 */
export function placement(
  app: string,
  { replicas, nodes }: { readonly replicas: number; readonly nodes: number },
): Pick<IPodSpec, 'nodeSelector' | 'topologySpreadConstraints' | 'securityContext'> {
  const even = {
    maxSkew: 1,
    labelSelector: { matchLabels: { app } },
    matchLabelKeys: ['pod-template-hash'],
    // The control plane takes none, and must not count as a node that has none.
    nodeTaintsPolicy: 'Honor' as const,
  };
  return {
    nodeSelector: { 'isthmus.dev/ground': 'cloud' },
    topologySpreadConstraints: [
      { ...even, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
      {
        ...even,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'DoNotSchedule',
        minDomains: Math.max(1, Math.min(replicas, nodes)),
      },
    ],
    ...nobody,
  };
}

/** Upstream's user, with what the "restricted" level wants besides. */
export const nobody: Security = {
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 65_534,
    runAsGroup: 65_534,
    seccompProfile: { type: 'RuntimeDefault' },
  },
};

/** What every container here has. `Never`: images come from the bundle and are as it says, or the pod waits. */
export const contained: Pick<IContainer, 'imagePullPolicy' | 'securityContext' | 'terminationMessagePolicy'> = {
  imagePullPolicy: 'Never',
  terminationMessagePolicy: 'FallbackToLogsOnError',
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
};

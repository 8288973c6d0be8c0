import type { IContainer, IPodSpec } from 'kubernetes-models/v1';

type Security = Pick<IPodSpec, 'securityContext'>;

/** Cloud nodes only: the balancer reaches no others. Spread over zones and then over nodes, as far as there are any. */
export function placement(
  app: string,
): Pick<IPodSpec, 'nodeSelector' | 'topologySpreadConstraints' | 'securityContext'> {
  return {
    nodeSelector: { 'isthmus.dev/ground': 'cloud' },
    topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { app } },
      matchLabelKeys: ['pod-template-hash'],
    })),
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

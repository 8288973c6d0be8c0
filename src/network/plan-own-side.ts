import type { ServiceObject } from '#kube/resources.ts';

export interface OwnSideSeen {
  readonly service: ServiceObject;
  /** Sides on which the Service has a pod that is ready. */
  readonly sides: ReadonlySet<'cloud' | 'site'>;
}

/** What a Service with ready pods on both sides makes of that; empty when it has them on one side, or kube-proxy does not choose. */
export function planOwnSide(seen: OwnSideSeen | undefined): readonly string[] {
  if (seen === undefined || seen.sides.size < 2) return [];
  const { clusterIP, trafficDistribution, externalTrafficPolicy } = seen.service.spec ?? {};
  if (clusterIP === 'None') return [];
  const spreads = externalTrafficPolicy === 'Cluster';
  if (trafficDistribution === undefined) {
    const cure = spreads ? '' : ' (spec.trafficDistribution PreferSameZone keeps it on its own side)';
    return [
      `sides: pods are ready on both, and a client gets any of them: while the line is cut, what goes to the other side fails${cure}`,
    ];
  }
  const outside = spreads
    ? '; what arrives at a node from outside goes to pods in the zone of that node in the same way'
    : '';
  return [
    `sides: pods are ready on both, and a client gets those near it while there are any (trafficDistribution ${trafficDistribution})${outside}`,
  ];
}

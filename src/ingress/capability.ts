import type { Capability } from '#capability/capability.ts';
import { ingressObjects } from './objects.ts';
import { ingressStatus } from './status.ts';

/** The addon `ingress`: Contour with Envoy on cloud nodes, in front of pods on either side. */
export const ingress: Capability = {
  name: 'ingress',
  objects: ingressObjects,
  status: ingressStatus,
};

import type { SystemObject } from '#capability/capability.ts';
import { refusing } from '#capability/rights.ts';
import { mutatingBindings, mutatingPolicies } from '#kube/resources.ts';
import { placementsAreKnown, podsHaveTheirPlacement, podsHaveTheirPlacementBinding } from './placement-policy.ts';

export function placementObjects(): readonly SystemObject[] {
  return [
    ...refusing(placementsAreKnown),
    { resource: mutatingPolicies, object: podsHaveTheirPlacement },
    { resource: mutatingBindings, object: podsHaveTheirPlacementBinding },
  ];
}

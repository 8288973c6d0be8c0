import type { Capability } from '#capability/capability.ts';
import { placementObjects } from './placement/objects.ts';

/** On which side of the line pods run. */
export const burst: Capability = {
  name: 'burst',
  objects: () => placementObjects(),
};

/** On a pod or in its template, or on a Namespace for all pods that say nothing themselves: on which side of the line pods run. */
export const placementKey = 'isthmus.dev/placement';

/** What can be wished for, each with what a pod then gets. */
export const placements = ['base-first', 'cloud-only', 'site-only', 'spread', 'cloud-first'] as const;

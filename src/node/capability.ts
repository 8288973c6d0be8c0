import type { Capability } from '#capability/capability.ts';
import { nodeObjects } from './objects.ts';

/** Nodes: what they are called by, and how long they stay. */
export const node: Capability = {
  name: 'node',
  objects: nodeObjects,
};

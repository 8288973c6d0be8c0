import type { VolumeRecord } from './volume-record.ts';

/**
 * A local volume's handle says on which machine and in which of its folders it is: it is never looked for elsewhere, and nothing is concluded
 * from its absence while that folder is not there. `base-1/3f2a9c01d7/pvc-0f2c…`, or `base-1/disk/pvc-0f2c…` for a whole disk.
 */
export interface Handle {
  readonly node: string;
  /** The id of the folder. */
  readonly pool: string;
  readonly id: string;
}

export function handleOf({ node, id, place }: Pick<VolumeRecord, 'node' | 'id' | 'place'>): string {
  return formatHandle({ node, id, pool: place.in === 'disk' ? diskPool : place.pool });
}

export function formatHandle({ node, pool, id }: Handle): string {
  return `${node}/${pool}/${id}`;
}

export const diskPool = 'disk';

/** @shape undefined for what can't be a handle of this driver; its id is safe as the name of a folder */
export function parseHandle(text: string): Handle | undefined {
  const parts = /^([a-z0-9][a-z0-9.-]*)\/(disk|[0-9a-f]{10})\/([a-z0-9][a-z0-9-]{0,63})$/.exec(text);
  const [, node, pool, id] = parts ?? [];
  return node === undefined || pool === undefined || id === undefined ? undefined : { node, pool, id };
}

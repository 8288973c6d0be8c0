import { createHash } from 'node:crypto';

/**
 * The id of the volume that is asked for under a name: the name itself where it can be a folder's, its digest otherwise.
 * @example idOf('pvc-5e9…') // pvc-5e9…
 */
export function idOf(name: string): string {
  if (/^pvc-[0-9a-f-]{1,60}$/.test(name)) return name;
  return `v-${createHash('sha256').update(name).digest('hex').slice(0, 40)}`;
}

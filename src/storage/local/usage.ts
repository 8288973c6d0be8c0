import type { FileSystemType } from '#host/file-systems.ts';

/** What a volume is for its pods. It is made for one and stays so. */
export type Usage = { readonly as: 'file-system'; readonly type: FileSystemType } | { readonly as: 'block' };

export function isSameUsage(a: Usage, b: Usage): boolean {
  return a.as === b.as && (a.as === 'block' || (b.as === 'file-system' && a.type === b.type));
}

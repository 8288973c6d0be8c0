import type { Script } from '../engine/script.ts';
import type { UfsWorld } from './world.ts';

/** What a remembering world knows of file systems. */
export interface UfsMemory {
  /** Which file system each address leads to. */
  readonly mountable: ReadonlyMap<string, string>;
  /** Bytes that files take, by file system. */
  readonly fill: (share: string, bytes: number) => void;
}

/** File systems without files. */
export function rememberUfs({ tell }: Script): UfsWorld & UfsMemory {
  const bytes = new Map<string, number>();
  const mountable = new Map<string, string>();
  return {
    mountable,
    fill: (share, used) => void bytes.set(share, used),
    async makeShare(id) {
      await tell(`make ${id}`);
      bytes.set(id, bytes.get(id) ?? 0);
    },
    async removeShare(id) {
      await tell(`remove ${id}`);
      if ([...mountable.values()].includes(id)) throw new Error(`${id} is still mountable`);
      bytes.delete(id);
    },
    async openMountPoint(share, ip) {
      await tell(`open ${share} ${ip}`);
      if (!bytes.has(share)) throw new Error(`the world has no file system ${share}`);
      mountable.set(ip, share);
    },
    async closeMountPoint(share, ip) {
      await tell(`close ${share} ${ip}`);
      mountable.delete(ip);
    },
    shareUsage: async (id) => bytes.get(id) ?? 0,
  };
}

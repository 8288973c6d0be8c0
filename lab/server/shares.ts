import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Fabric } from '../fabric/fabric.ts';
import { command } from '../toolchain/command.ts';
import type { UfsWorld } from '../ucloud/ufs/world.ts';
import { pathsOf } from './settings.ts';

/** The file systems of a lab's cloud: each is a folder that every cloud machine has, and mounts where it reaches a mount point. */
export interface LabShares extends UfsWorld {
  all(): readonly string[];
  /** Which file system each address leads to. */
  open(): ReadonlyMap<string, string>;
}

/** Where NFS answers. */
const port = 2049;

/**
 * @shape fabric: gives the addresses of mount points to the VPC's router, where the lab's server answers
 * @source a kernel without an NFS client mounts nothing from afar, so lab/machine/mount-nfs4.sh asks the address and binds the folder
 */
export function openShares(lab: string, fabric: Pick<Fabric, 'answerAt' | 'answerNoMore'>): LabShares {
  const { shares } = pathsOf(lab);
  const doors = new Map<string, { readonly share: string; readonly server: Server }>();

  return {
    all: () => (existsSync(shares) ? readdirSync(shares) : []),
    open: () => new Map([...doors].map(([ip, { share }]) => [ip, share])),
    async makeShare(id) {
      await mkdir(join(shares, id), { recursive: true });
    },
    async removeShare(id) {
      await rm(join(shares, id), { recursive: true, force: true });
    },
    async openMountPoint(share, ip) {
      if (doors.has(ip)) return;
      await fabric.answerAt(ip);
      doors.set(ip, { share, server: await listen(share, ip) });
    },
    async closeMountPoint(_, ip) {
      const door = doors.get(ip);
      doors.delete(ip);
      if (door !== undefined) await new Promise<void>((resolve) => door.server.close(() => resolve()));
      await fabric.answerNoMore(ip);
    },
    async shareUsage(id) {
      const said = await command('du', ['--summarize', '--block-size=1', join(shares, id)]);
      return Number(said.split('\t')[0]);
    },
  };
}

/** Tells everybody who comes that far which file system it is. */
function listen(share: string, ip: string): Promise<Server> {
  const server = createServer((socket) => {
    // Whoever breaks off has no use for the answer.
    socket.on('error', () => socket.destroy());
    socket.end(`${share}\n`);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: ip, port }, () => resolve(server));
  });
}

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '#host/files.ts';
import { cniVersions } from './cni/request.ts';

/** The runtime takes the first file of its folder by name. */
export const conflistName = '00-isthmus.conflist';

/**
 * What containerd is told to run for a pod. The list form, `cniVersion` with `cniVersions`: a bare 1.1.0 fails ADD and DEL
 * with the older library that containerd 1.6 carries.
 */
export function formatConflist(): string {
  const conflist = {
    cniVersion: '1.0.0',
    cniVersions,
    name: 'isthmus',
    plugins: [
      { type: 'isthmus-cni' },
      { type: 'portmap', capabilities: { portMappings: true }, snat: true },
      { type: 'bandwidth', capabilities: { bandwidth: true } },
    ],
  };
  return `${JSON.stringify(conflist, undefined, 2)}\n`;
}

/**
 * Puts a file in place in one step, unless it is there as wanted. By rename inside its own folder: containerd notices a
 * rename there, but neither a creation nor a file that comes from elsewhere.
 * @shape whether it was written
 */
export async function installFile(folder: string, name: string, content: Uint8Array, mode: number): Promise<boolean> {
  const path = join(folder, name);
  if ((await readdir(folder)).includes(name) && (await readFile(path)).equals(content)) return false;
  await writeWhole(path, content, mode);
  return true;
}

import { readFile, writeFile } from 'node:fs/promises';

const file = '/proc/sys/fs/inotify/max_user_instances';

/**
 * What a few labs with clusters take together. To the kernel all machines of all labs are one user, and with the usual 128 the
 * second cluster's containerd starts without its CRI ("too many open files").
 * @source counted in a running lab: a machine 8, with kubelet 15, with the control plane 29; about 97 for five nodes
 */
const enough = 4096;

/** Lets the computer watch enough files for its machines; says so when that had to be changed. Lasts until the computer restarts. */
export async function raiseFileWatchers(): Promise<string | undefined> {
  const limit = Number(await readFile(file, 'utf8'));
  if (limit >= enough) return undefined;
  await writeFile(file, String(enough));
  return `fs.inotify.max_user_instances of this computer raised from ${limit} to ${enough}: every machine watches files`;
}

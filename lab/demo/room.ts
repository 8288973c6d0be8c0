import { isMap, isSeq, parseDocument } from 'yaml';

/** What one machine of the site gives to volumes of pods. */
export interface Room {
  /** Name of the machine. */
  readonly home: string;
  readonly folder: string;
  /** Of the folder's file system, as truncate(1) reads it; 2G where it is left out. */
  readonly size?: string;
}

/**
 * Makes the folder, with a file system of its own so that no volume fills the disk of the machine, and mounts it again at each start.
 * What is there already is left as it is.
 * @shape a script for a shell of the machine
 */
export function roomScript({ folder, size = '2G' }: Omit<Room, 'home'>): string {
  const image = '/var/lib/volumes.img';
  return [
    'set -e',
    `mkdir -p ${folder}`,
    `test -e ${image} || { truncate -s ${size} ${image}; mkfs.ext4 -q -F ${image}; }`,
    `grep -qs "^${image} " /etc/fstab || echo "${image} ${folder} ext4 loop,nofail 0 0" >> /etc/fstab`,
    `grep -q " ${folder} " /proc/mounts || mount ${folder}`,
  ].join('\n');
}

/**
 * cluster.yaml in which disks and file shares of the cloud, and the folder of that machine, are volumes. The rest is as it was.
 * @fails Error when the file has no such machine
 */
export function withRoom(text: string, { home, folder }: Room): string {
  const file = parseDocument(text);
  const machines = file.get('machines');
  const at = isSeq(machines) ? machines.items.findIndex((one) => isMap(one) && one.get('name') === home) : -1;
  if (at === -1) throw new Error(`cluster.yaml has no machine ${home}; add it below machines`);
  file.setIn(['machines', at, 'storage'], file.createNode({ directories: [folder] }));
  file.setIn(['storage', 'cloudDisks'], true);
  file.setIn(['storage', 'fileShares'], true);
  return file.toString();
}

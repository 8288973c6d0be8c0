import { type Bytes, formatBytes, mebi } from '#unit/bytes.ts';
import { few } from '#unit/few.ts';

/** One folder that a machine gives to volumes. */
export type FolderSeen =
  | { readonly path: string; readonly is: 'closed'; readonly fault: string }
  | {
      readonly path: string;
      readonly is: 'open';
      /** Of its file system. */
      readonly total: Bytes;
      readonly available: Bytes;
      /** What stays free for others. */
      readonly keepFree: Bytes;
      /** Every volume in it: what it was promised, and what its file has of that. */
      readonly volumes: readonly { readonly id: string; readonly size: Bytes; readonly has: Bytes }[];
    };

type OpenSeen = Extract<FolderSeen, { is: 'open' }>;

/** One disk that a machine gives to volumes. */
export type DiskSeen =
  | { readonly link: string; readonly is: 'closed'; readonly fault: string }
  | { readonly link: string; readonly is: 'free'; readonly size: Bytes }
  | { readonly link: string; readonly is: 'taken'; readonly volume: string }
  | { readonly link: string; readonly is: 'wiping' };

/** What a volume's folder, its record and the list of its file's parts take beside the volume. */
const beside = mebi(1);

/** @shape the largest volume that a folder can promise and keep, in whole MiB */
export function roomOf(folder: FolderSeen): Bytes {
  if (folder.is === 'closed') return 0 as Bytes;
  const room = folder.available - folder.keepFree - owedIn(folder) - beside;
  return (Math.max(0, Math.floor(room / mebi(1))) * mebi(1)) as Bytes;
}

/** What its volumes were promised and have not yet: a file with holes, made or grown half-way, will take the rest of its room as well. */
function owedIn({ volumes }: OpenSeen): number {
  return volumes.reduce((sum, { size, has }) => sum + Math.max(0, size - has), 0);
}

/**
 * That others take what is to stay free, or what volumes were promised. Volumes alone fill a folder just as far as it allows, and what is beside
 * them on the file system may come and go: so half of what is to stay free is no fault yet.
 * @shape `undefined` when it is not so
 */
export function explainFull(folder: OpenSeen): string | undefined {
  const { path, available, keepFree } = folder;
  const owed = owedIn(folder);
  if (available - owed >= keepFree / 2) return undefined;
  const promised = owed === 0 ? '' : ` and ${aboutBytes(owed)} are promised to volumes`;
  return `${path} is full: ${aboutBytes(available)} are free, and ${aboutBytes(keepFree)} are to stay free for others${promised}; remove what else fills its file system, or lower machines[].storage.keepFree`;
}

/** What a machine has for volumes of one kind, as the scheduler wants it. */
export interface Room {
  readonly all: Bytes;
  readonly largest: Bytes;
}

export function roomIn(sizes: readonly Bytes[]): Room {
  return {
    all: sizes.reduce((sum, size) => sum + size, 0) as Bytes,
    largest: sizes.reduce((most, size) => Math.max(most, size), 0) as Bytes,
  };
}

export type Choice<T> = { readonly is: 'chosen'; readonly one: T } | { readonly is: 'none'; readonly why: string };

/** The folder that a new volume goes to: the one with the most room, so that they fill evenly. */
export function chooseFolder(node: string, folders: readonly FolderSeen[], size: Bytes): Choice<OpenSeen> {
  if (folders.length === 0)
    return none(
      `${node} gives no folder to volumes: name one in cluster.yaml, machines[].storage.directories of ${node}`,
    );
  const fitting = folders
    .filter((folder) => folder.is === 'open')
    .filter((folder) => roomOf(folder) >= size)
    // By name at last: the same machine gives the same answer twice.
    .sort((a, b) => roomOf(b) - roomOf(a) || a.path.localeCompare(b.path));
  const [one] = fitting;
  if (one !== undefined) return { is: 'chosen', one };
  return none(`${node} has no room for ${formatBytes(size)}: ${few(folders.map(explainFolder))}`);
}

/** A sentence for people: `/srv/volumes has room for 12Gi (94Gi free, 20Gi of it kept, 62Gi of it promised)`. */
export function explainFolder(folder: FolderSeen): string {
  if (folder.is === 'closed') return `${folder.path} ${folder.fault}`;
  const owed = owedIn(folder);
  const promised = owed === 0 ? '' : `, ${aboutBytes(owed)} of it promised`;
  return `${folder.path} has room for ${aboutBytes(roomOf(folder))} (${aboutBytes(folder.available)} free, ${aboutBytes(folder.keepFree)} of it kept${promised})`;
}

/** The disk that becomes a volume: the smallest that is large enough. */
export function chooseDisk(
  node: string,
  disks: readonly DiskSeen[],
  size: { readonly least: Bytes; readonly most: Bytes | undefined },
): Choice<Extract<DiskSeen, { is: 'free' }>> {
  if (disks.length === 0)
    return none(`${node} gives no disk to volumes: name one in cluster.yaml, machines[].storage.disks of ${node}`);
  const [one] = disks
    .filter((disk) => disk.is === 'free')
    .filter((disk) => disk.size >= size.least && (size.most === undefined || disk.size <= size.most))
    .sort((a, b) => a.size - b.size || a.link.localeCompare(b.link));
  if (one !== undefined) return { is: 'chosen', one };
  const most = size.most === undefined ? '' : ` and at most ${aboutBytes(size.most)}`;
  return none(`${node} has no free disk of at least ${formatBytes(size.least)}${most}: ${few(disks.map(explainDisk))}`);
}

export function explainDisk(disk: DiskSeen): string {
  switch (disk.is) {
    case 'closed':
      return `${disk.link} ${disk.fault}`;
    case 'free':
      return `${disk.link} is free and has ${aboutBytes(disk.size)}`;
    case 'taken':
      return `${disk.link} is ${disk.volume}`;
    case 'wiping':
      return `${disk.link} is being overwritten`;
  }
}

const units = [
  ['Ti', 1024 ** 4],
  ['Gi', 1024 ** 3],
  ['Mi', 1024 ** 2],
  ['Ki', 1024],
] as const;

/** To one digit after the point at most, which people compare more easily than exact bytes. */
export function aboutBytes(amount: number): string {
  const [unit, size] = units.find(([, least]) => amount >= least) ?? ['', 1];
  return `${Number((amount / size).toFixed(1))}${unit}`;
}

function none(why: string): { readonly is: 'none'; readonly why: string } {
  return { is: 'none', why };
}

import type { PersistentVolumeClaimObject, PersistentVolumeObject } from '#kube/resources.ts';
import { type Bytes, formatBytes, parseBytes } from '#unit/bytes.ts';
import type { Instant, Ms } from '#unit/clock.ts';
import { localDriver } from './driver.ts';
import { type Handle, handleOf, parseHandle } from './handle.ts';
import type { VolumeRecord } from './volume-record.ts';

/** A volume that lies on its machine and that no PersistentVolume names. */
export interface LeftVolume {
  readonly handle: Handle;
  readonly size: Bytes;
  /** A file system's type, or that it has none. */
  readonly as: 'ext4' | 'xfs' | 'block';
  /** Whose it was, as far as its record says. */
  readonly claim: { readonly namespace: string; readonly name: string } | undefined;
}

export interface LeftSeen {
  /** All volumes of one machine. */
  readonly records: readonly VolumeRecord[];
  readonly volumes: readonly PersistentVolumeObject[];
  readonly claims: readonly PersistentVolumeClaimObject[];
  readonly at: Instant;
}

/**
 * Volumes that nobody can use any more, sorted by id.
 * @unit rest: what is younger may be on its way to its PersistentVolume
 */
export function planLeft(
  { records, volumes, claims, at }: LeftSeen,
  { rest }: { readonly rest: Ms },
): readonly LeftVolume[] {
  const named = new Set(
    volumes.flatMap(({ spec }) => (spec?.csi?.driver === localDriver ? [spec.csi.volumeHandle] : [])),
  );
  const wanted = new Set(claims.map(({ metadata }) => `pvc-${metadata.uid}`));
  return records
    .filter((record) => record.state === 'ready' && !named.has(handleOf(record)) && !wanted.has(record.name))
    .filter(({ made }) => !(at - Date.parse(made) < rest))
    .map(leftOf)
    .toSorted((a, b) => a.handle.id.localeCompare(b.handle.id));
}

function leftOf(record: VolumeRecord): LeftVolume {
  return {
    handle: parseHandle(handleOf(record)) as Handle,
    size: record.size,
    as: record.usage.as === 'block' ? 'block' : record.usage.type,
    claim: record.claim,
  };
}

const cure =
  'has no PersistentVolume, so nobody can use it and its room is taken: isthmus doctor storage --fix makes one that keeps it';

/**
 * For the condition of the machine's Node, from which `isthmus doctor storage` reads it.
 * @example formatLeft({ handle, size: gibi(2), as: 'ext4', claim }) // => 'volume base-1/3f2a9c01d7/pvc-0f2c (2Gi, ext4, of claim shop/data) has no …'
 */
export function formatLeft({ handle: { node, pool, id }, size, as, claim }: LeftVolume): string {
  const of = claim === undefined ? '' : `, of claim ${claim.namespace}/${claim.name}`;
  return `volume ${node}/${pool}/${id} (${formatBytes(size)}, ${as}${of}) ${cure}`;
}

const form = new RegExp(
  `volume (\\S+) \\((\\d+(?:Ki|Mi|Gi|Ti)), (ext4|xfs|block)(?:, of claim ([a-z0-9.-]+/[a-z0-9.-]+))?\\) ${cure}`,
  'g',
);
/** What the form holds. */
type Parts = readonly [whole: string, handle: string, size: string, as: LeftVolume['as'], claim: string | undefined];

/** Every such volume that a machine's condition tells of. What says that it is on another machine is not believed. */
export function parseLeft(node: string, message: string): readonly LeftVolume[] {
  return [...message.matchAll(form)].flatMap((match) => {
    const [, text, amount, as, claim] = match as unknown as Parts;
    const handle = parseHandle(text);
    const size = parseBytes(amount);
    if (handle?.node !== node || size === undefined) return [];
    return [{ handle, size, as, claim: claim === undefined ? undefined : claimIn(claim) }];
  });
}

function claimIn(text: string): LeftVolume['claim'] {
  const [namespace, name] = text.split('/') as [string, string];
  return { namespace, name };
}

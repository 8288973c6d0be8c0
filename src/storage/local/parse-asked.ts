import type { FileSystemType } from '#host/file-systems.ts';
import type { CapacityRange, CreateVolumeRequest, VolumeCapability } from '#rpc/gen/csi_pb.js';
import type { RpcCode } from '#rpc/rpc.ts';
import { type Bytes, formatBytes, gibi, mebi } from '#unit/bytes.ts';
import { nearest } from '#unit/nearest.ts';
import { fail, ok, type Result } from '#unit/result.ts';
import { parseUse } from '../parse-capability.ts';
import { isSameUsage, type Usage } from './usage.ts';
import { idOf } from './volume-id.ts';

/** A volume that this machine is to make. */
export interface VolumeWish {
  readonly name: string;
  readonly id: string;
  /** What it is made from: a part of a folder's file system, or a whole disk. */
  readonly from: Source;
  readonly usage: Usage;
  readonly least: Bytes;
  readonly most: Bytes | undefined;
  readonly claim: { readonly namespace: string; readonly name: string } | undefined;
}

export type Source = 'directories' | 'disks';

/** Why a call is refused, for the person who reads the event. */
export interface Refusal {
  readonly code: RpcCode;
  readonly message: string;
}

/** Sizes are whole steps. */
export const step = mebi(1);
const usual = gibi(1);

/** Below that the tools refuse to make one, with what is kept at the end of a volume. @source mkfs.xfs(8): 300 MB since xfsprogs 5.19 */
const least: Readonly<Record<FileSystemType | 'block', Bytes>> = { block: mebi(1), ext4: mebi(16), xfs: mebi(304) };

/** Reads what a claim and its class ask for. */
export function parseAsked(
  asked: Pick<
    CreateVolumeRequest,
    'name' | 'capacityRange' | 'volumeCapabilities' | 'parameters' | 'mutableParameters' | 'volumeContentSource'
  >,
): Result<VolumeWish, Refusal> {
  if (asked.name === '') return refuse('INVALID_ARGUMENT', 'the volume has no name');
  if (asked.volumeContentSource !== undefined)
    return refuse(
      'INVALID_ARGUMENT',
      'a local volume can not begin as a copy: make an empty one and copy with a pod that mounts both',
    );
  const read = parseParameters(asked.parameters);
  if (!read.ok) return read;
  const [mutable] = Object.keys(asked.mutableParameters);
  if (mutable !== undefined)
    return refuse(
      'INVALID_ARGUMENT',
      `local volumes have nothing that a VolumeAttributesClass could change: "${mutable}"`,
    );
  const usage = parseUsage(asked.volumeCapabilities);
  if (!usage.ok) return usage;
  const size = parseSize(asked.capacityRange, usage.value);
  if (!size.ok) return size;
  return ok({ name: asked.name, id: idOf(asked.name), usage: usage.value, ...size.value, ...read.value });
}

const sources: readonly Source[] = ['directories', 'disks'];

/** Every parameter of a StorageClass of local volumes; `docs/reference/storage-classes.md` is made from these. */
export const localClassParameters = {
  from: {
    values: sources.join(', '),
    fallback: 'directories',
    meaning:
      'What volumes are made from: a part of a folder’s file system, or a whole disk each, of those that cluster.yaml gives of the machine.',
  },
} as const;

const names = Object.keys(localClassParameters);
const ofProvisioner = 'csi.storage.k8s.io/';

/** What a StorageClass may say. */
export function parseParameters(
  parameters: Readonly<Record<string, string>>,
): Result<Pick<VolumeWish, 'from' | 'claim'>, Refusal> {
  const unknown = Object.keys(parameters).find((key) => !names.includes(key) && !key.startsWith(ofProvisioner));
  if (unknown !== undefined) {
    const meant = nearest(unknown, names);
    const cure = meant === undefined ? 'the only one is "from"' : `did you mean "${meant}"?`;
    return refuse(
      'INVALID_ARGUMENT',
      `the StorageClass has the parameter "${unknown}", which local volumes do not know; ${cure}`,
    );
  }
  const from = parameters['from'] ?? 'directories';
  if (!isSource(from))
    return refuse('INVALID_ARGUMENT', `the StorageClass has from: "${from}"; write "directories" or "disks"`);
  const [namespace, name] = [parameters[`${ofProvisioner}pvc/namespace`], parameters[`${ofProvisioner}pvc/name`]];
  return ok({ from, claim: namespace === undefined || name === undefined ? undefined : { namespace, name } });
}

function isSource(text: string): text is Source {
  return (sources as readonly string[]).includes(text);
}

/** What all of the capabilities that are asked for have in common. */
export function parseUsage(capabilities: readonly VolumeCapability[]): Result<Usage, Refusal> {
  const usages: Usage[] = [];
  for (const capability of capabilities) {
    const parsed = parseUse(capability);
    if (!parsed.ok) return refuse('INVALID_ARGUMENT', parsed.fault);
    const { use } = parsed;
    usages.push(use.as === 'block' ? { as: 'block' } : { as: 'file-system', type: use.type });
  }
  const [first] = usages;
  if (first === undefined) return refuse('INVALID_ARGUMENT', 'the volume capabilities are missing');
  if (usages.some((usage) => !isSameUsage(usage, first)))
    return refuse('INVALID_ARGUMENT', 'the volume is asked for in several forms at once: choose one');
  return ok(first);
}

function parseSize(
  range: CapacityRange | undefined,
  usage: Usage,
): Result<Pick<VolumeWish, 'least' | 'most'>, Refusal> {
  const required = Number(range?.requiredBytes ?? 0n);
  const limit = Number(range?.limitBytes ?? 0n);
  if (required < 0 || limit < 0) return refuse('INVALID_ARGUMENT', 'a size is negative');
  const smallest = least[usage.as === 'block' ? 'block' : usage.type];
  const asked = required === 0 ? Math.min(usual, limit === 0 ? usual : limit) : required;
  const size = Math.max(smallest, roundUp(asked));
  if (limit === 0 || size <= limit)
    return ok({ least: size as Bytes, most: limit === 0 ? undefined : (limit as Bytes) });
  if (limit < smallest)
    return refuse(
      'OUT_OF_RANGE',
      `at most ${limit} bytes are asked for, and the smallest volume has ${formatBytes(smallest)}`,
    );
  return refuse(
    'OUT_OF_RANGE',
    `from ${required} to ${limit} bytes are asked for; sizes are whole MiB, the next one is ${formatBytes(size as Bytes)}`,
  );
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / step) * step;
}

/** The size that a volume is to grow to. @shape undefined: any will do */
export function parseGrowth(range: CapacityRange | undefined): Result<Bytes | undefined, Refusal> {
  const required = Number(range?.requiredBytes ?? 0n);
  const limit = Number(range?.limitBytes ?? 0n);
  const size = roundUp(required);
  if (limit !== 0 && size > limit)
    return refuse('OUT_OF_RANGE', `from ${required} to ${limit} bytes are asked for; sizes are whole MiB`);
  return ok(size === 0 ? undefined : (size as Bytes));
}

function refuse<T>(code: RpcCode, message: string): Result<T, Refusal> {
  return fail({ code, message });
}

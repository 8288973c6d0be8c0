import { canonical, type Inside } from '#host/inside.ts';
import type { NodeStageVolumeRequest } from '#rpc/gen/csi_pb.js';
import { RpcError } from '#rpc/rpc.ts';
import { parseUse, type Use } from '../parse-capability.ts';

/** What every call of a node has to say. @fails each: RpcError INVALID_ARGUMENT that names the field */
export function needId({ volumeId }: { readonly volumeId: string }): string {
  if (volumeId === '') throw missing('volume_id');
  return volumeId;
}

export async function pathOf(inside: Inside, path: string, field: string): Promise<string> {
  if (path === '') throw missing(field);
  if (!path.startsWith('/') || path.split('/').includes('..'))
    throw new RpcError('INVALID_ARGUMENT', `${field} ${path} is not an absolute path`);
  return canonical(inside, path);
}

export function missing(field: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `${field} is missing`);
}

export function useOf(asked: Pick<NodeStageVolumeRequest, 'volumeId' | 'volumeCapability'>): Use {
  const parsed = parseUse(asked.volumeCapability);
  if (!parsed.ok) throw new RpcError('INVALID_ARGUMENT', `volume ${asked.volumeId}: ${parsed.fault}`);
  return parsed.use;
}

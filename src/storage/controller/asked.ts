import type { CloudResult } from '#cloud/failure.ts';
import type { Within } from '#cloud/owned.ts';
import type { CapacityRange, VolumeCapability } from '#rpc/gen/csi_pb.js';
import { type Call, RpcError } from '#rpc/rpc.ts';
import { ms, uptime } from '#unit/clock.ts';
import { parseUse, type Use } from '../parse-capability.ts';
import type { SizeAsked } from './choose-size.ts';
import { type Doing, refusal } from './refusal.ts';

/** What is left of the caller's time. */
export type End = () => Within;

/** The value of an answer, or the refusal that it is. */
export function valueOf<T>(what: string, result: CloudResult<T>, doing: Doing): T {
  if (!result.ok) throw refusal(what, result.failure, doing);
  return result.value;
}

/** So long before the caller's deadline the answer is given, or nobody hears why. */
const margin = ms(500);
/** The least that a call to the cloud is given. */
const least = ms(200);

/** What is left of the caller's time, for each call to the cloud. */
export function endOf({ within }: Call): End {
  const end = uptime() + within - margin;
  return () => ({ within: ms(Math.max(least, end - uptime())) });
}

/** A field that every call has. */
export function need(value: string, field: string): string {
  if (value === '') throw new RpcError('INVALID_ARGUMENT', `${field} is missing`);
  return value;
}

export function useOf(doing: string, capability: VolumeCapability | undefined): Use {
  const parsed = parseUse(capability);
  if (!parsed.ok) throw new RpcError('INVALID_ARGUMENT', `${doing}: ${parsed.fault}`);
  return parsed.use;
}

export function sizeAsked(range: CapacityRange | undefined): SizeAsked {
  return { required: Number(range?.requiredBytes ?? 0n), limit: Number(range?.limitBytes ?? 0n) };
}

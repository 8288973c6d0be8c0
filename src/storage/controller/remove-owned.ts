import type { CloudResult } from '#cloud/failure.ts';
import type { Within } from '#cloud/owned.ts';
import { type Call, RpcError } from '#rpc/rpc.ts';
import { endOf } from './asked.ts';
import { refusal } from './refusal.ts';

/** A disk or a snapshot of ours goes; what is not ours stays, and what is gone is done. */
export async function removeOwned(
  doing: string,
  from: {
    readonly find: (id: string, within: Within) => Promise<CloudResult<{ readonly mark: string | undefined }>>;
    readonly remove: (id: string, mark: string, within: Within) => Promise<CloudResult<void>>;
  },
  id: string,
  mark: string,
  call: Call,
): Promise<void> {
  const end = endOf(call);
  const removed = await from.remove(id, mark, end());
  if (removed.ok || removed.failure.kind === 'gone') return;
  if (removed.failure.kind === 'denied') {
    const found = await from.find(id, end());
    if (found.ok && found.value.mark !== mark)
      throw new RpcError(
        'FAILED_PRECONDITION',
        `${doing}: it was not made by this cluster, so it is not removed: remove it in the provider's console, or set reclaim policy Retain`,
      );
  }
  throw refusal(doing, removed.failure, 'changing');
}

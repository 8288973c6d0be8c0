import { RpcError } from '#rpc/rpc.ts';

/**
 * One call at a time for each volume, whatever it asks; another one meanwhile is answered ABORTED, which every caller repeats. A call
 * whose caller has hung up goes on, and keeps its place until it has ended.
 */
export interface InFlight {
  readonly alone: <T>(key: string, doing: string, work: () => Promise<T>) => Promise<T>;
}

export function inFlight(): InFlight {
  const going = new Map<string, string>();
  return {
    async alone(key, doing, work) {
      const other = going.get(key);
      if (other !== undefined)
        throw new RpcError('ABORTED', `${doing} ${key}: ${other} it is still going on; call again`);
      going.set(key, doing);
      try {
        return await work();
      } finally {
        going.delete(key);
      }
    },
  };
}

/**
 * Trouble on request, for a number of calls of one action. `refuse`: nothing is done and `code` is answered, 153 for too
 * many calls, say. `lose-answer`: the work is done and `code` is answered, 110 for "no answer within 60 s". `hang-up`: the
 * work is done and the connection ends without an answer.
 */
export type Fault = { readonly action: string; readonly times: number } & (
  | { readonly how: 'refuse' | 'lose-answer'; readonly code: number }
  | { readonly how: 'hang-up' }
);

export interface Faults {
  readonly add: (fault: Fault) => void;
  /** The fault that this call meets, used up once. */
  readonly take: (action: string) => Fault | undefined;
}

export function createFaults(): Faults {
  const waiting: { readonly fault: Fault; left: number }[] = [];
  return {
    add: (fault) => void waiting.push({ fault, left: fault.times }),
    take(action) {
      const found = waiting.find((one) => one.left > 0 && one.fault.action === action);
      if (found !== undefined) found.left--;
      return found?.fault;
    },
  };
}

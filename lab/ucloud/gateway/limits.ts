/** What an operator of the cloud has limited, by its kind. Absent: not limited. Nothing is limited unless somebody says so. */
export type Limits = Readonly<Record<string, number>>;

/** One kind of thing that may be limited. */
export interface LimitKind<State> {
  /** What a call meets that goes beyond. */
  readonly says: string;
  /** How much of it the account has now. */
  readonly used: (state: State) => number;
}

/** Calls are counted by the second, and so not used up: pace.ts. */
export const callLimit = 'calls of one action within a second; 153 beyond, nothing is done';

/** How much more there may be. */
export function leftOf(limit: number | undefined, used: number): number {
  return limit === undefined ? Number.POSITIVE_INFINITY : Math.max(0, limit - used);
}

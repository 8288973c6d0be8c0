/** Which calls of an action come too soon after others. Kept in memory: a restart forgets a second at the most. */
export interface Pace {
  /**
   * Whether this call is one of the `most` that are let through within a second; one that is not does not count.
   * @unit at: Unix milliseconds
   */
  admits(action: string, most: number | undefined, at: number): boolean;
}

export function createPace(): Pace {
  const lately = new Map<string, readonly number[]>();
  return {
    admits(action, most, at) {
      const recent = (lately.get(action) ?? []).filter((before) => at - before < 1000);
      const admitted = most === undefined || recent.length < most;
      lately.set(action, admitted && most !== undefined ? [...recent, at] : recent);
      return admitted;
    },
  };
}

/**
 * What a test asked a remembering world to fail at and to wait for, and what that was told. Each product's part of such a world
 * speaks through one.
 */
export interface Script {
  /** Everything it was told, in order: `boot uhost-…`, `give uhost-… 10.9.0.3`. */
  readonly told: readonly string[];
  /** From now on every call that begins with `what` fails with this message; `undefined` ends it. */
  readonly failAt: (what: string, message: string | undefined) => void;
  /** From now on calls that begin with `what` do not end before the function it gives is called; a stop ends with the power. */
  readonly hold: (what: string) => () => void;
  /** Ends every hold. */
  readonly release: () => void;
  /** Remembers what the world is told. @fails Error where a failure was asked for */
  readonly tell: (what: string) => Promise<void>;
  readonly checkFailure: (what: string) => void;
  readonly letGo: (what: string) => void;
}

export function createScript(): Script {
  const told: string[] = [];
  const failures = new Map<string, string>();
  const holds = new Map<string, PromiseWithResolvers<void>>();

  function checkFailure(what: string): void {
    for (const [start, message] of failures) if (what.startsWith(start)) throw new Error(message);
  }

  function letGo(what: string): void {
    holds.get(what)?.resolve();
    holds.delete(what);
  }

  return {
    told,
    checkFailure,
    letGo,
    async tell(what) {
      checkFailure(what);
      told.push(what);
      for (const [start, held] of holds) if (what.startsWith(start)) await held.promise;
    },
    failAt(what, message) {
      if (message === undefined) failures.delete(what);
      else failures.set(what, message);
    },
    release() {
      for (const what of holds.keys()) letGo(what);
    },
    hold(what) {
      holds.set(what, Promise.withResolvers<void>());
      return () => letGo(what);
    },
  };
}

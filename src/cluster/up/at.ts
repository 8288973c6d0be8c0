import type { Connections, Session } from '../session.ts';

/** A run for one machine alone, which cluster.yaml now has or has no more. */
export type OneMachine = { readonly machine: string } & (
  | { readonly doing: 'remove' }
  /** paste: takes the line for a machine that nobody logs in to; otherwise it is reached over SSH. */
  | { readonly doing: 'add'; readonly paste: ((line: string) => void) | undefined }
);

/** Where a step of `up` is taken: for whom, over which connections, and where it tells what it does. */
export interface At {
  readonly session: Session;
  readonly connections: Connections;
  readonly say: (line: string) => void;
  /** Tells what is left for a person to do although the step is done. */
  readonly leave: (line: string) => void;
  /** `undefined`: a run for all machines. */
  readonly only: OneMachine | undefined;
}

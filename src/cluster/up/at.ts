import type { Connections, Session } from '../session.ts';

/** Where a step of `up` is taken: for whom, over which connections, and where it tells what it does. */
export interface At {
  readonly session: Session;
  readonly connections: Connections;
  readonly say: (line: string) => void;
  /** Tells what is left for a person to do although the step is done. */
  readonly leave: (line: string) => void;
}

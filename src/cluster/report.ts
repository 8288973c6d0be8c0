/** Where a long task tells what it is doing. */
export interface Report {
  readonly say: (line: string) => void;
  /** Runs one titled piece of work and tells its reason, its lines and the time it took, or that it failed. */
  step<T>(title: string, why: string, work: (line: (text: string) => void) => Promise<T>): Promise<T>;
  /** Runs what only looks, `what` in the words of "looking at the cloud"; nothing is told of it unless it takes long. */
  look<T>(what: string, work: () => Promise<T>): Promise<T>;
}

/** How far a join is, as its machine reports it in the data of a ConfigMap. */
export interface JoinReport {
  /** What it is doing: a step of the join, or a detail of one. */
  readonly step: string;
  /** Bytes of the bundle that it has, and that it needs. */
  readonly have: number;
  readonly of: number;
  /** Why its last try failed; it tries again by itself. */
  readonly fault: string | undefined;
}

/** The ConfigMap that the machine may write, and all that belongs to its join, in isthmus-system. */
export function joinRecordName(machine: string): string {
  return `isthmus-join-${machine}`;
}

/** @shape `undefined`: of another name */
export function machineOfRecord(name: string): string | undefined {
  return /^isthmus-join-(.+)$/.exec(name)?.[1];
}

/** Where the joining machine finds the certificate of the cluster's authority. */
export const apiAuthorityPath = '/etc/isthmus/api-ca.crt';

/** A merge patch for the report; an absent fault is removed. */
export function formatJoinReport({ step, have, of, fault }: JoinReport): object {
  return { data: { step, have: String(have), of: String(of), fault: fault ?? null } };
}

/** @shape `undefined` when the machine has not reported yet */
export function parseJoinReport(data: Readonly<Record<string, string>> | undefined): JoinReport | undefined {
  const { step, have, of, fault } = data ?? {};
  if (step === undefined) return undefined;
  return { step, have: Number(have ?? 0) || 0, of: Number(of ?? 0) || 0, fault };
}

/** `412 of 586 MB` */
export function formatAmount({ have, of }: Pick<JoinReport, 'have' | 'of'>): string {
  const mega = (bytes: number): number => Math.floor(bytes / 1_000_000);
  return `${mega(have)} of ${mega(of)} MB`;
}

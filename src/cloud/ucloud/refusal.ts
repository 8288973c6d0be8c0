import type { CloudFailure } from '../failure.ts';

/** What is not asked of the cloud, because it would be refused or would do what was not wished. */
export interface Refusal {
  readonly do: 'refuse';
  readonly kind: Extract<CloudFailure['kind'], 'invalid' | 'state' | 'inUse' | 'quota' | 'billing'>;
  readonly why: string;
}

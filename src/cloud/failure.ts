import type { Result } from '#unit/result.ts';

/** The cloud's own words about a failure, kept so that a support ticket can name the request. */
export interface Raw {
  readonly action: string;
  readonly code: string;
  readonly message: string;
  readonly requestId?: string;
}

/**
 * Everything that can go wrong at a cloud. Closed: a new kind does not compile until `retryAdvice` has an answer for it.
 *
 * - throttled: refused for now because of too many calls; nothing was done
 * - unavailable: the cloud did not take the request; nothing was done
 * - unknown: it may or may not have been done; look before asking again
 * - gone: the object does not exist (any more); on a removal this means done
 * - exhausted: the cloud has none left here (stock, addresses of a subnet)
 * - quota: the account may not have more
 * - state: the object is not in the state that the call needs
 * - inUse: something else still depends on the object
 * - outOfReach: the two are in parts of the cloud that do not reach each other; another machine may do
 * - denied: the credentials are missing, wrong or not allowed to do this
 * - billing: a person must pay or switch something on
 * - invalid: the request is wrong; the same again can't succeed
 */
export type CloudFailure =
  | { readonly kind: 'throttled' | 'unavailable' | 'unknown' | 'gone'; readonly raw: Raw }
  | { readonly kind: 'exhausted'; readonly what: 'machines' | 'addresses' | 'disks'; readonly raw: Raw }
  | { readonly kind: 'quota' | 'state' | 'inUse' | 'outOfReach' | 'denied' | 'billing' | 'invalid'; readonly raw: Raw };

/** What a call to a cloud gives back. */
export type CloudResult<T> = Result<T, CloudFailure>;

/** `AllocateSecondaryIp: exhausted (addresses): subnet is full [57000, request 7c0f…]` */
export function explainFailure(failure: CloudFailure): string {
  const what = failure.kind === 'exhausted' ? ` (${failure.what})` : '';
  const { action, code, message, requestId } = failure.raw;
  const kind = spelled[failure.kind] ?? failure.kind;
  return `${action}: ${kind}${what}: ${message} [${code}${requestId === undefined ? '' : `, request ${requestId}`}]`;
}

const spelled: Readonly<Partial<Record<CloudFailure['kind'], string>>> = {
  inUse: 'in use',
  outOfReach: 'out of reach',
};

/** As `explainFailure`, and what a person can do about it. */
export function explainWithCure(failure: CloudFailure): string {
  const cure = cureOf(failure);
  return `${explainFailure(failure)}${cure === undefined ? '' : `; ${cure}`}`;
}

/** A cloud failure that ends the current turn, thrown where no caller would branch on its kind. */
export class CloudError extends Error {
  readonly failure: CloudFailure;

  constructor(doing: string, failure: CloudFailure) {
    super(`${doing}: ${explainWithCure(failure)}`);
    this.name = 'CloudError';
    this.failure = failure;
  }
}

/** What a person can do about it; `undefined` where the cloud's own words have to tell. */
function cureOf(failure: CloudFailure): string | undefined {
  switch (failure.kind) {
    case 'exhausted':
      return `the cloud has none left here: ask for fewer ${failure.what}, or another zone, shape or subnet, or try again later`;
    case 'quota':
      return 'the account may not have more: remove what is not needed, or ask the provider to raise the quota';
    case 'billing':
      return "settle it in the provider's console, then run the same command again";
    case 'denied':
      return 'look whether the keys of the account are right and may do this';
    case 'throttled':
    case 'unavailable':
    case 'unknown':
    case 'state':
    case 'inUse':
      return 'run the same command again: it looks first and goes on from there';
    case 'outOfReach':
      return 'use a machine that reaches it: one in its zone and, where disks have clusters, in its cluster';
    case 'gone':
    case 'invalid':
      return undefined;
  }
}

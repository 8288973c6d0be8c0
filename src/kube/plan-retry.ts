import { type Ms, ms } from '#unit/clock.ts';

/** What one try of a request came to, as far as trying again depends on it. */
export type Refusal =
  | { readonly by: 'server'; readonly status: number; readonly retryAfter: Ms | undefined }
  | { readonly by: 'connection'; readonly code: string };

/**
 * How long to wait before the same request may be tried again; `undefined` when it must not be.
 * A 429 with Retry-After was turned away before anything was done, so every method may come back. After a broken or
 * silent connection nobody knows whether a write took place: only a GET is repeated.
 * @source https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
 */
export function planRetry(method: string, tries: number, refusal: Refusal): Ms | undefined {
  if (refusal.by === 'server') return refusal.status === 429 ? refusal.retryAfter : undefined;
  if (method !== 'GET' || !broken.test(refusal.code)) return undefined;
  return ms(Math.min(100 * 2 ** (tries - 1), 2000));
}

/** As Node and undici name a connection that was refused, fell or fell silent; a bad certificate is none of them. */
const broken = /^(ECONNREFUSED|ECONNRESET|EPIPE|UND_ERR_(SOCKET|INFO|(HEADERS|BODY|CONNECT)_TIMEOUT)|ERR_HTTP2_.+)$/;

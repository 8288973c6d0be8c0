import { expect, test } from 'vitest';
import { ms, seconds } from '#unit/clock.ts';
import { planRetry, type Refusal } from './plan-retry.ts';

const tooMany: Refusal = { by: 'server', status: 429, retryAfter: seconds(2) };
const refused: Refusal = { by: 'connection', code: 'ECONNREFUSED' };

test.each<[string, string, number, Refusal, number | undefined]>([
  ['a get turned away for load comes back when asked to', 'GET', 1, tooMany, 2000],
  ['so does a write: it was turned away before anything was done', 'POST', 1, tooMany, 2000],
  [
    'without a time to come back there is no return',
    'GET',
    1,
    { by: 'server', status: 429, retryAfter: undefined },
    undefined,
  ],
  ['a get that was refused a connection comes back soon', 'GET', 1, refused, 100],
  ['and then ever later', 'GET', 4, refused, 800],
  ['up to two seconds', 'GET', 40, refused, 2000],
  [
    'a write over a broken connection may have been done',
    'PATCH',
    1,
    { by: 'connection', code: 'ECONNRESET' },
    undefined,
  ],
  ['a bad certificate stays bad', 'GET', 1, { by: 'connection', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, undefined],
  [
    'a get over a silent connection is tried over another',
    'GET',
    1,
    { by: 'connection', code: 'UND_ERR_HEADERS_TIMEOUT' },
    100,
  ],
  [
    'a write that the server could not serve may have been done, whenever it asks to come back',
    'POST',
    1,
    { by: 'server', status: 503, retryAfter: seconds(1) },
    undefined,
  ],
  [
    'and to a get it is an answer, too: only 429 says that nothing was done',
    'GET',
    1,
    { by: 'server', status: 503, retryAfter: seconds(1) },
    undefined,
  ],
  ['any other refusal is an answer', 'GET', 1, { by: 'server', status: 403, retryAfter: seconds(1) }, undefined],
])('%s', (_, method, tries, refusal, wait) => {
  expect(planRetry(method, tries, refusal)).toEqual(wait === undefined ? undefined : ms(wait));
});

test.each([
  ['ECONNREFUSED', 100],
  ['ECONNRESET', 100],
  ['EPIPE', 100],
  ['UND_ERR_SOCKET', 100],
  ['UND_ERR_INFO', 100],
  ['UND_ERR_HEADERS_TIMEOUT', 100],
  ['UND_ERR_BODY_TIMEOUT', 100],
  ['UND_ERR_CONNECT_TIMEOUT', 100],
  ['ERR_HTTP2_GOAWAY_SESSION', 100],
  ['CERT_HAS_EXPIRED', undefined],
  ['ERR_TLS_CERT_ALTNAME_INVALID', undefined],
  ['UND_ERR_ABORTED', undefined],
  ['NOT_ECONNRESET', undefined],
  ['EPIPE_NOT', undefined],
])('a get that ends with %s comes back after %s ms', (code, wait) => {
  expect(planRetry('GET', 1, { by: 'connection', code })).toBe(wait);
});

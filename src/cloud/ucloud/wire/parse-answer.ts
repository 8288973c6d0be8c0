import * as z from 'zod';
import { type Ms, ms } from '#unit/clock.ts';
import type { CloudFailure, Raw } from '../../failure.ts';
import { parseFailure, repeatAfter } from '../translate.ts';
import type { Exchange } from './exchange.ts';
import { optionalText, text } from './shapes.ts';

/**
 * What a call does to the cloud, and so what a lost answer means.
 *
 * - read: nothing; may be sent again at any time
 * - repeatable: sent twice it leaves the cloud as sent once
 * - once: sent twice it may be done twice
 */
export type Effect = 'read' | 'repeatable' | 'once';

/** `again` tells that the same call may be sent once more, and after which pause at least. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T; readonly requestId: string | undefined }
  | { readonly ok: false; readonly failure: CloudFailure; readonly again: Ms | undefined };

/** Reads one exchange; `redact` is applied to every word of the cloud that is kept. */
export function parseAnswer<T>(
  call: { readonly action: string; readonly effect: Effect; readonly shape: z.ZodType<T> },
  seen: Exchange,
  redact: (text: string) => string,
): Answer<T> {
  if (!seen.answered) {
    const raw = { action: call.action, code: 'network', message: redact(seen.why) };
    return seen.written ? lost(call.effect, raw) : refused({ kind: 'unavailable', raw }, soon);
  }
  const rawOf = (code: string, message: string, requestId = seen.requestId): Raw => ({
    action: call.action,
    code: redact(code),
    message: redact(message).slice(0, longestMessage),
    ...(requestId === undefined ? {} : { requestId: redact(requestId) }),
  });

  const body = parseJson(seen.body);
  const envelope = envelopeShape.safeParse(body);
  if (!envelope.success) {
    if (seen.status !== 200) return refusedByGateway(call.effect, seen.status, rawOf(`http-${seen.status}`, seen.body));
    return refused({ kind: 'unknown', raw: rawOf('shape', `no answer of this API: ${seen.body}`) }, undefined);
  }
  const { RetCode: code, Message: message = 'without a message', Request_uuid } = envelope.data;
  const requestId = seen.requestId ?? Request_uuid;
  if (code !== '0') return refusedByCode(call.effect, rawOf(code, message, requestId));

  const value = call.shape.safeParse(body);
  if (!value.success)
    return refused({ kind: 'unknown', raw: rawOf('shape', explainIssues(value.error), requestId) }, undefined);
  return { ok: true, value: value.data, requestId };
}

const soon = ms(0);
const longestMessage = 300;
const envelopeShape = z.object({ RetCode: text, Message: optionalText, Request_uuid: optionalText });

function refused(failure: CloudFailure, again: Ms | undefined): Answer<never> {
  return { ok: false, failure, again };
}

/** The request may have arrived, its answer did not. */
function lost(effect: Effect, raw: Raw): Answer<never> {
  switch (effect) {
    case 'read':
      // Nothing can have been done by a read, so nobody needs to look first.
      return refused({ kind: 'unavailable', raw }, soon);
    case 'repeatable':
      return refused({ kind: 'unknown', raw }, soon);
    case 'once':
      return refused({ kind: 'unknown', raw }, undefined);
  }
}

function refusedByCode(effect: Effect, raw: Raw): Answer<never> {
  return raw.code === '110' ? lost(effect, raw) : refused(parseFailure(raw), repeatAfter(raw));
}

/** An HTTP status other than 200 comes from the gateway or a proxy, never from a product. */
function refusedByGateway(effect: Effect, status: number, raw: Raw): Answer<never> {
  if (status === 429) return refused({ kind: 'throttled', raw }, soon);
  if (status === 503) return refused({ kind: 'unavailable', raw }, soon);
  // 502 and 504 may come after the request was passed on: for a create that is a lost answer.
  if (status >= 500) return lost(status === 502 || status === 504 || effect === 'read' ? effect : 'once', raw);
  if (status === 401 || status === 403) return refused({ kind: 'denied', raw }, undefined);
  return refused({ kind: 'invalid', raw }, undefined);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function explainIssues(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
}

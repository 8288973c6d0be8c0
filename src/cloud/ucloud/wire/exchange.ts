import type { Agent } from 'undici';
import type { Ms } from '#unit/clock.ts';

/** What became of one HTTP request: an answer, or none, and then whether any of it may have reached the cloud. */
export type Exchange =
  | { readonly answered: true; readonly status: number; readonly requestId: string | undefined; readonly body: string }
  | { readonly answered: false; readonly written: boolean; readonly why: string };

/** Sends one form by POST and reads the whole answer. Never throws for what the network does. */
export function exchange(agent: Agent, endpoint: URL, form: string, within: Ms): Promise<Exchange> {
  return new Promise((resolve) => {
    let written = false;
    let late = false;
    let abort: (() => void) | undefined;
    let status = 0;
    let requestId: string | undefined;
    const chunks: Buffer[] = [];

    const end = (outcome: Exchange): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    const lost = (why: string): void => end({ answered: false, written, why });
    const timer = setTimeout(() => {
      late = true;
      lost(`no answer within ${Math.round(within)} ms`);
      abort?.();
    }, within);

    agent.dispatch(
      {
        origin: endpoint.origin,
        path: endpoint.pathname,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: form,
      },
      {
        // Called when a connection exists and the first byte is about to be written: a failure before this one is harmless.
        onRequestStart(controller) {
          if (late) {
            controller.abort(new Error('too late to be sent'));
            return;
          }
          written = true;
          abort = () => controller.abort(new Error('too late to be answered'));
        },
        onResponseStart(_controller, code, headers) {
          status = code;
          const id = headers['x-ucloud-request-uuid'];
          requestId = Array.isArray(id) ? id[0] : id;
        },
        onResponseData(_controller, chunk) {
          chunks.push(chunk);
        },
        onResponseEnd() {
          end({ answered: true, status, requestId, body: Buffer.concat(chunks).toString('utf8') });
        },
        onResponseError(_controller, error) {
          lost(explainCause(error));
        },
      },
    );
  });
}

function explainCause(error: Error): string {
  // Node reports several refused addresses of one name as an AggregateError with an empty message.
  if (error instanceof AggregateError) return error.errors.map(String).join('; ');
  return error.message;
}

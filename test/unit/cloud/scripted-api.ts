import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What the server does with one request after it has read it whole. */
export type Reply =
  | { readonly json: unknown; readonly requestId?: string }
  | { readonly status: number; readonly body: string }
  | 'cut'
  | 'cut-in-the-answer'
  | 'hang';

export type Parameters = Readonly<Record<string, string>>;

/** An HTTP server that answers by script: for what a simulated cloud will not do on demand. It keeps no state of a cloud. */
export interface ScriptedApi {
  readonly endpoint: string;
  /** Every request so far, in the order of arrival. */
  readonly calls: readonly Parameters[];
  close(): Promise<void>;
}

/** Asks `reply` for each request; `turn` counts the requests of that action from 1. */
export async function scriptedApi(reply: (call: Parameters, turn: number) => Reply): Promise<ScriptedApi> {
  const calls: Parameters[] = [];
  const server = createServer((request, response) => {
    void text(request).then((form) => {
      const call = Object.fromEntries(new URLSearchParams(form));
      calls.push(call);
      perform(reply(call, calls.filter((c) => c['Action'] === call['Action']).length), response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function perform(reply: Reply, response: ServerResponse): void {
  if (reply === 'hang') return;
  if (reply === 'cut') {
    response.destroy();
    return;
  }
  if (reply === 'cut-in-the-answer') {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"RetCode": 0,', () => response.destroy());
    return;
  }
  if ('status' in reply) {
    response.writeHead(reply.status).end(reply.body);
    return;
  }
  if (reply.requestId !== undefined) response.setHeader('X-UCLOUD-REQUEST-UUID', reply.requestId);
  response.end(JSON.stringify(reply.json));
}

/** A refusal as a product or the gateway words it: HTTP 200 and a code. */
export function refusal(code: number | string, message = 'no'): Reply {
  return { json: { RetCode: code, Message: message }, requestId: 'request-7' };
}

export const success: Reply = { json: { RetCode: 0 } };

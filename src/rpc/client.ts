import {
  create,
  type DescMethod,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import type { Ms } from '#unit/clock.ts';
import { type RpcCode, RpcError } from './rpc.ts';
import { definitionOf } from './serve.ts';

/** The methods of a service as functions; each call has its own deadline. */
export type Client<S extends DescService> = { readonly [K in keyof S['method']]: Asking<S['method'][K]> };

type Asking<M extends DescMethod> = (
  asked: MessageInitShape<M['input']>,
  options: { readonly within: Ms; readonly signal?: AbortSignal },
) => Promise<MessageShape<M['output']>>;

/**
 * Calls a service on a Unix socket, as kubelet and the sidecars do.
 * @shape the client, and what closes its connection
 * @fails each call: RpcError with the server's code and message
 */
export function dial<S extends DescService>(
  socket: string,
  service: S,
): { readonly ask: Client<S>; readonly close: () => void } {
  const client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure());
  const ask = Object.fromEntries(
    service.methods
      .filter(({ methodKind }) => methodKind === 'unary')
      .map((method) => [method.localName, asking(client, method)]),
  );
  return { ask: ask as Client<S>, close: () => client.close() };
}

function asking(client: grpc.Client, method: DescMethod): Asking<DescMethod> {
  const { path, requestSerialize, responseDeserialize } = definitionOf(method);
  return (asked, { within, signal }) =>
    new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        create(method.input, asked),
        { deadline: Date.now() + within },
        (fault, reply) => {
          signal?.removeEventListener('abort', hangUp);
          if (fault !== null) reject(new RpcError(grpc.status[fault.code] as RpcCode, fault.details));
          else if (reply !== undefined) resolve(reply);
        },
      );
      const hangUp = (): void => call.cancel();
      signal?.addEventListener('abort', hangUp, { once: true });
    });
}

import type { DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { status } from '@grpc/grpc-js';
import type { Ms } from '#unit/clock.ts';

/** `NOT_FOUND`: the names of gRPC's codes. */
export type RpcCode = Exclude<keyof typeof status, 'OK'>;

/**
 * Thrown by a handler to answer a call with a code of its own choice. The message is for the person who reads the event on a claim or
 * pod, and never holds a secret.
 */
export class RpcError extends Error {
  readonly code: RpcCode;

  constructor(code: RpcCode, message: string) {
    super(message);
    this.name = 'RpcError';
    this.code = code;
  }
}

/** What a handler is told beside the message. */
export interface Call {
  /** Aborted with an RpcError when the caller hangs up, its deadline passes or the server closes; the answer reaches nobody then. */
  readonly signal: AbortSignal;
  /** What was left of the caller's time as the call came in. */
  readonly within: Ms;
}

/** One function for each method that is implemented; the others are answered with UNIMPLEMENTED. */
export type Handlers<S extends DescService> = { readonly [K in keyof S['method']]?: Handler<S['method'][K]> };

export type Handler<M extends DescMethod> = (
  asked: MessageShape<M['input']>,
  call: Call,
) => MessageInitShape<M['output']> | Promise<MessageInitShape<M['output']>>;

/** A service with its handlers, whose types have been checked against each other. */
export interface Service {
  readonly description: DescService;
  readonly handlers: Readonly<Record<string, Handler<DescMethod> | undefined>>;
}

/** @example service(Identity, { probe: () => ({ ready: { value: true } }) }) */
export function service<S extends DescService>(description: S, handlers: Handlers<S>): Service {
  return { description, handlers: handlers as Service['handlers'] };
}

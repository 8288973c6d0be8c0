import { Agent } from 'undici';
import type * as z from 'zod';
import { type Ms, minutes, ms, seconds, sleep } from '#unit/clock.ts';
import { fail, ok, type Result } from '#unit/result.ts';
import type { CloudFailure } from '../../failure.ts';
import type { Deadline } from './deadline.ts';
import { exchange } from './exchange.ts';
import { limiter, type Priority } from './limiter.ts';
import { type Answer, type Effect, parseAnswer } from './parse-answer.ts';
import { planRepeat, usualPause } from './plan-repeat.ts';
import { shareReads } from './share-reads.ts';
import { type Params, sign, textsOf } from './sign.ts';

/** One call of the API, what it does, and how its answer must look. */
export interface Call<T> {
  readonly action: string;
  readonly effect: Effect;
  readonly params: Params;
  readonly shape: z.ZodType<T>;
  /** Texts among the parameters that must never be told to anyone, whatever the cloud answers. */
  readonly secrets?: readonly string[];
}

/** What may be told of one attempt: no parameter and no answer is in it. */
export interface CallNote {
  readonly action: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly took: Ms;
  /** `ok`, or the kind of the failure. */
  readonly outcome: 'ok' | CloudFailure['kind'];
  readonly code: string;
  readonly requestId: string | undefined;
}

export interface WireOptions {
  /** `https://api.ucloud.cn`, or `http://api.service.ucloud.cn` inside a VPC. */
  readonly endpoint: string;
  readonly region: string;
  readonly project: string;
  /** Both are read anew for each attempt, so that a property with a getter can follow keys that are rotated. */
  readonly publicKey: string;
  readonly privateKey: string;
  /** Told after each attempt. */
  readonly note?: ((call: CallNote) => void) | undefined;
  /** Before a failed call is sent again, doubled before each further attempt; 200 ms if left out. */
  readonly pause?: Ms | undefined;
}

/** Signs, sends, reads, and repeats what is safe to repeat, until the deadline. */
export interface Wire {
  call<T>(call: Call<T>, deadline: Deadline): Promise<Result<T, CloudFailure>>;
  /** The same connections and limits, for calls of this priority. As it is connected, a wire is for `changes`. */
  as(priority: Priority): Wire;
}

/** UCloud publishes no rate; its own autoscaler and CCM go one call after the other. Few at once keeps far from 153. */
const atOnce = 4;
/** The gateway gives up on its back end after 60 s and says 110; waiting less would lose that answer. */
const longestAttempt: Readonly<Record<Effect, Ms>> = {
  read: seconds(20),
  repeatable: seconds(65),
  once: seconds(65),
};

/** @fails RangeError for an endpoint that is no address of an API */
export function connectWire(options: WireOptions): Wire {
  const endpoint = parseEndpoint(options.endpoint);
  // One connection a call: a request never waits behind another one's answer.
  const agent = new Agent({
    allowH2: false,
    pipelining: 1,
    connect: { timeout: seconds(10) },
    // The deadline of each attempt is ours (exchange.ts); undici's own would cut a create before the gateway's 110.
    headersTimeout: minutes(5),
    bodyTimeout: minutes(5),
  });
  const pause = options.pause ?? usualPause;
  const limit = limiter(atOnce, pause);
  const reads = shareReads();

  async function attempt<T>(call: Call<T>, deadline: Deadline): Promise<Answer<T>> {
    const { publicKey, privateKey } = options;
    const params = textsOf({
      ...call.params,
      Action: call.action,
      Region: options.region,
      ProjectId: options.project,
      PublicKey: publicKey,
    });
    const Signature = sign(params, privateKey);
    const within = ms(Math.min(deadline.left(), longestAttempt[call.effect]));
    const seen = await exchange(agent, endpoint, new URLSearchParams({ ...params, Signature }).toString(), within);
    const secrets = [publicKey, privateKey, Signature, ...(call.secrets ?? [])];
    return parseAnswer(call, seen, (text) => redact(text, secrets));
  }

  async function inTurn<T>(
    priority: Priority,
    call: Call<T>,
    deadline: Deadline,
    number: number,
    sent: () => void = () => undefined,
  ): Promise<Answer<T> | undefined> {
    const turn = await limit.turn(call.action, priority, deadline);
    if (turn === undefined) return undefined;
    sent();
    const began = performance.now();
    let refused = false;
    try {
      const answer = await attempt(call, deadline);
      refused = !answer.ok && answer.failure.kind === 'throttled';
      options.note?.({
        action: call.action,
        attempt: number,
        took: ms(performance.now() - began),
        outcome: answer.ok ? 'ok' : answer.failure.kind,
        code: answer.ok ? '0' : answer.failure.raw.code,
        requestId: answer.ok ? answer.requestId : answer.failure.raw.requestId,
      });
      return answer;
    } finally {
      turn.end({ refused });
    }
  }

  const wireAs = (priority: Priority): Wire => ({
    as: wireAs,
    async call(call, deadline) {
      let last: CloudFailure = neverSent(call.action);
      for (let number = 1; ; number++) {
        const answer =
          call.effect === 'read'
            ? await reads.ask(readKey(priority, call), deadline, (sent) =>
                inTurn(priority, call, deadline, number, sent),
              )
            : await inTurn(priority, call, deadline, number);
        if (answer === undefined) return fail(last);
        if (answer.ok) return ok(answer.value);
        last = worse(last, answer.failure);
        const step = planRepeat({
          again: answer.again,
          attempt: number,
          pause,
          left: deadline.left(),
          chance: Math.random(),
        });
        if (step.do === 'report') return fail(last);
        // Too many calls is the affair of all of the action: this one waits for its turn with them.
        if (answer.failure.kind !== 'throttled') await sleep(step.after);
      }
    },
  });
  return wireAs('changes');
}

/** Of one action all reads have one shape. */
function readKey(priority: Priority, { action, params }: Pick<Call<unknown>, 'action' | 'params'>): string {
  return `${priority} ${action} ${JSON.stringify(params)}`;
}

/** What to tell after several attempts. */
function worse(earlier: CloudFailure, latest: CloudFailure): CloudFailure {
  const nothingDone = latest.kind === 'throttled' || latest.kind === 'unavailable';
  // "Nothing was done" by the latest does not undo the doubt about an earlier one.
  if (earlier.kind === 'unknown' && nothingDone) return earlier;
  // The last attempt has what is left of the time: that it got no answer in it tells less than the refusals before.
  if (earlier.kind === 'throttled' && latest.kind === 'unavailable' && latest.raw.code === 'network') return earlier;
  return latest;
}

function neverSent(action: string): CloudFailure {
  return {
    kind: 'unavailable',
    raw: { action, code: 'turn', message: 'no turn came before the deadline; nothing was sent' },
  };
}

function parseEndpoint(text: string): URL {
  const url = URL.parse(text);
  const plain = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (!plain || url.search !== '' || url.hash !== '')
    throw new RangeError('cloud endpoint: not the address of an API, write https://api.ucloud.cn');
  return url;
}

function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets)
    for (const form of secret === '' ? [] : [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
      clean = clean.replaceAll(form, '[redacted]');
  return clean;
}

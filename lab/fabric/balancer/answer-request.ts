import {
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as requestPlain,
  ServerResponse,
} from 'node:http';
import { request as requestSecured } from 'node:https';
import type { Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import type {
  WorldApplicationBalancer,
  WorldApplicationListener,
  WorldApplicationTarget,
} from '../../ucloud/ulb/application/world.ts';
import { type Chooser, createChooser } from './choose-target.ts';
import { compressing } from './compressing.ts';
import type { Answered, Answering, Asked } from './http-listener.ts';
import { type AnswerPlan, planAnswer } from './plan-answer.ts';
import { headersToTarget, withoutConnection } from './proxied-headers.ts';
import { type Kept, keepBy, markOf, readKept } from './sticky-cookie.ts';

/** Whose requests are answered, as it is at the moment. */
export interface AnsweringPlace {
  readonly balancer: WorldApplicationBalancer;
  readonly listener: WorldApplicationListener;
}

type Forward = Extract<AnswerPlan, { do: 'forward' }>;

/** A request on its way to a target. */
interface Sent {
  readonly upstream: ClientRequest;
  readonly target: WorldApplicationTarget;
  /** The client did not name the target by a cookie. */
  readonly isNew: boolean;
  /** The target is done with it. */
  readonly end: () => void;
}

/** How a listener answers: by itself, or by what a target says. */
export function createAnswering(now: () => AnsweringPlace): Answering {
  /** By rule: each has its own turn, and counts its own connections. */
  const choosers = new Map<string, Chooser>();
  let turn = 0;

  function chooserOf({ rule }: Forward): Chooser {
    const chooser = choosers.get(rule.id) ?? createChooser(Date.now);
    choosers.set(rule.id, chooser);
    return chooser;
  }

  function choose(plan: Forward, { mark }: Kept, client: string): WorldApplicationTarget | undefined {
    const kept = mark === undefined ? undefined : plan.targets.find((target) => markOf(target) === mark);
    if (kept === undefined)
      return chooserOf(plan).take(client, {
        scheduler: now().listener.scheduler,
        stickiness: 0,
        targets: plan.targets,
      });
    chooserOf(plan).hold(kept);
    return kept;
  }

  /** Begins a request like the client's. @shape more: headers about the connection */
  function send(asked: Asked, plan: Forward, more: OutgoingHttpHeaders): Sent | undefined {
    const { balancer, listener } = now();
    const { remoteAddress: ip = '', remotePort: port = 0 } = asked.socket;
    const kept = readKept(listener.cookie, asked.headers.cookie);
    const target = choose(plan, kept, ip);
    if (target === undefined) return undefined;
    const protocol = listener.tls === undefined ? 'http' : 'https';
    const asker = {
      ip,
      port,
      protocol,
      balancer: balancer.id,
      balancerPort: listener.port,
      rule: plan.rule.id,
    } as const;
    const headers = headersToTarget(asked.headers, { asker, actions: plan.rule.headers });
    const cookie = kept.header === undefined ? {} : { cookie: kept.header };
    const request = listener.targetProtocol === 'HTTPS' ? requestSecured : requestPlain;
    const upstream = request({
      host: target.ip,
      port: target.port,
      method: asked.method,
      path: asked.url,
      headers: { ...(headers as OutgoingHttpHeaders), ...cookie, ...more },
      localAddress: balancer.snatIps[turn++ % balancer.snatIps.length],
      // A connection for each request: what a target has open is what it has to do.
      agent: false,
      timeout: listener.idleTimeout * 1000,
      // Whose certificate a target has is not asked.
      rejectUnauthorized: false,
    });
    return { upstream, target, isNew: markOf(target) !== kept.mark, end: () => chooserOf(plan).giveBack(target) };
  }

  function forward(asked: Asked, response: Answered, plan: Forward): void {
    const sent = send(asked, plan, hasUnknownLength(asked) ? { 'transfer-encoding': 'chunked' } : {});
    if (sent === undefined) return answerWith(response, 502, {});
    const { upstream, end } = sent;
    upstream.once('response', (said) => pass(said, asked, response, plan, sent));
    upstream.once('timeout', () => {
      answerWith(response, 504, plan.headers);
      upstream.destroy();
    });
    // After an answer has begun its end is told by its own stream.
    upstream.on('error', () => answerWith(response, 502, plan.headers));
    response.once('close', () => {
      end();
      upstream.destroy();
    });
    asked.on('error', () => upstream.destroy());
    asked.pipe(upstream);
  }

  function pass(said: IncomingMessage, asked: Asked, response: Answered, plan: Forward, { target, isNew }: Sent): void {
    const { listener } = now();
    const headers = { ...withoutConnection(said.headers), ...plan.headers } as OutgoingHttpHeaders;
    const cookies = keepBy(listener.cookie, target, { setByTarget: said.headers['set-cookie'] ?? [], isNew });
    if (cookies.length > 0) headers['set-cookie'] = [...cookies];
    const squeeze = listener.compresses ? compressing(asked, said) : undefined;
    if (squeeze !== undefined) {
      delete headers['content-length'];
      headers['content-encoding'] = 'gzip';
    }
    const vary = [said.headers.vary, plan.headers.vary, squeeze && 'accept-encoding'].filter(Boolean);
    if (vary.length > 0) headers.vary = vary.join(', ');
    response.writeHead(said.statusCode ?? 502, headers);
    const parts = [said, ...(squeeze === undefined ? [] : [squeeze]), response] as const;
    pipeline([...parts], () => undefined);
  }

  function answer(asked: Asked, response: Answered): void {
    const plan = planAnswer(now().listener, request(asked));
    if (plan.do === 'forward') return forward(asked, response, plan);
    answerWith(response, plan.code, plan.headers, plan.content);
  }

  function upgrade(asked: IncomingMessage, client: Duplex, head: Buffer): void {
    const response = new ServerResponse(asked);
    response.shouldKeepAlive = false;
    response.assignSocket(client as Socket);
    response.once('finish', () => client.end());
    client.on('error', () => client.destroy());
    const plan = planAnswer(now().listener, request(asked));
    if (plan.do === 'answer') return answerWith(response, plan.code, plan.headers, plan.content);
    const sent = send(asked, plan, { connection: 'Upgrade', upgrade: asked.headers.upgrade });
    if (sent === undefined) return answerWith(response, 502, {});
    const { upstream, end } = sent;
    client.once('close', () => {
      end();
      upstream.destroy();
    });
    upstream.once('response', (said) => pass(said, asked, response, plan, sent));
    upstream.once('timeout', () => upstream.destroy(new Error('no answer')));
    upstream.on('error', () => answerWith(response, 502, plan.headers));
    upstream.once('upgrade', (said, target, targetHead) => {
      response.detachSocket(client as Socket);
      client.write(`HTTP/1.1 101 ${said.statusMessage}\r\n${formatHeaders(said.rawHeaders)}\r\n`);
      client.write(targetHead);
      target.write(head);
      join(client as Socket, target as Socket, now().listener.idleTimeout);
    });
    upstream.end();
  }

  return { answer, upgrade };
}

function request({ method = '', url = '', headers }: Asked) {
  return { method, url, headers };
}

/** Does nothing when an answer has begun. */
function answerWith(response: Answered, code: number, headers: Readonly<Record<string, string>>, content = ''): void {
  if (response.headersSent) return;
  const length = content === '' ? {} : { 'content-length': Buffer.byteLength(content) };
  response.writeHead(code, { ...headers, ...length });
  response.end(content);
}

/** A request with a body that does not say how long it is. */
function hasUnknownLength(asked: Asked): boolean {
  if (asked.headers['content-length'] !== undefined) return false;
  return 'stream' in asked ? !asked.stream.endAfterHeaders : asked.headers['transfer-encoding'] !== undefined;
}

function formatHeaders(raw: readonly string[]): string {
  const lines = [];
  for (let at = 0; at < raw.length; at += 2) lines.push(`${raw[at]}: ${raw[at + 1]}\r\n`);
  return lines.join('');
}

/** What one end closes is closed at the other, and so are both when neither says anything. */
function join(client: Socket, target: Socket, idleTimeout: number): void {
  for (const [one, other] of [
    [client, target],
    [target, client],
  ] as const) {
    one.setTimeout(idleTimeout * 1000, () => one.destroy());
    one.once('close', () => other.destroy());
    one.on('error', () => one.destroy());
    one.pipe(other);
  }
}

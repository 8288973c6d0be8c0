import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { drawHex } from '../engine/random.ts';
import { answerWithFault, HangUp } from './answer-fault.ts';
import type { Action } from './declare.ts';
import type { Desk } from './desk.ts';
import type { FaultKind } from './fault-wish.ts';
import { meetFault } from './faults.ts';
import { type Params, parseParameters } from './parameters.ts';
import { notValid, Refusal } from './refusal.ts';
import { zonesWith } from './regions.ts';
import { BadRequest, type ReceivedParams, readParams } from './request.ts';
import { signatureOf } from './signature.ts';
import type { GatewayState } from './state.ts';

/** What the gateway itself reads and touches. */
type AnyDesk = Desk<GatewayState>;
/** Every action that the cloud knows. */
type Actions<Cloud> = ReadonlyMap<string, Action<Cloud>>;

/** One answered call. Parameters are not kept: among them are passwords and user data. */
export interface Call {
  /** Unix milliseconds. */
  readonly at: number;
  /** Empty if the request named none. */
  readonly action: string;
  readonly code: number;
  readonly message: string;
  readonly requestId: string;
  /** The planted fault that it met. */
  readonly fault?: FaultKind;
}

/** Answers the API on `/`: HTTP 200 for everything that is a request at all, success or not. */
export function createGateway<State extends GatewayState, Cloud extends Desk<State>>(
  cloud: Cloud,
  actions: Actions<Cloud>,
  told: (call: Call) => void,
): RequestListener {
  return (request, response) => {
    void answer<State, Cloud>(request, response, { cloud, actions, told });
  };
}

async function answer<State extends GatewayState, Cloud extends Desk<State>>(
  request: IncomingMessage,
  response: ServerResponse,
  { cloud, actions, told }: { cloud: Cloud; actions: Actions<Cloud>; told: (call: Call) => void },
): Promise<void> {
  const requestId = drawRequestId(cloud);
  const send = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-ucloud-request-uuid': requestId });
    response.end(JSON.stringify(body));
  };
  let action = '';
  const tell = (code: number, message: string, fault?: FaultKind): void =>
    told({ at: cloud.now(), action, code, message, requestId, ...(fault === undefined ? {} : { fault }) });
  try {
    const received = await readParams(request);
    action = typeof received.Action === 'string' ? received.Action : '';
    const outcome = await perform<State, Cloud>(received, action, actions, cloud);
    if (outcome.hangUp) {
      response.destroy();
      tell(outcome.code, outcome.message, outcome.fault);
      return;
    }
    const retCode = actions.get(action)?.retCode === 'text' ? String(outcome.code) : outcome.code;
    send(200, {
      ...(action === '' ? {} : { Action: `${action}Response` }),
      RetCode: retCode,
      ...(outcome.code === 0 ? outcome.body : { Message: outcome.message }),
    });
    tell(outcome.code, outcome.message, outcome.fault);
  } catch (e) {
    const { status, message } = e instanceof BadRequest ? e : { status: 500, message: (e as Error).message };
    send(status, { Message: message });
    tell(status, message);
  }
}

interface Outcome {
  readonly code: number;
  readonly message: string;
  readonly body: object;
  readonly fault: FaultKind | undefined;
  readonly hangUp?: boolean;
}

async function perform<State extends GatewayState, Cloud extends Desk<State>>(
  received: ReceivedParams,
  name: string,
  actions: Actions<Cloud>,
  cloud: Cloud,
): Promise<Outcome> {
  let fault: FaultKind | undefined;
  try {
    const action = admit(received, name, actions, cloud);
    const met = meetFault(cloud.state.faults, name, cloud.now());
    fault = met?.wish.kind;
    const params = inPlace(received, name, cloud);
    const isElsewhere = params.Region !== undefined && params.Region !== cloud.account.region;
    const asked = isElsewhere ? { ...cloud, state: cloud.elsewhere } : cloud;
    const body =
      met === undefined
        ? await action.run(params, asked)
        : await answerWithFault(met, action, params, asked, { ...asked, state: cloud.frozenAt(met.id) });
    return { code: 0, message: '', body, fault };
  } catch (e) {
    if (e instanceof HangUp) return { code: 0, message: 'hung up without an answer', body: {}, fault, hangUp: true };
    if (e instanceof Refusal) return { code: e.code, message: e.message, body: {}, fault };
    // 130: the cloud's own trouble. A mistake in this simulator looks like one, and its stack goes to the log.
    return { code: 130, message: e instanceof Error ? (e.stack ?? e.message) : String(e), body: {}, fault };
  } finally {
    // Before anybody hears of it: what was answered must outlive a crash.
    if (!isRead(name)) await cloud.keep();
  }
}

function isRead(action: string): boolean {
  return /^(Describe|List|Get|Check)/.test(action);
}

/** Who asks, and for what. The order of the checks is the gateway's. */
function admit<Cloud extends AnyDesk>(
  received: ReceivedParams,
  name: string,
  actions: Actions<Cloud>,
  cloud: Cloud,
): Action<Cloud> {
  if (name === '') throw new Refusal(160, 'Missing Action');
  const action = actions.get(name);
  if (action === undefined) throw new Refusal(161, `Action [${name}] not found`);
  if (received.Signature === undefined) throw new Refusal(170, 'Missing signature');
  if (received.Signature !== signatureOf(received, privateKeyOf(received, cloud)))
    throw new Refusal(171, 'Signature VerifyAC Error');
  const { calls } = cloud.state.limits;
  if (!cloud.pace.admits(name, calls, cloud.now()))
    throw new Refusal(153, `Too many requests: more than ${calls} of ${name} within a second`);
  return action;
}

/** Of the account, or of a temporary credential, which is good only together with its token. */
function privateKeyOf({ PublicKey, SecurityToken }: ReceivedParams, { account, state, now }: AnyDesk): string {
  const session = state.sessions.find(({ publicKey }) => publicKey === PublicKey);
  if (session === undefined && PublicKey !== account.publicKey) throw new Refusal(172, 'User not found');
  if (SecurityToken !== session?.token) throw new Refusal(174, 'Token not found');
  if (session !== undefined && session.expiresAt * 1000 <= now()) throw new Refusal(174, 'Token expired');
  return session?.privateKey ?? account.privateKey;
}

/** The parameters without those of the gateway, once project, region and zone are known to be the account's; it may look around in other regions. */
function inPlace(received: ReceivedParams, action: string, { account }: AnyDesk): Params {
  const { Action: _, PublicKey: __, Signature: ___, SecurityToken: ____, ...params } = parseParameters(received);
  if (params.ProjectId !== undefined && params.ProjectId !== account.project.id)
    throw new Refusal(292, `Project ${JSON.stringify(params.ProjectId)} not found`);
  const { Region = account.region } = params;
  const zones = zonesWith(account).filter(({ region }) => region === Region);
  if (zones.length === 0) throw notValid('Region', `there is no region ${JSON.stringify(Region)}`);
  if (Region !== account.region && !isRead(action))
    throw notValid('Region', `this account has nothing in ${JSON.stringify(Region)}`);
  if (params.Zone !== undefined && !zones.some(({ zone }) => zone === params.Zone))
    throw new Refusal(293, `Zone ${JSON.stringify(params.Zone)} not permitted`);
  return params;
}

function drawRequestId({ state }: AnyDesk): string {
  return [8, 4, 4, 4, 12].map((length) => drawHex(state.chance, length)).join('-');
}

import { fail, ok } from '#unit/result.ts';
import type { BackEnd, CloudBackEnd, CloudListener, Listening } from '../balancer.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import type { Owned } from '../owned.ts';
import type { BalancersAt } from './balancers.ts';
import { listPages } from './list-pages.ts';
import { makeOnce } from './make-once.ts';
import { doneIfGone } from './outcomes.ts';
import { listenerRemark, listeningParams, parseBackEnd, parseListener } from './parse-balancer.ts';
import type { Deadline } from './wire/deadline.ts';
import { accepted, balancerListeners, listenerMade, targetsAdded } from './wire/shapes.ts';
import type { Wire } from './wire/transport.ts';

/** @source UCloud API reference, RemoveNLBTargets: at most 40 ids a call; the same is kept to when adding */
const targetsAtOnce = 40;

/** Opens one port, and adopts the listener that a lost answer may have left. */
export async function openListener(
  at: BalancersAt,
  balancer: string,
  wish: Listening & Owned,
  deadline: Deadline,
): Promise<CloudResult<CloudListener>> {
  const action = 'CreateNLBListener';
  const params = {
    NLBId: balancer,
    Name: `${wish.protocol.toLowerCase()}-${wish.port}`,
    Remark: listenerRemark(wish.mark, wish.owner),
    Protocol: wish.protocol,
    // Left out they are 1 to 65535.
    StartPort: wish.port,
    EndPort: wish.port,
    ...listeningParams(wish),
  };
  const { mark, owner, protocol, port, scheduler, sticky, proxyProtocol, checkPort } = wish;
  const told = { mark, owner, protocol, port, lastPort: port, scheduler, sticky, proxyProtocol, checkPort };
  return makeOnce(
    {
      look: () => findOwnOnPort(at, balancer, wish, deadline),
      ask: (share) => at.wire.call({ action, effect: 'once', params, shape: listenerMade }, share),
      sight: ({ ListenerId }) => ok({ id: ListenerId, ...told, backEnds: [] }),
      poll: at.poll,
    },
    deadline,
  );
}

/** @fails inUse: the port is somebody else's */
async function findOwnOnPort(
  at: BalancersAt,
  balancer: string,
  { protocol, port, mark, owner }: Listening & Owned,
  deadline: Deadline,
): Promise<CloudResult<CloudListener | undefined>> {
  const listed = await listListeners(at, balancer, deadline);
  if (!listed.ok) return listed;
  const seen = listed.value.find((one) => one.protocol === protocol && one.port <= port && port <= one.lastPort);
  if (seen === undefined || (seen.mark === mark && seen.owner === owner)) return ok(seen);
  const message = `${protocol} port ${port} of ${balancer} is in use by the listener ${seen.id}`;
  return fail({ kind: 'inUse', raw: { action: 'CreateNLBListener', code: 'port', message } });
}

function listListeners(
  at: BalancersAt,
  balancer: string,
  deadline: Deadline,
): Promise<CloudResult<readonly CloudListener[]>> {
  return listPages(
    at,
    {
      action: 'DescribeNLBListeners',
      params: { NLBId: balancer },
      shape: balancerListeners,
      entriesOf: ({ Listeners }) => Listeners.map(parseListener),
      idOf: ({ id }) => id,
    },
    deadline,
  );
}

export async function changeListener(
  wire: Wire,
  balancer: string,
  listener: string,
  wish: Listening,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const action = 'UpdateNLBListenerAttribute';
  const params = { NLBId: balancer, ListenerId: listener, ...listeningParams(wish) };
  const answer = await wire.call({ action, effect: 'repeatable', params, shape: accepted }, deadline);
  return answer.ok ? ok() : answer;
}

export async function closeListener(
  wire: Wire,
  balancer: string,
  listener: string,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const action = 'DeleteNLBListener';
  const params = { NLBId: balancer, ListenerId: listener };
  return doneIfGone(await wire.call({ action, effect: 'repeatable', params, shape: accepted }, deadline));
}

/** A call adds all or none: when one of them is refused, each is asked for alone, so that it keeps none of the others. */
export async function addBackEnds(
  wire: Wire,
  balancer: string,
  listener: string,
  backEnds: readonly BackEnd[],
  deadline: Deadline,
): Promise<CloudResult<readonly CloudBackEnd[]>> {
  const added: CloudBackEnd[] = [];
  let refused: CloudFailure | undefined;
  const queue = [...inParts(backEnds)];
  for (let some = queue.shift(); some !== undefined; some = queue.shift()) {
    const answer = await addAll(wire, balancer, listener, some, deadline);
    if (answer.ok) added.push(...answer.value);
    else if (!isOfOne(answer.failure)) return answer;
    else if (some.length === 1) refused ??= answer.failure;
    else queue.push(...some.map((one) => [one]));
  }
  return refused === undefined ? ok(added) : fail(refused);
}

/** A machine that is gone, or a back end that is there already. */
function isOfOne({ kind }: CloudFailure): boolean {
  return kind === 'gone' || kind === 'inUse';
}

async function addAll(
  wire: Wire,
  balancer: string,
  listener: string,
  backEnds: readonly BackEnd[],
  deadline: Deadline,
): Promise<CloudResult<readonly CloudBackEnd[]>> {
  const targets = backEnds.flatMap((one, at): [string, string | number | boolean][] =>
    Object.entries({ ...placeParams(one), Port: one.port, Enabled: true }).map(([name, value]) => [
      `Targets.${at}.${name}`,
      value,
    ]),
  );
  const params = { NLBId: balancer, ListenerId: listener, ...Object.fromEntries(targets) };
  const call = { action: 'AddNLBTargets', effect: 'once', params, shape: targetsAdded } as const;
  const answer = await wire.call(call, deadline);
  return answer.ok ? ok(answer.value.Targets.map(parseBackEnd)) : answer;
}

/** @source UCloud API reference, AddNLBTargets: an address that is not the primary one of a machine is of type IP, with its place */
function placeParams(one: BackEnd): Readonly<Record<string, string>> {
  if (one.machine !== undefined) return { ResourceType: 'UHost', ResourceId: one.machine };
  return { ResourceType: 'IP', VPCId: one.vpc, SubnetId: one.subnet, ResourceIP: one.address };
}

/**
 * A call with an id that went meanwhile drops none: then what the listener still shows is dropped. A list may still show what is
 * gone, and then each half is asked for alone.
 */
export async function dropBackEnds(
  at: BalancersAt,
  balancer: string,
  listener: string,
  ids: readonly string[],
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const queue = [...inParts(ids)];
  for (let some = queue.shift(); some !== undefined; some = queue.shift()) {
    const answer = await dropAll(at.wire, balancer, listener, some, deadline);
    if (answer.ok || (answer.failure.kind === 'gone' && some.length === 1)) continue;
    if (answer.failure.kind !== 'gone') return answer;
    const listed = await listListeners(at, balancer, deadline);
    if (!listed.ok) return doneIfGone(listed);
    const shown = new Set(listed.value.find(({ id }) => id === listener)?.backEnds.map(({ id }) => id));
    const left = some.filter((id) => shown.has(id));
    const half = Math.ceil(left.length / 2);
    if (left.length < some.length) queue.push(...inParts(left));
    else queue.push(left.slice(0, half), left.slice(half));
  }
  return ok();
}

function dropAll(
  wire: Wire,
  balancer: string,
  listener: string,
  ids: readonly string[],
  deadline: Deadline,
): Promise<CloudResult<unknown>> {
  const named = Object.fromEntries(ids.map((id, at) => [`Ids.${at}`, id]));
  const params = { NLBId: balancer, ListenerId: listener, ...named };
  return wire.call({ action: 'RemoveNLBTargets', effect: 'repeatable', params, shape: accepted }, deadline);
}

function inParts<T>(all: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(all.length / targetsAtOnce);
  return Array.from({ length: count }, (_, part) => all.slice(part * targetsAtOnce, (part + 1) * targetsAtOnce));
}

import { sleep } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { BackEnd, CloudBackEnd } from '../balancer.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import type { AnyListener, TargetKind } from './balancer-kind.ts';
import type { ListsAt } from './list-pages.ts';
import { listListeners } from './listeners.ts';
import { looksAtDoubt } from './make-once.ts';
import { doneIfGone } from './outcomes.ts';
import { parseBackEnd } from './parse-balancer.ts';
import type { Deadline } from './wire/deadline.ts';
import { accepted, targetsAdded } from './wire/shapes.ts';

/** The back ends of one listener. */
export interface BackEndsAt extends ListsAt {
  readonly kind: TargetKind<never, AnyListener>;
  readonly balancer: string;
  readonly listener: string;
}

/** A call adds all or none: when one of them is refused, each is asked for alone, so that it keeps none of the others. */
export async function addBackEnds(
  at: BackEndsAt,
  backEnds: readonly BackEnd[],
  deadline: Deadline,
): Promise<CloudResult<readonly CloudBackEnd[]>> {
  const added: CloudBackEnd[] = [];
  let refused: CloudFailure | undefined;
  const queue = [...inParts(backEnds, at.kind.targetsAtOnce)];
  for (let some = queue.shift(); some !== undefined; some = queue.shift()) {
    const answer = await addAll(at, some, deadline);
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
  { wire, kind, balancer, listener }: BackEndsAt,
  backEnds: readonly BackEnd[],
  deadline: Deadline,
): Promise<CloudResult<readonly CloudBackEnd[]>> {
  const targets = backEnds.flatMap((one, at): [string, string | number | boolean][] =>
    Object.entries({ ...placeParams(one), Port: one.port, Enabled: true }).map(([name, value]) => [
      `Targets.${at}.${name}`,
      value,
    ]),
  );
  const params = { [kind.idParam]: balancer, ListenerId: listener, ...Object.fromEntries(targets) };
  const call = { action: kind.targets.add, effect: 'once', params, shape: targetsAdded } as const;
  const answer = await wire.call(call, deadline);
  return answer.ok ? ok(answer.value.Targets.map(parseBackEnd)) : answer;
}

/** @source UCloud API reference, AddTargets and AddNLBTargets: an address that is not the primary one of a machine is of type IP, with its place */
function placeParams(one: BackEnd): Readonly<Record<string, string>> {
  if (one.machine !== undefined) return { ResourceType: 'UHost', ResourceId: one.machine };
  return { ResourceType: 'IP', VPCId: one.vpc, SubnetId: one.subnet, ResourceIP: one.address };
}

/**
 * A call with an id that went meanwhile drops none: then what the listener still shows is dropped. A list may still show what is
 * gone, and then each half is asked for alone. One that something else still needs is freed first.
 */
export async function dropBackEnds(
  at: BackEndsAt,
  ids: readonly string[],
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const { kind, balancer, listener } = at;
  const queue = [...inParts(ids, kind.targetsAtOnce)];
  let freed = 0;
  for (let some = queue.shift(); some !== undefined; some = queue.shift()) {
    const answer = await dropAll(at, some, deadline);
    if (answer.ok || (answer.failure.kind === 'gone' && some.length === 1)) continue;
    if (answer.failure.kind === 'inUse' && kind.free !== undefined && freed < looksAtDoubt) {
      // What keeps them may not be listed yet.
      if (freed++ > 0) await sleep(at.poll);
      const free = await kind.free(at, balancer, listener, ids, deadline);
      if (!free.ok) return doneIfGone(free);
      queue.push(some);
      continue;
    }
    if (answer.failure.kind !== 'gone') return answer;
    const listed = await listListeners(at, kind, balancer, deadline);
    if (!listed.ok) return doneIfGone(listed);
    const shown = new Set(listed.value.find(({ id }) => id === listener)?.backEnds.map(({ id }) => id));
    const left = some.filter((id) => shown.has(id));
    const half = Math.ceil(left.length / 2);
    if (left.length < some.length) queue.push(...inParts(left, kind.targetsAtOnce));
    else queue.push(left.slice(0, half), left.slice(half));
  }
  return ok();
}

function dropAll(
  { wire, kind, balancer, listener }: BackEndsAt,
  ids: readonly string[],
  deadline: Deadline,
): Promise<CloudResult<unknown>> {
  const named = Object.fromEntries(ids.map((id, at) => [`Ids.${at}`, id]));
  const params = { [kind.idParam]: balancer, ListenerId: listener, ...named };
  const call = { action: kind.targets.remove, effect: 'repeatable', params, shape: accepted } as const;
  return wire.call(call, deadline);
}

export function inParts<T>(all: readonly T[], most: number): readonly (readonly T[])[] {
  const count = Math.ceil(all.length / most);
  return Array.from({ length: count }, (_, part) => all.slice(part * most, (part + 1) * most));
}

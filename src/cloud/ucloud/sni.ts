import { ms, sleep } from '#unit/clock.ts';
import { ok } from '#unit/result.ts';
import type { ApplicationListener, ApplicationListening, ApplicationRule } from '../application-balancer.ts';
import type { CloudResult } from '../failure.ts';
import type { Owned } from '../owned.ts';
import { alb } from './alb.ts';
import { inParts } from './back-ends.ts';
import { type ListsAt, listLag } from './list-pages.ts';
import { changeListener, listListeners, openListener } from './listeners.ts';
import { looksAtDoubt } from './make-once.ts';
import { answeringParams } from './parse-application.ts';
import { type InListener, listRules } from './rules.ts';
import { type Deadline, deadlineIn } from './wire/deadline.ts';
import { accepted } from './wire/shapes.ts';

/** @source UCloud API reference, AddSSLBinding and DeleteSSLBinding tell no limit; that of RemoveTargets is kept to */
const certificatesAtOnce = 20;

/**
 * A listener is made with its default certificate; the others are bound to it after that, and its last rule is looked at, that of an adopted
 * one too.
 */
export async function openApplicationListener(
  at: ListsAt,
  balancer: string,
  wish: ApplicationListening & Owned,
  deadline: Deadline,
): Promise<CloudResult<ApplicationListener>> {
  const [, ...others] = wish.protocol === 'HTTPS' ? wish.certificates : [];
  const opened = await openListener(at, alb, balancer, wish, deadline, async (made) => {
    const bound = await bind({ ...at, balancer, listener: made.id }, others, deadline);
    return bound.ok ? ok(made) : bound;
  });
  if (!opened.ok || hasLast(opened.value.rules)) return opened;
  const { id: listener, rules } = opened.value;
  return ok({ ...opened.value, rules: await withLast({ ...at, balancer, listener }, rules, deadline) });
}

/**
 * The last rule is made with the listener and may be listed a little later. It sends to all back ends that are added, and whoever has not seen
 * it can't say otherwise.
 */
async function withLast(
  place: InListener,
  seen: readonly ApplicationRule[],
  deadline: Deadline,
): Promise<readonly ApplicationRule[]> {
  const listing = deadlineIn(ms(Math.min(listLag, deadline.left())));
  for (;;) {
    const listed = await listRules(place, deadline);
    if (!listed.ok) return seen;
    if (hasLast(listed.value) || listing.left() <= place.poll) return listed.value;
    await sleep(place.poll);
  }
}

function hasLast(rules: readonly ApplicationRule[]): boolean {
  return rules.some(({ match }) => match === undefined);
}

/**
 * A certificate is bound to a listener once, and the default can be changed but not unbound: what is not wanted as a further one goes first,
 * then the default is changed, then what is missing comes.
 */
export async function changeApplicationListener(
  at: ListsAt,
  balancer: string,
  listener: string,
  wish: ApplicationListening,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const place = { ...at, balancer, listener };
  const change = (): Promise<CloudResult<void>> =>
    changeListener(at.wire, alb, balancer, listener, answeringParams(wish), deadline);
  if (wish.protocol === 'HTTP') return change();
  const seen = await furtherOf(place, deadline);
  if (!seen.ok) return seen;
  const [, ...others] = wish.certificates;
  const surplus = seen.value.filter((id) => !others.includes(id));
  const unbound = await unbind(place, surplus, deadline);
  if (!unbound.ok) return unbound;
  const changed = await change();
  if (!changed.ok) return changed;
  return bind(
    place,
    others.filter((id) => !seen.value.includes(id)),
    deadline,
  );
}

/** Certificates beside the default. */
async function furtherOf(
  { balancer, listener, ...at }: InListener,
  deadline: Deadline,
): Promise<CloudResult<readonly string[]>> {
  const listed = await listListeners(at, alb, balancer, deadline);
  if (!listed.ok) return listed;
  return ok(listed.value.find(({ id }) => id === listener)?.certificates.slice(1) ?? []);
}

/** A call with one that is bound no longer unbinds none: then each is asked for alone. */
async function unbind(place: InListener, ids: readonly string[], deadline: Deadline): Promise<CloudResult<void>> {
  const { wire, balancer, listener } = place;
  const queue = [...inParts(ids, certificatesAtOnce)];
  for (let some = queue.shift(); some !== undefined; some = queue.shift()) {
    const params = { LoadBalancerId: balancer, ListenerId: listener, ...named(some) };
    const call = { action: 'DeleteSSLBinding', effect: 'repeatable', params, shape: accepted } as const;
    const answer = await wire.call(call, deadline);
    if (answer.ok) continue;
    if (answer.failure.kind !== 'gone') return answer;
    if (some.length > 1) queue.push(...some.map((one) => [one]));
  }
  return ok();
}

/** One that is refused as bound is looked for where it was to be: a lost answer may have bound it. */
async function bind(place: InListener, ids: readonly string[], deadline: Deadline): Promise<CloudResult<void>> {
  const { wire, balancer, listener } = place;
  for (const some of inParts(ids, certificatesAtOnce)) {
    const params = { LoadBalancerId: balancer, ListenerId: listener, ...named(some) };
    const call = { action: 'AddSSLBinding', effect: 'repeatable', params, shape: accepted } as const;
    const answer = await wire.call(call, deadline);
    if (answer.ok) continue;
    if (answer.failure.kind !== 'inUse' || !(await areBound(place, some, deadline))) return answer;
  }
  return ok();
}

async function areBound(place: InListener, ids: readonly string[], deadline: Deadline): Promise<boolean> {
  for (let looks = 0; looks < looksAtDoubt && deadline.left() > place.poll; looks++) {
    const seen = await furtherOf(place, deadline);
    if (seen.ok && ids.every((id) => seen.value.includes(id))) return true;
    await sleep(place.poll);
  }
  return false;
}

function named(ids: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(ids.map((id, at) => [`SSLIds.${at}`, id]));
}

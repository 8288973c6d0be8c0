import type { BalancersOf } from '#cloud/balancer.ts';
import type { Certificates } from '#cloud/certificate.ts';
import { CloudError, type CloudFailure, type CloudResult, explainFailure, explainWithCure } from '#cloud/failure.ts';
import type { PublicAddresses } from '#cloud/public-address.ts';
import { retryAdvice } from '#cloud/retry-advice.ts';
import { chooseCure, type Refused } from './choose-cure.ts';
import { type CloudView, callLimit, type ViewedListener } from './cloud-view.ts';
import type { LifeStep, NoteStep } from './plan-life.ts';
import type { Reason } from './reasons.ts';

/** What is done in the cloud, whichever layer it is of. */
export type CloudStep<Listening> = Exclude<LifeStep, NoteStep> | ListenStep<Listening>;

export interface ListenStep<Listening> {
  readonly do: 'listen' | 'change';
  readonly balancer: string;
  readonly listener: string;
  readonly wish: Listening;
}

/** The cloud of one layer, and what is known of it. */
export interface CloudAt<Listening, Listener extends ViewedListener> {
  readonly balancers: BalancersOf<Listening, Listener>;
  readonly publicAddresses: PublicAddresses;
  readonly certificates?: Certificates | undefined;
  readonly view: CloudView<Listener>;
  readonly mark: string;
  readonly vpc: string;
}

/** For whom it is done. */
export interface Client {
  readonly owner: string;
  /** `shop-default-web`, as the console shows it. */
  readonly name: string;
  readonly tell: (reason: Reason, message: string) => void;
}

/** @shape the failure; `undefined` when it is done and known */
export async function performStep<Listening extends object, Listener extends ViewedListener>(
  at: CloudAt<Listening, Listener>,
  { owner, name, tell }: Client,
  step: CloudStep<Listening>,
): Promise<CloudFailure | undefined> {
  const { balancers, publicAddresses, certificates, view, mark, vpc } = at;
  const opts = { within: callLimit };
  const owned = { mark, owner };
  switch (step.do) {
    case 'create': {
      const { subnet, charge, quantity, isPublic } = step.wish;
      return taken(
        await balancers.create({ ...owned, name, vpc, subnet, charge, quantity, isPublic }, opts),
        (made) => {
          view.has(made);
          tell('BalancerMade', `made load balancer ${made.id}`);
        },
      );
    }
    case 'remove':
      return taken(await balancers.remove(step.balancer, mark, opts), () => {
        view.lost(step.balancer);
        tell('BalancerRemoved', `removed load balancer ${step.balancer}`);
      });
    case 'listen':
      return taken(await balancers.listen(step.balancer, { ...step.wish, ...owned }, opts), (made) =>
        view.changed(step.balancer, (all) => [...all.filter(({ id }) => id !== made.id), made]),
      );
    case 'change':
      return taken(await balancers.change(step.balancer, step.listener, step.wish, opts), () =>
        view.changed(
          step.balancer,
          on(step.listener, (one) => ({ ...one, ...step.wish })),
        ),
      );
    case 'unlisten':
      return taken(await balancers.unlisten(step.balancer, step.listener, opts), () =>
        view.changed(step.balancer, (all) => all.filter(({ id }) => id !== step.listener)),
      );
    case 'add':
      return taken(await balancers.add(step.balancer, step.listener, step.backEnds, opts), (added) =>
        view.changed(
          step.balancer,
          on(step.listener, (one) => ({ ...one, backEnds: [...one.backEnds, ...added] })),
        ),
      );
    case 'drop':
      return taken(await balancers.drop(step.balancer, step.listener, step.ids, opts), () =>
        view.changed(
          step.balancer,
          on(step.listener, (one) => ({
            ...one,
            backEnds: one.backEnds.filter(({ id }) => !step.ids.includes(id)),
          })),
        ),
      );
    case 'allocate':
      return taken(await publicAddresses.allocate({ ...owned, name, ...step.wish.address }, opts), (made) => {
        view.hasAddress(made);
        tell('AddressGiven', `the cloud gave the public address ${made.ip} (${made.id})`);
      });
    case 'bind':
      return taken(await publicAddresses.bind(step.address, step.balancer, opts), () =>
        view.changedAddress(step.address, { boundTo: step.balancer }),
      );
    case 'resize':
      return taken(await publicAddresses.resize(step.address, step.bandwidth, opts), () =>
        view.changedAddress(step.address, { bandwidth: step.bandwidth }),
      );
    case 'release':
      return taken(await publicAddresses.release(step.address, mark, opts), () => view.lost(step.address));
    case 'discard':
      return (
        certificates &&
        taken(await certificates.remove(step.certificate, mark, opts), () => view.lost(step.certificate))
      );
  }
}

export function taken<T>(result: CloudResult<T>, keep: (value: T) => void): CloudFailure | undefined {
  if (!result.ok) return result.failure;
  keep(result.value);
  return undefined;
}

/** What becomes of all listeners when one of them changes. */
export function on<Listener extends ViewedListener>(
  listener: string,
  next: (one: Listener) => Listener,
): (all: readonly Listener[]) => readonly Listener[] {
  return (all) => all.map((one) => (one.id === listener ? next(one) : one));
}

/**
 * What follows from a call that failed: lists that may not be believed, and what is told.
 * @unit doing: `adding 3 back ends … for Service shop/web`; refused: what was asked for
 * @fails CloudError, always: the next turn goes on from there
 */
export async function followFailure(
  view: { readonly distrust: (owner: string) => void },
  owner: string,
  doing: string,
  failure: CloudFailure,
  refused: Refused,
  tell: (reason: Reason, message: string) => Promise<void>,
): Promise<never> {
  if (leavesDoubt(failure)) view.distrust(owner);
  const cure = chooseCure(failure, refused);
  const why = cure === undefined ? explainWithCure(failure) : `${explainFailure(failure)}; ${cure}`;
  if (isRefusal(failure)) await tell('CloudRefuses', `${doing}: ${why}`);
  else if (failure.kind === 'unknown')
    await tell(
      'InDoubt',
      `${doing} may or may not have been done: ${explainFailure(failure)}; the cloud is looked at before it is asked again`,
    );
  else await tell('CloudUnreadable', `${doing}: ${explainFailure(failure)}; it is tried again`);
  throw new CloudError(doing, failure);
}

/** Whether the cloud will say the same again until somebody does something. */
export function isRefusal(failure: CloudFailure): boolean {
  return retryAdvice(failure) === 'when-the-world-changes' && failure.kind !== 'gone';
}

/** Of a call that was refused, or never taken, it is known that nothing was done: a quota must not cost a list each time. */
function leavesDoubt(failure: CloudFailure): boolean {
  return failure.kind === 'gone' || retryAdvice(failure) === 'after-observing';
}

/** Whether a step asks the cloud for something, and does not write to objects of the cluster. */
export function isCloudStep<Step extends { readonly do: string }>(
  step: Step | NoteStep,
): step is Exclude<Step, NoteStep> {
  return !['ignore', 'hold', 'claim', 'record', 'publish', 'unclaim'].includes(step.do);
}

/** `adding 3 back ends to listener-1`. */
export function explainStep(step: CloudStep<{ readonly protocol: string; readonly port: number }>): string {
  switch (step.do) {
    case 'create':
      return 'making the load balancer';
    case 'remove':
      return `removing load balancer ${step.balancer}`;
    case 'listen':
      return `opening ${step.wish.protocol} port ${step.wish.port} of ${step.balancer}`;
    case 'change':
      return `changing the listener of ${step.wish.protocol} port ${step.wish.port} of ${step.balancer}`;
    case 'unlisten':
      return `closing listener ${step.listener} of ${step.balancer}`;
    case 'add':
      return `adding ${step.backEnds.length} back ends to listener ${step.listener} of ${step.balancer}`;
    case 'drop':
      return `removing ${step.ids.length} back ends from listener ${step.listener} of ${step.balancer}`;
    case 'allocate':
      return 'asking for a public address';
    case 'bind':
      return `binding public address ${step.address} to ${step.balancer}`;
    case 'resize':
      return `setting the bandwidth of public address ${step.address} to ${step.bandwidth} Mb/s`;
    case 'release':
      return `releasing public address ${step.address}`;
    case 'discard':
      return `removing certificate ${step.certificate}`;
  }
}

/** A step as the log has it, without the whole wish. */
export function describeStep(step: { readonly do: string }): object {
  const { wish: _, ...rest } = step as { readonly do: string; readonly wish?: unknown };
  return rest;
}

import { type Ms, ms } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import type { CloudView, ViewedListener } from './cloud-view.ts';
import type { InboundView } from './inbound-view.ts';
import { planCheckLook } from './plan-check-look.ts';
import { type CloudSeen, type Hold, textOfStep } from './plan-life.ts';

/**
 * What is remembered of those who ask for balancers between two turns; all of it can be lost without harm.
 * @unit key: of the Service or the group, as the queue has it; owner: as the cloud has it
 */
export class Rests {
  readonly #inbound: InboundView;
  readonly #note: (facts: object, doing: string) => void;
  /** Owners that this process was the first to claim: nobody can have asked for anything before. */
  readonly fresh = new Set<string>();
  /** By owner, what was wanted at the last rest. */
  readonly #settled = new Map<string, string>();
  /** By key, the machines that one was at rest with, when nothing of it was in doubt. */
  readonly #restedWith = new Map<string, readonly string[]>();
  /** By key, how often in a row the balancer's checks were looked at. */
  readonly #looks = new Map<string, number>();

  /** By key, steps that the cloud has refused since the last rest. */
  readonly #refused = new Map<string, ReadonlySet<string>>();

  constructor(inbound: InboundView, note: (facts: object, doing: string) => void) {
    this.#inbound = inbound;
    this.#note = note;
  }

  /** What is under way may bring back a machine that it had done without. */
  begin(key: string): void {
    this.#restedWith.delete(key);
  }

  /** Something is done for it. */
  act(key: string): void {
    this.#looks.delete(key);
  }

  /** The cloud refuses a step. What the balancer's checks say decides over back ends all the same. */
  refuse(
    key: string,
    step: object,
    view: Pick<CloudView<ViewedListener>, 'lookAtChecks'>,
    cloud: CloudSeen<unknown>,
  ): void {
    this.#refused.set(key, new Set([...(this.#refused.get(key) ?? []), textOfStep(step)]));
    this.#lookAtChecks(key, view, cloud);
  }

  refused(key: string): ReadonlySet<string> | undefined {
    return this.#refused.get(key);
  }

  looks(key: string): number {
    return this.#looks.get(key) ?? 0;
  }

  /** It was at rest and nobody has changed what it wants: somebody has changed the cloud. @unit wish: all that decides but the cloud */
  isDrift(owner: string, wish: string): boolean {
    return this.#settled.get(owner) === wish;
  }

  /** Whether it may send to a machine that nobody wants: it has not come to rest without it. */
  isUndecided(key: string, machine: string): boolean {
    return this.#restedWith.get(key)?.includes(machine) ?? true;
  }

  /**
   * Nothing is to be done for now.
   * @unit wish: as in `isDrift`; hasWaiting: whether a pod waits for the balancer's checks
   * @shape when to look again
   * @fails Error when the cloud cannot be read
   */
  rest(
    { key, owner, isClaimed, cloud }: Rested,
    view: Pick<CloudView<ViewedListener>, 'distrust' | 'nextLook' | 'lookAtChecks'>,
    hold: Hold,
    {
      machines,
      wish,
      hasWaiting,
    }: { readonly machines: readonly string[]; readonly wish: string; readonly hasWaiting: boolean },
  ): Ms {
    this.#refused.delete(key);
    const isSure = !isClaimed || (cloud.state === 'known' && !cloud.inDoubt);
    if (isSure) this.#restedWith.set(key, machines);
    if (hold.reason === 'Serving') this.#settled.set(owner, wish);
    else this.#settled.delete(owner);
    if (hold.lists === true) view.distrust(owner);
    if (hold.reason === 'CloudUnreadable') throw new Error(hold.message);
    const again = view.nextLook(owner);
    if (hold.checks !== true && !hasWaiting) {
      this.#looks.delete(key);
      return again;
    }
    const looks = this.looks(key) + 1;
    this.#looks.set(key, looks);
    this.#inbound.lookAgain();
    this.#lookAtChecks(key, view, cloud);
    return ms(Math.min(again, planCheckLook(looks)));
  }

  /** Not waited for: others are to be served meanwhile, and the next turn of this one sees what came of it. */
  #lookAtChecks(key: string, view: Pick<CloudView<ViewedListener>, 'lookAtChecks'>, cloud: CloudSeen<unknown>): void {
    if (cloud.state !== 'known' || cloud.balancer === undefined) return;
    view
      .lookAtChecks(cloud.balancer.id)
      .catch((e: unknown) => this.#note({ of: key, fault: messageOf(e) }, 'looking at checks failed'));
  }

  forget(key: string, owner: string): void {
    this.#refused.delete(key);
    this.#restedWith.set(key, []);
    this.#looks.delete(key);
    this.#settled.delete(owner);
    this.fresh.delete(owner);
  }
}

interface Rested {
  readonly key: string;
  readonly owner: string;
  readonly isClaimed: boolean;
  readonly cloud: CloudSeen<unknown>;
}

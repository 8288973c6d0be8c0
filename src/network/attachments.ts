import { createHash } from 'node:crypto';
import { EEXIST, isErrno } from '#host/netlink/error.ts';
import { Netlink } from '#host/netlink/netlink.ts';
import { addPodLink, observePodLinks, podGateway, podLinkFaults, removePodLinks } from '#host/pod-link.ts';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import { type Ms, type SinceBoot, seconds, sinceBoot, sleep } from '#unit/clock.ts';
import { podInterfacePrefix } from '#unit/pod-interface.ts';
import type { AttachmentMade } from './cni/answer.ts';
import type { Attachment } from './cni/request.ts';
import type { Journal } from './ipam/journal.ts';
import type { Ledger, LedgerRecord } from './ipam/ledger.ts';
import { chooseAddress } from './ipam/plan-allocation.ts';
import { planRecovery, type RecoveryStep } from './ipam/plan-recovery.ts';
import type { Note } from './note.ts';

export interface AttachmentsOptions {
  readonly journal: Journal;
  /** How long an address rests after its pod; others may still send to it. */
  readonly cooldown: Ms;
  readonly note: Note;
  /** Called after every change of the ledger. */
  readonly onChange: () => void;
}

/** No address can be given now; a later try may succeed. */
export class NoAddress extends Error {}

/** The container has this interface already. */
export class AlreadyAttached extends Error {}

/** The pods' links of this node, and the ledger of their addresses, kept in step. */
export class Attachments {
  readonly #options: AttachmentsOptions;
  readonly #host = new Netlink();
  /** Removal runs aside and needs a socket for itself. */
  readonly #remover = new Netlink();
  /** By link: what runs for it now. The runtime promises one at a time, but it may give up waiting and ask for the next. */
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #leaving = new Set<string>();
  #removal: Promise<void> | undefined;
  readonly #end = new AbortController();

  constructor(options: AttachmentsOptions) {
    this.#options = options;
  }

  get ledger(): Ledger {
    return this.#options.journal.ledger;
  }

  /** Brings ledger and kernel together after a start. Call once, before anything else. */
  async recover(): Promise<void> {
    for (const step of planRecovery(this.ledger, observePodLinks(this.#host))) {
      this.#options.note(step, 'recovering attachment');
      await this.#performRecovery(step);
    }
    // Serving does not wait for a link that can't be removed; the address stays taken.
    await Promise.race([this.#removal, sleep(seconds(5), this.#end.signal).catch(() => undefined)]);
  }

  /**
   * Connects a pod and gives it an address of `spec`. Written down before the kernel is touched; when the kernel refuses,
   * nothing is left but an address at rest.
   * @fails NoAddress · AlreadyAttached · NetlinkError · the journal's write error
   */
  attach(
    pod: Attachment & { readonly netns: string; readonly namespace?: string },
    spec: PodRangeSpec | undefined,
    mtu: number,
  ): Promise<AttachmentMade> {
    const link = linkNameOf(pod);
    return this.#alone(link, async () => {
      const before = this.ledger.held.get(link);
      if (before?.leaving)
        throw new NoAddress('the previous network interface of this container is still being removed');
      if (before !== undefined)
        throw new AlreadyAttached(`container ${pod.container} has ${pod.ifname} already, DEL it first`);
      const at = sinceBoot();
      const choice = chooseAddress(spec, this.ledger, at);
      if (choice.do === 'refuse') throw new NoAddress(refusal[choice.why]);
      const { container, ifname, namespace } = pod;
      try {
        await this.#record({ do: 'hold', link, ip: choice.ip, container, ifname, namespace, at });
        const made = addPodLink(this.#host, {
          netns: pod.netns,
          hostName: link,
          podName: ifname,
          address: choice.ip,
          mtu,
        });
        return { ...made, hostName: link, podName: ifname, netns: pod.netns, mtu, ip: choice.ip, gateway: podGateway };
      } catch (e) {
        await this.#free(link);
        if (isErrno(e, EEXIST)) throw new AlreadyAttached((e as Error).message, { cause: e });
        throw e;
      }
    });
  }

  /** Returns when it is certain that the attachment will go, now or after a crash; one unknown is gone already. */
  detach(pod: Attachment): Promise<void> {
    const link = linkNameOf(pod);
    return this.#alone(link, async () => {
      const held = this.ledger.held.get(link);
      if (held === undefined || held.leaving) return;
      await this.#record({ do: 'leave', link, at: sinceBoot() });
      this.#removeSoon(link);
    });
  }

  /** Why this attachment is not what its ADD made; empty when all is well. */
  faultsOf(pod: Attachment & { readonly netns: string }): readonly string[] {
    const link = linkNameOf(pod);
    const held = this.ledger.held.get(link);
    if (held === undefined || held.leaving) return [`container ${pod.container} has no address for ${pod.ifname}`];
    return podLinkFaults(this.#host, { netns: pod.netns, hostName: link, podName: pod.ifname, address: held.ip });
  }

  /** Detaches everything that is not in `valid`. @fails AggregateError with every fault, after all were tried */
  async keepOnly(valid: readonly Attachment[]): Promise<void> {
    const keep = new Set(valid.map(linkNameOf));
    const stale = [...this.ledger.held].filter(([link]) => !keep.has(link));
    const done = await Promise.allSettled(
      stale.map(([link, { container, ifname }]) =>
        container === '' ? this.#removeStranger(link) : this.detach({ container, ifname }),
      ),
    );
    const faults = done.flatMap((d) => (d.status === 'rejected' ? [d.reason as unknown] : []));
    if (faults.length > 0) throw new AggregateError(faults, `removing ${faults.length} of ${stale.length} attachments`);
  }

  /** Ends removals that wait for another try and closes the sockets; the ledger tells the next life what is left. */
  async close(): Promise<void> {
    this.#end.abort(new Error('the agent is stopping'));
    await Promise.allSettled(this.#running.values());
    await this.#removal;
    this.#host.close();
    this.#remover.close();
  }

  async #performRecovery(step: RecoveryStep): Promise<void> {
    switch (step.do) {
      case 'keep':
        return;
      case 'adopt':
        await this.#record({ do: 'hold', link: step.link, ip: step.ip, container: '', ifname: '', at: sinceBoot() });
        return;
      case 'free':
        await this.#free(step.link);
        return;
      case 'remove':
        this.#removeSoon(step.link);
        return;
    }
  }

  async #removeStranger(link: string): Promise<void> {
    await this.#record({ do: 'leave', link, at: sinceBoot() });
    this.#removeSoon(link);
  }

  #removeSoon(link: string): void {
    this.#leaving.add(link);
    this.#removal ??= this.#removeAll().finally(() => {
      this.#removal = undefined;
    });
  }

  /** Whoever asks while one group is being removed goes with the next. */
  async #removeAll(): Promise<void> {
    while (this.#leaving.size > 0 && !this.#end.signal.aborted) {
      const group = [...this.#leaving];
      const faults = await this.#removeGroup(group);
      if (faults.length === 0) continue;
      this.#options.note({ faults }, 'removing links failed, trying again');
      await sleep(seconds(1), this.#end.signal).catch(() => undefined);
    }
  }

  /** All at once; when that fails, one by one, so that one that can't go does not keep the others. @shape what failed */
  async #removeGroup(group: readonly string[]): Promise<readonly string[]> {
    try {
      await removePodLinks(this.#remover, group);
      await Promise.all(group.map((link) => this.#removed(link)));
      return [];
    } catch (e) {
      const [only, ...others] = group;
      if (only !== undefined && others.length === 0) return [`${only}: ${(e as Error).message}`];
      const faults: string[] = [];
      for (const link of group) if (this.#leaving.has(link)) faults.push(...(await this.#removeGroup([link])));
      return faults;
    }
  }

  async #removed(link: string): Promise<void> {
    await this.#free(link);
    this.#leaving.delete(link);
  }

  /** Only when link and route are gone: from here on the address rests, and then belongs to whoever asks. */
  async #free(link: string): Promise<void> {
    const held = this.ledger.held.get(link);
    if (held === undefined) return;
    await this.#record({ do: 'free', link, ip: held.ip, until: (sinceBoot() + this.#options.cooldown) as SinceBoot });
  }

  async #record(record: LedgerRecord): Promise<void> {
    await this.#options.journal.append(record);
    this.#options.onChange();
  }

  async #alone<T>(link: string, act: () => Promise<T>): Promise<T> {
    const before = this.#running.get(link) ?? Promise.resolve();
    const mine = before.then(act, act);
    this.#running.set(link, mine);
    try {
      return await mine;
    } finally {
      if (this.#running.get(link) === mine) this.#running.delete(link);
    }
  }
}

/** Twelve hexadecimal digits of the attachment's hash after the prefix: as long as the kernel allows. */
export function linkNameOf({ container, ifname }: Attachment): string {
  const digest = createHash('sha256').update(`${container}/${ifname}`).digest('hex');
  return `${podInterfacePrefix}${digest.slice(0, 12)}`;
}

/** How long an address rests after its pod. @source UCloud's own CNI: cooldownPeriodSeconds 30 (ucloud/uk8s-cni-vpc) */
export const defaultCooldown = seconds(30);

const refusal = {
  'no-range': 'this node has no PodRange yet; kubectl describe node shows why',
  'all-held': 'all pod addresses of this node are in use',
  'all-resting': 'all free pod addresses of this node are cooling down after their last pod',
} as const;

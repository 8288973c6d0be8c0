import { groundOf } from '#capability/ground.ts';
import { knockTcp } from '#host/knock-tcp.ts';
import { type Condition, conditionAfter } from '#kube/api/condition.ts';
import { cutCondition, seesPrefix } from '#kube/api/cut.ts';
import type { Events } from '#kube/events.ts';
import type { Kube, WatchCache } from '#kube/kube.ts';
import { type NodeObject, nodes } from '#kube/resources.ts';
import { type Ms, ms, now, seconds, uptime } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import { gauge } from '#unit/metrics.ts';
import { isSilent, looksAt, type Told, toldAfter, witnessCount } from './plan-looks.ts';
import { type Look, planVerdict, type Verdict } from './plan-verdict.ts';
import type { CutReason } from './reasons.ts';

const silentNodes = gauge(
  'isthmus_silent_site_node',
  '1 for each machine of the site that does not answer, with what is known of it.',
  ['node', 'reason'],
);

export interface JudgeOptions {
  readonly kube: Kube;
  readonly nodes: Pick<WatchCache<NodeObject>, 'get' | 'list'>;
  readonly events: Pick<Events, 'tell'>;
  readonly note: (facts: object, doing: string) => void;
  /** Hears of nodes of which something else holds than before. */
  readonly onVerdict: (node: string) => void;
  /** Of tests: asks a machine. */
  readonly knock?: typeof knockTcp;
}

type Spoken = Exclude<Verdict, { readonly is: 'usual' }>;

/** Tells cut machines of the site from dead ones, and publishes it on their Nodes. */
export class Judge {
  readonly #options: JudgeOptions;
  #told: readonly Told[] | undefined;
  readonly #verdicts = new Map<string, Spoken>();
  /** Since when nobody can tell, by node. */
  readonly #untold = new Map<string, Ms>();
  /** Since when a neighbour has told, by node. */
  readonly #looked = new Map<string, Ms>();
  readonly #knocks = new Map<string, { readonly at: Ms; readonly answered: boolean }>();

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** Whether a change of the node may change what is known of the site. */
  concerns(name: string): boolean {
    const node = this.#options.nodes.get({ name });
    if (this.#verdicts.has(name) || node === undefined) return this.#verdicts.has(name);
    return (isOfTheSite(node) && isSilent(node)) || hasConditions(node);
  }

  /** What holds of a node. One that has just fallen silent is being judged, before the first turn already. */
  verdictOf(name: string): Verdict {
    const node = this.#options.nodes.get({ name });
    if (node === undefined || !isOfTheSite(node) || !isSilent(node)) return { is: 'usual' };
    const known = this.#verdicts.get(name);
    if (known !== undefined) return known;
    const [site, at] = [this.#options.nodes.list().filter(isOfTheSite), uptime()];
    return this.#judge(node, site, this.#looksAt(node, site, at), at);
  }

  /** One turn for the whole site: what is known of one machine bears on the others. */
  async tend(): Promise<void | { readonly again: Ms }> {
    const site = this.#options.nodes.list().filter(isOfTheSite);
    const silent = site.filter(isSilent);
    await Promise.all(silent.map((node) => this.#knock(node)));
    const at = uptime();
    this.#told = toldAfter(this.#told, site, at);
    for (const name of this.#verdicts.keys())
      if (!silent.some(({ metadata }) => metadata.name === name)) this.#forget(name);
    for (const node of silent) {
      const looks = this.#looksAt(node, site, at);
      this.#noteLooks(node, looks, at);
      this.#note(node, this.#judge(node, site, looks, at), at);
    }
    await Promise.all(site.map((node) => this.#publish(node)));
    return silent.length === 0 ? undefined : { again: turn };
  }

  close(): void {
    silentNodes.reset();
  }

  #looksAt({ metadata: { name } }: NodeObject, site: readonly NodeObject[], at: Ms): readonly Look[] {
    return looksAt(name, this.#told ?? [], (one) => isSilentIn(site, one), at);
  }

  #judge({ metadata: { name } }: NodeObject, site: readonly NodeObject[], looks: readonly Look[], at: Ms): Spoken {
    const since = this.#untold.get(name) ?? at;
    const verdict = planVerdict({
      ground: 'site',
      isSilent: true,
      looks,
      witnesses: witnessCount(name, site),
      toldFor: ms(at - (this.#looked.get(name) ?? at)),
      answersController: this.#knocks.get(name)?.answered,
      site: { machines: site.length, silent: site.filter(isSilent).length },
      untoldFor: ms(at - since),
    });
    return verdict as Spoken;
  }

  #noteLooks({ metadata: { name } }: NodeObject, looks: readonly Look[], at: Ms): void {
    if (looks.length === 0) this.#looked.delete(name);
    else if (!this.#looked.has(name)) this.#looked.set(name, at);
  }

  #note({ metadata: { name } }: NodeObject, verdict: Spoken, at: Ms): void {
    if (verdict.is !== 'untold') this.#untold.delete(name);
    else if (!this.#untold.has(name)) this.#untold.set(name, at);
    const before = this.#verdicts.get(name);
    this.#verdicts.set(name, verdict);
    if (before?.why === verdict.why && isJudging(before) === isJudging(verdict)) return;
    if (before !== undefined) silentNodes.remove({ node: name, reason: before.why });
    silentNodes.set({ node: name, reason: verdict.why }, 1);
    this.#options.note({ node: name, ...verdict }, 'judging a silent machine of the site');
    this.#options.onVerdict(name);
  }

  #forget(name: string): void {
    const before = this.#verdicts.get(name);
    if (before !== undefined) silentNodes.remove({ node: name, reason: before.why });
    this.#verdicts.delete(name);
    this.#untold.delete(name);
    this.#looked.delete(name);
    this.#knocks.delete(name);
    this.#options.onVerdict(name);
  }

  /**
   * Whether the machine answers from here. That it does not says nothing: the line may be cut. Nor does a refusal, which a firewall on the way
   * sends as well.
   */
  async #knock({ metadata: { name }, status }: NodeObject): Promise<void> {
    const last = this.#knocks.get(name);
    if (last !== undefined && uptime() - last.at < knockEvery) return;
    const address = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
    if (address === undefined) return;
    const at = uptime();
    const answer = await (this.#options.knock ?? knockTcp)({ address: ip(address), port: 10_250 });
    this.#knocks.set(name, { at, answered: answer === 'taken' });
  }

  /** On the Node and as an Event. While it is being judged nothing is said, because that changes in seconds. */
  async #publish(node: NodeObject): Promise<void> {
    const { kube, events } = this.#options;
    const { name, uid } = node.metadata;
    const verdict = this.#verdicts.get(name);
    if (verdict !== undefined && isJudging(verdict)) return;
    const said = node.status?.conditions?.find(({ type }) => type === cutCondition) as Condition | undefined;
    if (said?.reason === verdict?.why && said?.message === verdict?.says) return;
    const conditions = verdict === undefined ? [] : [conditionOf(verdict, said)];
    await kube.apply(
      nodes,
      { metadata: { name }, status: { conditions } },
      { manager: 'isthmus-cut', force: true, subresource: 'status' },
    );
    if (said?.reason === verdict?.why) return;
    const [reason, says]: readonly [CutReason, string] =
      verdict === undefined ? ['LineBack', 'the machine is heard again'] : [verdict.why, verdict.says];
    const regarding = { apiVersion: 'v1', kind: 'Node', name, ...(uid !== undefined && { uid }) };
    events.tell(regarding, { reason, type: verdict === undefined ? 'Normal' : 'Warning', action: 'Cut' }, says);
  }
}

function conditionOf(verdict: Spoken, said: Condition | undefined): Condition {
  const status = verdict.is === 'cut' ? 'True' : verdict.is === 'dead' ? 'False' : 'Unknown';
  const condition = { type: cutCondition, status, reason: verdict.why, message: verdict.says } as const;
  return conditionAfter(said === undefined ? [] : [said], condition, new Date(now()).toISOString());
}

function isJudging(verdict: Spoken): boolean {
  return verdict.is === 'untold' && verdict.judging;
}

function isOfTheSite(node: NodeObject): boolean {
  return groundOf(node).ground === 'site';
}

function isSilentIn(site: readonly NodeObject[], name: string): boolean {
  return site.some((node) => node.metadata.name === name && isSilent(node));
}

function hasConditions({ status }: NodeObject): boolean {
  return status?.conditions?.some(({ type }) => type === cutCondition || type.startsWith(seesPrefix)) ?? false;
}

const turn = seconds(3);
const knockEvery = seconds(15);

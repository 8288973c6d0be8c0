import { type Ms, ms, now, seconds, sleep } from '#unit/clock.ts';
import { type Kube, KubeError } from './kube.ts';
import { lapsingSignal } from './lapsing-signal.ts';
import { type LeaseSeen, type LeaseSpec, planLease, planRelease } from './plan-lease.ts';
import { type LeaseObject, leases } from './resources.ts';

export interface Election {
  readonly name: string;
  readonly namespace: string;
  /** Ours alone, also among restarts of the same pod: two candidates of one identity would both lead. */
  readonly identity: string;
  /** How long others leave a lease alone that is not renewed; 15 s unless told. */
  readonly duration?: Ms;
  /** We stop leading when this long has passed since before the last renewal that worked; 10 s unless told, below `duration`. */
  readonly renewWithin?: Ms;
  /** Pause between turns; 2 s unless told, up to a fifth longer by chance. */
  readonly every?: Ms;
  /** Hears of each turn that failed. Must not throw. Silent unless told. */
  readonly onTrouble?: (trouble: Error) => void;
  /** Hears of each turn that the API server has answered, whoever leads. Must not throw. Silent unless told. */
  readonly onTurn?: () => void;
}

/**
 * Calls `lead` each time that the lease becomes ours. Its signal aborts before anybody else may take over; the lease is given
 * back only when the promise of `lead` has ended. Resolves after `stop`.
 *
 * A lease is no fence. Check the signal before each write to the outside: it looks at the clock itself, so a process that was
 * frozen learns at its first look that its time is over. What was frozen between that look and the network still goes out
 * late. So write to Kubernetes only over the version that was read, or with `term` in the object and a look at the one that
 * is there; and make calls to a cloud safe to be done twice.
 * @unit  term: grows with each change of the holder, never among renewals
 * @fails rejects with what `lead` failed with, the lease given back; rejects at once when the durations contradict each other
 * @source https://kubernetes.io/docs/concepts/architecture/leases/
 */
export async function elect(
  kube: Kube,
  election: Election,
  stop: AbortSignal,
  lead: (end: AbortSignal, term: number) => Promise<void>,
): Promise<void> {
  const { every = seconds(2), onTrouble = () => undefined } = election;
  const candidate = candidateOf(kube, election);
  while (!stop.aborted) {
    const start = performance.now();
    const took = await candidate.turn().catch(reportTo(onTrouble));
    if (took?.whose === 'mine') await serve(candidate, { number: took.term, start, every, onTrouble, stop, lead });
    await sleep(ms(every * (1 + Math.random() / 5)), stop).catch(() => undefined);
  }
}

interface Term {
  readonly number: number;
  /** When the turn that took the lease began, by the monotonic clock. */
  readonly start: number;
  readonly every: Ms;
  readonly onTrouble: (trouble: Error) => void;
  readonly stop: AbortSignal;
  readonly lead: (end: AbortSignal, term: number) => Promise<void>;
}

/** One time of leading: renews until told to stop, the lease is lost, or the work has ended by itself. */
async function serve(candidate: Candidate, { number, start, every, onTrouble, stop, lead }: Term): Promise<void> {
  const lost = new AbortController();
  const giveUp = (why: string): void => lost.abort(new Error(`the lease ${candidate.label} ${why}`));
  const giveUpLate = (): void => giveUp('could not be renewed in time');
  let renewedAt = start;
  const end = lapsingSignal([stop, lost.signal], () => renewedAt + candidate.renewWithin, giveUpLate);
  // A timer of its own: it burns even while a request hangs.
  const fuse = (): NodeJS.Timeout => setTimeout(giveUpLate, candidate.renewWithin - (performance.now() - renewedAt));

  let timer = fuse();
  const work = Promise.resolve()
    .then(() => lead(end, number))
    .then(
      () => undefined,
      (e: unknown) => ({ failed: e }),
    )
    .finally(() => giveUp('is not needed any more'));
  while (await pause(every, end)) {
    const since = performance.now();
    const kept = await candidate.turn().catch(reportTo(onTrouble));
    if (kept?.whose === 'theirs') giveUp('was taken by another');
    // A renewal that comes back late says nothing any more: others may have read the record before it.
    if (kept?.whose !== 'mine' || end.aborted) continue;
    clearTimeout(timer);
    renewedAt = since;
    timer = fuse();
  }
  clearTimeout(timer);
  const outcome = await work;
  await candidate.release().catch(reportTo(onTrouble));
  if (outcome !== undefined && outcome.failed !== end.reason) throw outcome.failed;
}

function pause(span: Ms, end: AbortSignal): Promise<boolean> {
  return sleep(span, end).then(
    () => true,
    () => false,
  );
}

function reportTo(onTrouble: (trouble: Error) => void): (e: unknown) => undefined {
  return (e) => {
    onTrouble(e as Error);
    return undefined;
  };
}

const ignore = (): void => undefined;

type Turn = { readonly whose: 'mine'; readonly term: number } | { readonly whose: 'theirs' } | undefined;

interface Candidate {
  readonly label: string;
  readonly renewWithin: Ms;
  /** Takes or renews. `undefined`: another was quicker by a moment, ask again. */
  turn(): Promise<Turn>;
  release(): Promise<void>;
}

function candidateOf(connected: Kube, election: Election): Candidate {
  const { name, namespace, identity, duration = seconds(15), renewWithin = seconds(10), onTurn = ignore } = election;
  const label = `${namespace}/${name}`;
  if (renewWithin >= duration)
    throw new RangeError(
      `lease ${label}: renewWithin (${renewWithin} ms) must be below duration (${duration} ms), or two lead`,
    );
  // A turn has two requests, and a turn that hangs must leave time for another.
  const kube = connected.within(ms(renewWithin / 4));
  let version = '';
  let since = performance.now();

  const observe = async (): Promise<{ readonly old: LeaseObject | undefined; readonly seen: LeaseSeen }> => {
    const old = await kube.get(leases, { name, namespace });
    const versionNow = old?.metadata.resourceVersion ?? '';
    if (versionNow !== version) {
      version = versionNow;
      since = performance.now();
    }
    return { old, seen: { spec: old?.spec, unchanged: ms(performance.now() - since), at: now() } };
  };

  /** False when the record was not as observed any more: that refusal is the whole lock. */
  const write = async (old: LeaseObject | undefined, spec: LeaseSpec): Promise<boolean> => {
    try {
      if (old === undefined) await kube.create(leases, { metadata: { name, namespace }, spec });
      else await kube.replace(leases, { ...old, spec });
      return true;
    } catch (e) {
      if (e instanceof KubeError && e.status === 409) return false;
      throw e;
    }
  };

  const turn = async (): Promise<Turn> => {
    const { old, seen } = await observe();
    onTurn();
    const step = planLease(seen, identity, duration);
    if (step.do === 'wait') return { whose: 'theirs' };
    return (await write(old, step.spec)) ? { whose: 'mine', term: step.spec.leaseTransitions } : undefined;
  };

  const release = async (): Promise<void> => {
    const { old, seen } = await observe();
    const spec = planRelease(seen, identity);
    if (spec !== undefined) await write(old, spec);
  };

  return { label, renewWithin, turn, release };
}

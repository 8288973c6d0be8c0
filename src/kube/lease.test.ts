import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Ms, ms, seconds, sleep } from '#unit/clock.ts';
import { type Kube, KubeError } from './kube.ts';
import { type Election, elect } from './lease.ts';
import type { LeaseObject } from './resources.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/**
 * One lease in memory, for what a real server does not do on demand: answers that are late by a given time. It leaves out
 * everything but one object's versions. test/lab/kube/lease.test.ts has the real server.
 */
class OneLease {
  object: LeaseObject | undefined;
  /** How long the server takes for a reading, and for a writing. */
  reading: Ms = ms(0);
  writing: Ms = ms(0);
  /** What every request fails with. */
  trouble: Error | undefined;
  /** The deadline that each request is given. */
  limit: Ms | undefined;
  #version = 0;

  readonly kube = {
    within: (limit: Ms) => {
      this.limit = limit;
      return this.kube;
    },
    get: async (_: unknown, at: { readonly name: string; readonly namespace?: string }) => {
      await this.#take(this.reading);
      return at.namespace === 'kube-system' && at.name === 'controller' ? this.object : undefined;
    },
    create: async (_: unknown, object: LeaseObject) => {
      await this.#take(this.writing);
      if (this.object !== undefined) throw conflict();
      return this.put(object);
    },
    replace: async (_: unknown, object: LeaseObject) => {
      await this.#take(this.writing);
      if (object.metadata.resourceVersion !== this.object?.metadata.resourceVersion) throw conflict();
      return this.put(object);
    },
  } as unknown as Kube;

  /** As somebody else would write it. */
  put(object: LeaseObject): LeaseObject {
    this.object = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    return this.object;
  }

  heldBy(holderIdentity: string): void {
    this.put({
      metadata: { namespace: 'kube-system', name: 'controller' },
      spec: { holderIdentity, leaseDurationSeconds: 15, leaseTransitions: 6 },
    });
  }

  async #take(span: Ms): Promise<void> {
    if (span > 0) await sleep(span);
    if (this.trouble !== undefined) throw this.trouble;
  }
}

const conflict = (): KubeError => new KubeError('writing', { status: 409, reason: 'Conflict', message: 'moved on' });

/** What happened to a candidate, in seconds since it stood. */
function stand(lease: OneLease, wish: Partial<Election> = {}) {
  const from = performance.now();
  const clock = (): number => Math.round((performance.now() - from) / 100) / 10;
  const stop = new AbortController();
  const terms: { from: number; term: number; to?: number; why?: string }[] = [];
  const troubles: string[] = [];
  const done = elect(
    lease.kube,
    {
      name: 'controller',
      namespace: 'kube-system',
      identity: 'me',
      onTrouble: ({ message }) => void troubles.push(message),
      ...wish,
    },
    stop.signal,
    async (end, term) => {
      const served: (typeof terms)[number] = { from: clock(), term };
      terms.push(served);
      await sleep(seconds(10_000), end).catch(() => undefined);
      served.to = clock();
      served.why = (end.reason as Error).message;
    },
  );
  return { terms, troubles, stop, done };
}

const past = (span: number): Promise<unknown> => vi.advanceTimersByTimeAsync(span * 1000);

test('a free lease is taken at once, kept, and given back when the work is told to stop', async () => {
  const lease = new OneLease();
  const { terms, troubles, stop, done } = stand(lease);
  await past(60);
  expect(lease.object).toMatchObject({
    metadata: { namespace: 'kube-system', name: 'controller' },
    spec: { holderIdentity: 'me', leaseDurationSeconds: 15, leaseTransitions: 0 },
  });
  expect(terms).toEqual([{ from: 0, term: 0 }]);
  stop.abort(new Error('enough'));
  await done;
  expect(terms).toEqual([{ from: 0, term: 0, to: 60, why: 'enough' }]);
  expect(lease.object?.spec).toMatchObject({ holderIdentity: '' });
  expect(troubles).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('each turn leaves time for another before the lease is lost', async () => {
  const lease = new OneLease();
  const { stop, done } = stand(lease, { duration: seconds(15), renewWithin: seconds(8) });
  expect(lease.limit).toBe(2000);
  stop.abort();
  await done;
});

test("another's lease is waited for until it has stood still for its duration", async () => {
  const lease = new OneLease();
  lease.heldBy('other');
  const { terms, stop, done } = stand(lease);
  await past(10);
  // It is alive: renewed once, then never again.
  lease.heldBy('other');
  await past(14.5);
  expect(terms).toEqual([]);
  await past(6);
  expect(terms).toMatchObject([{ term: 7 }]);
  stop.abort();
  await done;
});

test('a leader whose lease another has taken ends at its next turn', async () => {
  const lease = new OneLease();
  const { terms, stop, done } = stand(lease, { every: seconds(2) });
  await past(5);
  lease.heldBy('other');
  await past(2);
  expect(terms).toEqual([{ from: 0, term: 0, to: 6, why: 'the lease kube-system/controller was taken by another' }]);
  expect(lease.object?.spec).toMatchObject({ holderIdentity: 'other' });
  stop.abort();
  await done;
});

test('a leader that cannot renew ends ten seconds after the beginning of the last renewal that worked', async () => {
  const lease = new OneLease();
  lease.writing = ms(1000);
  const { terms, troubles, stop, done } = stand(lease, { every: seconds(2) });
  // Taken from 0 to 1, renewed from 3 to 4 and from 6 to 7.
  await past(7.5);
  lease.trouble = new Error('no route to host');
  await past(8.4);
  expect(terms).toEqual([{ from: 1, term: 0 }]);
  await past(0.2);
  expect(terms).toEqual([
    { from: 1, term: 0, to: 16, why: 'the lease kube-system/controller could not be renewed in time' },
  ]);
  expect(new Set(troubles)).toEqual(new Set(['no route to host']));
  stop.abort();
  await done;
});

test('a term counts from before the request that took the lease', async () => {
  const lease = new OneLease();
  lease.reading = ms(4000);
  const { terms, stop, done } = stand(lease);
  await past(4.5);
  lease.trouble = new Error('no route to host');
  await past(6);
  expect(terms).toEqual([
    { from: 4, term: 0, to: 10, why: 'the lease kube-system/controller could not be renewed in time' },
  ]);
  stop.abort();
  await past(10);
  await done;
});

test('a renewal that comes back after the term is over does not bring it back', async () => {
  const lease = new OneLease();
  const { terms, stop, done } = stand(lease, { every: seconds(2) });
  await past(1);
  lease.writing = ms(9000);
  // The renewal begins at 2 and ends at 11; the term of the first one ends at 10.
  await past(30);
  expect(terms[0]).toEqual({
    from: 0,
    term: 0,
    to: 10,
    why: 'the lease kube-system/controller could not be renewed in time',
  });
  stop.abort();
  await past(30);
  await done;
});

test('one failed turn among many ends nothing', async () => {
  const lease = new OneLease();
  const { terms, troubles, stop, done } = stand(lease, { every: seconds(2) });
  await past(3);
  lease.trouble = new Error('no route to host');
  await past(2);
  lease.trouble = undefined;
  await past(60);
  expect(troubles).toEqual(['no route to host']);
  expect(terms).toEqual([{ from: 0, term: 0 }]);
  stop.abort();
  await done;
});

test('who was quicker by a moment leads, and the other asks again without trouble', async () => {
  const lease = new OneLease();
  lease.writing = ms(100);
  const { terms, troubles, stop, done } = stand(lease);
  await past(0.05);
  lease.heldBy('other');
  await past(10);
  expect(terms).toEqual([]);
  expect(troubles).toEqual([]);
  stop.abort();
  await done;
});

test('a refusal that is no conflict is told, and the lease is asked for again', async () => {
  const lease = new OneLease();
  lease.trouble = new KubeError('reading', { status: 403, reason: 'Forbidden', message: 'no' });
  const { terms, troubles, stop, done } = stand(lease);
  await past(5);
  expect(troubles.length).toBeGreaterThanOrEqual(2);
  expect(terms).toEqual([]);
  lease.trouble = undefined;
  await past(3);
  expect(terms).toMatchObject([{ term: 0 }]);
  stop.abort();
  await done;
});

test('a writing that is refused is told', async () => {
  const lease = new OneLease();
  const refused = new KubeError('writing', { status: 403, reason: 'Forbidden', message: 'no' });
  Object.assign(lease.kube, { create: () => Promise.reject(refused) });
  const { terms, troubles, stop, done } = stand(lease);
  await past(1);
  expect(terms).toEqual([]);
  expect(troubles).toEqual([refused.message]);
  stop.abort();
  await done;
});

test('candidates come back between every 2 s and a fifth later, unless told', async () => {
  const lease = new OneLease();
  let reads = 0;
  const get = lease.kube.get.bind(lease.kube);
  Object.assign(lease.kube, { get: (...args: Parameters<typeof get>) => (reads++, get(...args)) });
  lease.heldBy('other');
  vi.spyOn(Math, 'random').mockReturnValue(0);
  const { stop, done } = stand(lease);
  await past(1.9);
  expect(reads).toBe(1);
  vi.spyOn(Math, 'random').mockReturnValue(1);
  await past(0.2);
  expect(reads).toBe(2);
  await past(2.2);
  expect(reads).toBe(2);
  await past(0.2);
  expect(reads).toBe(3);
  vi.restoreAllMocks();
  stop.abort();
  await done;
});

test('the lease is given back only when the work has ended, and is renewed until then by nobody', async () => {
  const lease = new OneLease();
  const stop = new AbortController();
  const identity = { name: 'controller', namespace: 'kube-system', identity: 'me' };
  const done = elect(lease.kube, identity, stop.signal, async (end) => {
    await sleep(seconds(10_000), end).catch(() => undefined);
    await sleep(seconds(5));
  });
  await past(1);
  stop.abort();
  await past(4.9);
  expect(lease.object?.spec?.holderIdentity).toBe('me');
  await past(0.2);
  expect(lease.object?.spec?.holderIdentity).toBe('');
  await done;
});

test('work that ends by itself gives the lease back, and leads again at its next turn', async () => {
  const lease = new OneLease();
  const stop = new AbortController();
  let times = 0;
  const identity = { name: 'controller', namespace: 'kube-system', identity: 'me' };
  const done = elect(lease.kube, identity, stop.signal, async () => {
    times++;
    await sleep(seconds(1));
  });
  await past(1.5);
  expect([times, lease.object?.spec?.holderIdentity]).toEqual([1, '']);
  await past(4);
  expect(times).toBe(2);
  stop.abort();
  await past(5);
  await done;
});

test('a signal that outlives its work says that the lease is not needed any more', async () => {
  const lease = new OneLease();
  const stop = new AbortController();
  const identity = { name: 'controller', namespace: 'kube-system', identity: 'me' };
  let end: AbortSignal | undefined;
  const done = elect(lease.kube, identity, stop.signal, async (own) => {
    end ??= own;
  });
  await past(1);
  expect(end?.reason).toEqual(new Error('the lease kube-system/controller is not needed any more'));
  stop.abort();
  await done;
});

test('a process that stood still past its time learns at its first look that it leads no more', async () => {
  const lease = new OneLease();
  const stop = new AbortController();
  const identity = { name: 'controller', namespace: 'kube-system', identity: 'me' };
  let end: AbortSignal | undefined;
  const done = elect(lease.kube, identity, stop.signal, async (own) => {
    end = own;
    await sleep(seconds(10_000), own).catch(() => undefined);
  });
  await past(0.5);
  expect(end?.aborted).toBe(false);
  // No timer has run yet.
  const frozen = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 10_000);
  expect(end?.aborted).toBe(true);
  frozen.mockRestore();
  stop.abort();
  await past(5);
  await done;
});

test('every turn that the server answered is heard of, whoever leads, and none that failed', async () => {
  const lease = new OneLease();
  lease.heldBy('other');
  let turns = 0;
  const { stop, done } = stand(lease, { onTurn: () => void turns++ });
  await past(5);
  const answered = turns;
  expect(answered).toBeGreaterThanOrEqual(2);
  lease.trouble = new Error('no route to host');
  await past(10);
  expect(turns).toBe(answered);
  stop.abort();
  await done;
});

test('work that fails gives the lease back, and its failure to the caller', async () => {
  const lease = new OneLease();
  const election = { name: 'controller', namespace: 'kube-system', identity: 'me' };
  await expect(
    elect(lease.kube, election, new AbortController().signal, () => {
      throw new Error('no disk');
    }),
  ).rejects.toThrow('no disk');
  expect(lease.object?.spec?.holderIdentity).toBe('');
});

test('work that ends with the very reason that it was told is no failure', async () => {
  const lease = new OneLease();
  const stop = new AbortController();
  const election = { name: 'controller', namespace: 'kube-system', identity: 'me' };
  const done = elect(lease.kube, election, stop.signal, (end) => sleep(seconds(100), end));
  await past(1);
  stop.abort(new Error('enough'));
  await expect(done).resolves.toBeUndefined();
});

test('a lease that cannot be given back is told, and ends nothing', async () => {
  const lease = new OneLease();
  const { troubles, stop, done } = stand(lease);
  await past(1);
  lease.trouble = new Error('no route to host');
  stop.abort();
  await done;
  expect(troubles).toEqual(['no route to host']);
});

test.each([10, 11])('durations that would let two lead are refused: renewed within %i s of 10 s', async (within) => {
  const lease = new OneLease();
  const { done } = stand(lease, { duration: seconds(10), renewWithin: seconds(within) });
  await expect(done).rejects.toThrow(
    `lease kube-system/controller: renewWithin (${within}000 ms) must be below duration (10000 ms), or two lead`,
  );
});

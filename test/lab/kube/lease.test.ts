import { expect, test } from 'vitest';
import { connect } from '#kube/client.ts';
import type { Kube } from '#kube/kube.ts';
import { elect } from '#kube/lease.ts';
import { leases } from '#kube/resources.ts';
import { type Ms, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { startProxy } from '../../support/proxy.ts';

const api = apiServerForTests();

/** Shorter than in use, in the same proportions. */
const quick = { duration: seconds(5), renewWithin: seconds(3), every: ms(500) } as const;

interface Candidate {
  readonly stop: AbortController;
  readonly done: Promise<void>;
  /** Each time of leading, by one clock for all. */
  readonly terms: { from: number; to: number | undefined }[];
}

/** A candidate whose work takes `winding` to end once it is told to. */
function stand(name: string, identity: string, by: Kube = api.kube, winding: Ms = ms(0)): Candidate {
  const stop = new AbortController();
  const terms: Candidate['terms'] = [];
  const done = elect(by, { name, namespace: 'default', identity, ...quick }, stop.signal, async (end) => {
    const term: Candidate['terms'][number] = { from: performance.now(), to: undefined };
    terms.push(term);
    await sleep(seconds(600), end).catch(() => undefined);
    await sleep(winding);
    term.to = performance.now();
  });
  return { stop, done, terms };
}

async function leads(candidate: Candidate, within: Ms): Promise<void> {
  await waitFor(
    'the candidate to lead',
    async () => candidate.terms.at(-1)?.to === undefined && candidate.terms.length > 0,
    {
      within,
      every: ms(20),
    },
  );
}

async function end(...candidates: readonly Candidate[]): Promise<void> {
  for (const { stop } of candidates) stop.abort();
  await Promise.all(candidates.map(({ done }) => done));
}

function overlaps(a: Candidate, b: Candidate): boolean {
  return a.terms.some((x) => b.terms.some((y) => x.from < (y.to ?? Infinity) && y.from < (x.to ?? Infinity)));
}

test('of two candidates one leads, and after its clean stop the other does within two seconds', async () => {
  const [one, two] = [stand('clean', 'one'), stand('clean', 'two')];
  await waitFor('one to lead', async () => one.terms.length + two.terms.length > 0, {
    within: seconds(5),
    every: ms(20),
  });
  await sleep(seconds(2));
  expect(one.terms.length + two.terms.length).toBe(1);
  const [first, second] = one.terms.length === 1 ? [one, two] : [two, one];
  await end(first);
  await leads(second, seconds(2));
  expect(overlaps(one, two)).toBe(false);
  await end(second);
  expect((await api.kube.get(leases, { namespace: 'default', name: 'clean' }))?.spec).toMatchObject({
    holderIdentity: '',
    leaseTransitions: expect.any(Number),
  });
});

test('a leader that is cut off stops by itself before the other takes over', async () => {
  const wire = await startProxy(api.server.port);
  const cutOff = connect({ ...api.server.access, server: `https://127.0.0.1:${wire.port}` });
  const one = stand('cut', 'one', cutOff);
  await leads(one, seconds(5));
  const two = stand('cut', 'two');
  await sleep(seconds(1));
  expect(two.terms).toEqual([]);
  const cutAt = performance.now();
  wire.cut();
  await leads(two, seconds(10));
  const [before, after] = [one.terms[0]?.to, two.terms[0]?.from];
  expect(before).toBeLessThan(cutAt + quick.renewWithin + 500);
  expect(after).toBeGreaterThan(before as number);
  expect(after).toBeLessThan(cutAt + quick.duration + 2 * quick.every + 1000);

  wire.mend();
  await sleep(seconds(2));
  expect(one.terms).toHaveLength(1);
  expect(overlaps(one, two)).toBe(false);
  await end(one, two);
  await cutOff.close();
  await wire.close();
});

test('a leader whose connection swallows everything stops in time too', async () => {
  const wire = await startProxy(api.server.port);
  const deaf = connect({ ...api.server.access, server: `https://127.0.0.1:${wire.port}` });
  const one = stand('hole', 'one', deaf);
  await leads(one, seconds(5));
  const holeAt = performance.now();
  // Again and again, because a new connection would work.
  const digging = setInterval(() => wire.blackHole(), 5);
  const two = stand('hole', 'two');
  await leads(two, seconds(10));
  clearInterval(digging);
  expect(one.terms[0]?.to).toBeLessThan(holeAt + quick.renewWithin + 500);
  expect(overlaps(one, two)).toBe(false);
  await end(one, two);
  await deaf.close();
  await wire.close();
});

test('a leader whose one connection falls silent keeps its lease over a new one', async () => {
  const wire = await startProxy(api.server.port);
  const by = connect({ ...api.server.access, server: `https://127.0.0.1:${wire.port}` });
  const one = stand('silent', 'one', by);
  await leads(one, seconds(5));
  wire.blackHole();
  await sleep(ms(quick.renewWithin + quick.duration));
  expect(one.terms).toEqual([{ from: expect.any(Number), to: undefined }]);
  await end(one);
  await by.close();
  await wire.close();
});

test('of three candidates whose lines fail again and again never two lead', async () => {
  const standing = await Promise.all(
    ['one', 'two', 'three'].map(async (identity) => {
      const wire = await startProxy(api.server.port);
      const by = connect({ ...api.server.access, server: `https://127.0.0.1:${wire.port}` });
      return { wire, by, candidate: stand('many', identity, by) };
    }),
  );
  const candidates = standing.map(({ candidate }) => candidate);
  const leading = async () =>
    standing.find(({ candidate: { terms } }) => terms.length > 0 && terms.at(-1)?.to === undefined);
  const awaitLeader = () => waitFor('one to lead', leading, { within: seconds(20), every: ms(20) });
  for (let round = 0; round < 3; round++) {
    const leader = await awaitLeader();
    // A short fault anywhere, which a leader may outlive, and a long one, which it must not.
    const anyone = standing[Math.floor(Math.random() * standing.length)] ?? leader;
    if (Math.random() < 0.5) anyone.wire.cut();
    else anyone.wire.blackHole();
    await sleep(ms(Math.random() * 2000));
    anyone.wire.mend();
    leader.wire.cut();
    await waitFor('another to lead', async () => ![undefined, leader].includes(await leading()), {
      within: seconds(20),
      every: ms(20),
    });
    leader.wire.mend();
  }
  await end(...candidates);
  const [one, two, three] = candidates as [Candidate, Candidate, Candidate];
  expect([overlaps(one, two), overlaps(two, three), overlaps(one, three)]).toEqual([false, false, false]);
  expect(candidates.flatMap(({ terms }) => terms).length).toBeGreaterThanOrEqual(4);
  for (const { by, wire } of standing) {
    await by.close();
    await wire.close();
  }
});

test('a leader keeps its lease through a short absence of the server', async () => {
  const one = stand('restart', 'one');
  await leads(one, seconds(5));
  const held = await api.kube.get(leases, { namespace: 'default', name: 'restart' });
  api.server.freeze();
  await sleep(ms(700));
  api.server.thaw();
  await waitFor(
    'a renewal after the absence',
    async () =>
      (await api.kube.get(leases, { namespace: 'default', name: 'restart' }))?.metadata.resourceVersion !==
      held?.metadata.resourceVersion,
    { within: seconds(5) },
  );
  await sleep(seconds(3));
  expect(one.terms).toEqual([{ from: expect.any(Number), to: undefined }]);
  await end(one);
});

test('the lease is given back only when the work has ended', async () => {
  const one = stand('winding', 'one', api.kube, seconds(2));
  await leads(one, seconds(5));
  const two = stand('winding', 'two');
  const stopping = end(one);
  await leads(two, seconds(5));
  await stopping;
  expect(two.terms[0]?.from).toBeGreaterThan(one.terms[0]?.to as number);
  await end(two);
});

test('work that fails gives the lease back and its failure to the caller', async () => {
  const failing = elect(
    api.kube,
    { name: 'failing', namespace: 'default', identity: 'one', ...quick },
    new AbortController().signal,
    async () => {
      throw new Error('the work broke');
    },
  );
  await expect(failing).rejects.toThrow('the work broke');
  const two = stand('failing', 'two');
  await leads(two, seconds(1));
  await end(two);
});

test('durations that would let two lead are refused', async () => {
  const election = { name: 'n', namespace: 'default', identity: 'one', duration: seconds(5), renewWithin: seconds(5) };
  await expect(elect(api.kube, election, new AbortController().signal, async () => undefined)).rejects.toThrow(
    'must be below duration',
  );
});

import { describe, expect, test } from 'vitest';
import type { ArpPacket } from '#host/arp/frame.ts';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import type { SinceBoot } from '#unit/clock.ts';
import { type Ip, ip } from '#unit/ip.ts';
import { clearSpec, conflictsIn, explainConflicts, hear, knownSpec, planProbes, type Watch } from './plan-watch.ts';

const [a, b] = [ip('192.168.50.128'), ip('192.168.50.129')];
const own = '02:00:00:00:00:01';
const foreign = '02:00:00:00:00:99';
const at = (ms: number): SinceBoot => (1_000_000 + ms) as SinceBoot;
const none: ReadonlySet<Ip> = new Set();

/** Runs from 0 to `until` in steps of 100 ms. @shape what was probed, each with its time, and what is known at the end */
function run(
  until: number,
  watch: Watch = new Map(),
  held: (ms: number) => ReadonlySet<Ip> = () => none,
  from = 0,
): { readonly probed: readonly (readonly [number, Ip])[]; readonly watch: Watch } {
  const probed: [number, Ip][] = [];
  let now = watch;
  for (let ms = from; ms <= until; ms += 100) {
    const step = planProbes(now, { listed: [a], held: held(ms), at: at(ms) });
    now = step.watch;
    for (const address of step.probe) probed.push([ms, address]);
  }
  return { probed, watch: now };
}

const asks = (target: Ip, from: Ip, mac = foreign): ArpPacket => ({ does: 'asks', from: { mac, ip: from }, target });
const answers = (from: Ip, mac = foreign): ArpPacket => ({ does: 'answers', from: { mac, ip: from }, target: b });
const probes = (target: Ip, mac = foreign): ArpPacket => asks(target, ip('0.0.0.0'), mac);
const heard = (watch: Watch, packet: ArpPacket, ms: number, held = none) =>
  hear(watch, packet, { held, at: at(ms), own });

describe('probing', () => {
  test('a new address is probed three times, and is for pods when nobody has answered for as long again', () => {
    expect(run(800).probed).toEqual([
      [0, a],
      [300, a],
      [600, a],
    ]);
    expect(run(800).watch.get(a)).toMatchObject({ clear: false, known: false });
    expect(run(900).watch.get(a)).toMatchObject({ clear: true, known: true, sent: 0 });
  });

  test('one that is free is probed once a minute, and stays for pods meanwhile', () => {
    const { probed, watch } = run(130_000);
    expect(probed.slice(3)).toEqual([
      [60_900, a],
      [120_900, a],
    ]);
    expect(watch.get(a)?.clear).toBe(true);
  });

  test('one that a pod has is not probed, and is probed from the beginning when its pod has gone', () => {
    const held = (ms: number): ReadonlySet<Ip> => new Set(ms < 5_000 ? [a] : []);
    const { probed, watch } = run(6_000, new Map(), held);
    expect(probed.map(([ms]) => ms)).toEqual([5_000, 5_300, 5_600]);
    expect(watch.get(a)).toMatchObject({ clear: true, known: true });
    expect(run(5_500, new Map(), held).watch.get(a)).toMatchObject({ clear: false, known: true });
  });

  test('one that is listed no more is forgotten', () => {
    const { watch } = run(900);
    expect(planProbes(watch, { listed: [b], held: none, at: at(1000) }).watch.has(a)).toBe(false);
  });
});

describe('hearing', () => {
  const clear = run(900).watch;

  test.each([
    ['answers for it', answers(a)],
    ['announces it', asks(a, a)],
    ['asks for somebody else with it', asks(ip('192.168.50.1'), a)],
    ['probes it, so is about to take it', probes(a)],
  ])('an address is no pod’s when somebody %s', (_, packet) => {
    const { watch, does } = heard(clear, packet, 1000);
    expect(does).toBe('nothing');
    expect(watch.get(a)).toEqual({ clear: false, known: true, sent: 0, next: at(61_000), foreign });
  });

  test.each([
    ['its own packets', answers(a, own)],
    ['its own probes', probes(a, own)],
    ['who asks for the address with another one', asks(a, b)],
    ['answers for addresses that are not of its slice', answers(b)],
    ['probes of addresses that are not of its slice', probes(b)],
  ])('a machine takes no note of %s', (_, packet) => {
    expect(heard(clear, packet, 1000)).toEqual({ watch: clear, does: 'nothing' });
  });

  test('an answer in the middle of a series ends it', () => {
    const early = heard(run(300).watch, answers(a), 350).watch;
    expect(run(2_000, early, undefined, 400).probed).toEqual([]);
    expect(run(2_000, early, undefined, 400).watch.get(a)).toMatchObject({ clear: false, known: false, foreign });
  });

  test('an address of a stranger is tried again each minute, and is for pods when nobody answers any more', () => {
    const taken = heard(clear, answers(a), 1000).watch;
    const before = run(61_800, taken, undefined, 1100);
    expect(before.probed.map(([ms]) => ms)).toEqual([61_000, 61_300, 61_600]);
    expect(before.watch.get(a)).toMatchObject({ clear: false, foreign });
    const after = run(61_900, taken, undefined, 1100).watch.get(a);
    expect(after).toEqual({ clear: true, known: true, sent: 0, next: at(121_900) });
  });

  test('who probes the address of a pod is answered, and is no stranger to it', () => {
    const held = new Set([a]);
    const watch = run(100, new Map(), () => held).watch;
    expect(heard(watch, probes(a), 200, held)).toEqual({ watch, does: 'answer' });
  });

  test('who uses the address of a pod is told and answered with an announcement, until he is heard no more', () => {
    const held = new Set([a]);
    const { watch, does } = heard(run(100, new Map(), () => held).watch, answers(a), 200, held);
    expect(does).toBe('defend');
    expect(conflictsIn(watch, held)).toEqual([{ ip: a, mac: foreign, held: true }]);
    const later = run(61_000, watch, () => held, 300);
    expect(later.probed.map(([ms]) => ms)).toEqual([60_200, 60_500, 60_800]);
    const end = run(61_200, watch, () => held, 300).watch;
    expect(end.get(a)).toMatchObject({ clear: false, known: true });
    expect(conflictsIn(end, held)).toEqual([]);
  });
});

test('an answer of who has no address yet is no question whether one is free', () => {
  const watch = run(900).watch;
  const packet: ArpPacket = { does: 'answers', from: { mac: foreign, ip: ip('0.0.0.0') }, target: a };
  expect(heard(watch, packet, 1000, new Set([a]))).toEqual({ watch, does: 'nothing' });
});

describe('telling', () => {
  test('conflicts are told with the MAC address, and whether a pod has the address', () => {
    const taken = heard(run(900).watch, answers(a), 1000).watch;
    expect(conflictsIn(taken, none)).toEqual([{ ip: a, mac: foreign, held: false }]);
    expect(explainConflicts([])).toBe(undefined);
    expect(
      explainConflicts([
        { ip: a, mac: foreign, held: false },
        { ip: b, mac: foreign, held: true },
      ]),
    ).toBe(
      'another machine uses addresses of pods: 192.168.50.128 is used by 02:00:00:00:00:99, 192.168.50.129 is used by 02:00:00:00:00:99 and by a pod; no pod gets them until it stops. Give that machine another address, or set another range for pods aside',
    );
  });

  test('of many conflicts ten are told, and how many more there are', () => {
    const many = Array.from({ length: 12 }, (_, i) => ({ ip: ip(`10.0.0.${i}`), mac: foreign, held: false }));
    expect(explainConflicts(many)).toContain(
      '10.0.0.8 is used by 02:00:00:00:00:99, 10.0.0.9 is used by 02:00:00:00:00:99 and 2 more; no pod',
    );
    expect(explainConflicts(many)).toContain('10.0.0.9 is used by 02:00:00:00:00:99 and 2 more; no pod');
    expect(explainConflicts(many.slice(0, 10))).toContain('10.0.0.9 is used by 02:00:00:00:00:99; no pod');
  });

  test('of a bridged range only clear addresses are for pods, and known ones make the node fit', () => {
    const since = '2026-11-30T12:00:00Z';
    const entry = (address: Ip, state: 'usable' | 'releasing' = 'usable') => ({ ip: address as string, state, since });
    const bridged = { pods: '192.168.50.128-192.168.50.250' };
    const c = ip('192.168.50.130');
    const spec: PodRangeSpec = { ground: 'site', bridged, addresses: [entry(a), entry(b), entry(c, 'releasing')] };
    const next = at(0);
    const states = (one: PodRangeSpec): unknown => one.addresses?.map(({ state }) => state);
    const watch: Watch = new Map([
      [a, { clear: true, known: true, sent: 0, next }],
      [b, { clear: false, known: true, sent: 1, next }],
    ]);
    expect(states(clearSpec(spec, watch))).toEqual(['usable', 'settling', 'releasing']);
    expect(states(knownSpec(spec, watch))).toEqual(['usable', 'usable', 'releasing']);
    const taken: Watch = new Map([[a, { clear: false, known: true, sent: 0, next, foreign }]]);
    expect(states(knownSpec(spec, taken))).toEqual(['settling', 'settling', 'releasing']);
    // What is not watched yet may be anybody's.
    expect(states(clearSpec(spec, new Map()))).toEqual(['settling', 'settling', 'releasing']);
    expect(states(knownSpec(spec, new Map()))).toEqual(['settling', 'settling', 'releasing']);
    const cloud: PodRangeSpec = { ground: 'cloud', addresses: [entry(a)] };
    expect(clearSpec(cloud, new Map())).toBe(cloud);
    expect(clearSpec({ ground: 'site', bridged }, new Map()).addresses).toEqual([]);
  });
});

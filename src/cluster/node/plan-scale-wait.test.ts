import { describe, expect, test } from 'vitest';
import type { NodeGroupObject } from '#kube/api/node-group.ts';
import { type Instant, minutes } from '#unit/clock.ts';
import {
  beginScaleMemory,
  planGrowthWait,
  planShrinkingWait,
  type ScaleMemory,
  type ScaleSeen,
  type ScaleWait,
} from './plan-scale-wait.ts';
import { groupWith, leaving, memberNamed } from './scaled-group.example.ts';

const at = Date.parse('2026-11-30T10:00:00Z') as Instant;
const ago = (span: number): Instant => (at - span) as Instant;
const [a, b, c] = [memberNamed('a'), memberNamed('b'), memberNamed('c')];
const fresh = beginScaleMemory(at);
const nodesOf = (...ready: readonly string[]): ReadonlyMap<string, boolean> =>
  new Map([...ready.map((name) => [name, true] as const), ['idle', false] as const]);
const seen = (group: NodeGroupObject | undefined, nodes = nodesOf('a')): ScaleSeen => ({ at, group, nodes });
const waiting = (said: string, change: Partial<ScaleMemory> = {}): ScaleWait => ({
  at: 'waiting',
  memory: { said, since: at, stuck: undefined, ...change },
});

/** As nobody has seen it yet. */
const { status: _, ...bare } = groupWith([a], { desired: 2 });
const other = {
  type: 'Other',
  status: 'False',
  reason: 'MachinesDoNotJoin',
  message: 'no',
  lastTransitionTime: '',
} as const;

describe('machines that were added', () => {
  const asked = { group: 'burst', to: 2, before: ['a'] };
  const making = (reason: string, message = 'words') => seen(groupWith([a, b], {}, { said: [reason, message] }));

  test.each<[string, ScaleSeen, ScaleWait]>([
    [
      'are there when they are Ready, whatever the earlier ones do',
      seen(groupWith([a, b]), nodesOf('b')),
      { at: 'there', nodes: ['b'] },
    ],
    [
      'are told by name, in order',
      seen(groupWith([a, c, b], { desired: 3 }), nodesOf('b', 'c')),
      { at: 'there', nodes: ['b', 'c'] },
    ],
    [
      'are none where one stays that was about to leave',
      seen(groupWith([a, memberNamed('x'), b]), nodesOf('a', 'x', 'b')),
      { at: 'there', nodes: ['b', 'x'] },
    ],
    [
      'are waited for until they are recorded',
      seen(groupWith([a], { desired: 2 }, { said: ['Making', 'one more is asked for'] })),
      waiting('one more is asked for'),
    ],
    [
      'are waited for until all of them are Ready',
      seen(groupWith([a, b, c], {}, { said: ['Joining', 'c is joining'] }), nodesOf('a', 'b')),
      waiting('c is joining'),
    ],
    ['are waited for until the controller has seen the group', seen(bare), waiting('')],
    ['are waited for until each is Ready', making('Joining', 'b is joining'), waiting('b is joining')],
    [
      'do not count when they leave again',
      seen(groupWith([a, memberNamed('b', { leaving })], {}, { said: ['Leaving', 'b leaves'] }), nodesOf('a', 'b')),
      waiting('b leaves'),
    ],
    ['are waited for while the group says nothing', seen(groupWith([a], { desired: 2 })), waiting('')],
    ['do not come when they do not join', making('MachinesDoNotJoin'), { at: 'failed', why: 'words' }],
    [
      'do not come when somebody has scaled',
      seen(groupWith([a], { desired: 1 })),
      { at: 'failed', why: 'somebody has scaled node group burst to 1 meanwhile' },
    ],
    [
      'do not come in a group that is gone',
      seen(undefined),
      { at: 'failed', why: 'node group burst was deleted meanwhile' },
    ],
    [
      'do not come in a group that is being deleted',
      seen(groupWith([a, b], {}, { deleted: true }), nodesOf('a', 'b')),
      { at: 'failed', why: 'node group burst is being deleted; its machines leave' },
    ],
  ])('%s', (_title, look, wait) => {
    expect(planGrowthWait(look, asked, fresh)).toEqual(wait);
  });

  test('only what the group says of its scale counts', () => {
    expect(planGrowthWait(seen({ ...bare, status: { members: [], conditions: [other] } }), asked, fresh)).toEqual(
      waiting(''),
    );
  });

  test.each(['Refused', 'Exhausted', 'CloudUnclear'])('%s is believed after two minutes of it', (reason) => {
    const first = planGrowthWait(making(reason), asked, fresh);
    expect(first).toEqual(waiting('words', { stuck: at }));
    const memory = { said: 'words', since: ago(minutes(9)), stuck: ago(minutes(2) - 1) };
    expect(planGrowthWait(making(reason), asked, memory)).toEqual({ at: 'waiting', memory });
    expect(planGrowthWait(making(reason), asked, { ...memory, stuck: ago(minutes(2)) })).toEqual({
      at: 'failed',
      why: 'words',
    });
  });

  test('and is forgotten when the group says something else', () => {
    const memory = { said: 'words', since: ago(1), stuck: ago(minutes(9)) };
    expect(planGrowthWait(making('Making', 'again'), asked, memory)).toEqual(waiting('again'));
  });

  test('a group whose words do not change for five minutes has no controller', () => {
    const memory = { said: 'words', since: ago(minutes(5) - 1), stuck: undefined };
    expect(planGrowthWait(making('Joining'), asked, memory)).toEqual({ at: 'waiting', memory });
    expect(planGrowthWait(making('Joining'), asked, { ...memory, since: ago(minutes(5)) })).toEqual({
      at: 'failed',
      why: 'words, unchanged for 5 min 00 s; isthmus status tells whether the controller runs',
    });
    const silent = seen(groupWith([a], { desired: 2 }));
    expect(planGrowthWait(silent, asked, { ...fresh, since: ago(minutes(5)) })).toEqual({
      at: 'failed',
      why: 'the group says nothing, unchanged for 5 min 00 s; isthmus status tells whether the controller runs',
    });
  });
});

describe('a machine that was removed', () => {
  const asked = { group: 'burst', machine: 'b' };
  const going = (reason: string): ScaleSeen =>
    seen(groupWith([a, memberNamed('b', { leaving })], {}, { said: [reason, 'words'] }), nodesOf('a', 'b'));

  test.each<[string, ScaleSeen, ScaleWait]>([
    ['is gone with its record and its Node', seen(groupWith([a])), { at: 'there', nodes: [] }],
    ['is gone where nothing is recorded', seen(bare), { at: 'there', nodes: [] }],
    ['is gone with its group', seen(undefined), { at: 'there', nodes: [] }],
    ['is not gone before its Node is', seen(groupWith([a]), nodesOf('a', 'b')), waiting('node b is still there')],
    [
      'is not gone before its Node is, also without its group',
      seen(undefined, nodesOf('b')),
      waiting('node b is still there'),
    ],
    [
      'is not gone before its record is',
      seen(groupWith([a, b], {}, { said: ['Leaving', 'b leaves'] })),
      waiting('b leaves'),
    ],
    ['is waited for while it leaves', going('Leaving'), waiting('words')],
    ['is waited for while pods hold it', going('HeldByPods'), waiting('words', { stuck: at })],
  ])('%s', (_title, look, wait) => {
    expect(planShrinkingWait(look, asked, fresh)).toEqual(wait);
  });

  test.each(['HeldByPods', 'HeldByBudgets', 'CloudUnclear'])('%s is told after five minutes of it', (reason) => {
    const memory = { said: 'words', since: ago(minutes(9)), stuck: ago(minutes(5) - 1) };
    expect(planShrinkingWait(going(reason), asked, memory)).toEqual({ at: 'waiting', memory });
    expect(planShrinkingWait(going(reason), asked, { ...memory, stuck: ago(minutes(5)) })).toEqual({
      at: 'failed',
      why: 'words',
    });
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import type { State } from '../ucloud/products.ts';
import type { Life } from '../ucloud/uhost/machine-life.ts';
import type { MachineRecord } from '../ucloud/uhost/state.ts';
import type { AddressRecord } from '../ucloud/vpc/state.ts';
import { explainRecovery, planRecovery, type RecoveryStep, type WorldSeen } from './plan-recovery.ts';

const running: Life = { state: 'Running', job: undefined };

/** A world without disks and file systems, unless `seen` has some. */
function plan(state: State, seen: Omit<WorldSeen, keyof typeof bare> & Partial<typeof bare>): readonly RecoveryStep[] {
  return planRecovery(state, { ...bare, ...seen });
}

const bare: Pick<WorldSeen, 'disks' | 'snapshots' | 'plugged' | 'shares' | 'mountPoints'> = {
  disks: [],
  snapshots: [],
  plugged: new Map(),
  shares: [],
  mountPoints: new Map(),
};

/** Only what the plan looks at. */
function ledger(
  machines: Readonly<Record<string, Life | 'destroyed'>>,
  addresses: Readonly<Record<string, string>> = {},
  interfaces: Readonly<Record<string, string>> = {},
) {
  return {
    images: [{ id: 'uimage-base' }],
    balancers: [{ id: 'nlb-kept' }],
    applicationBalancers: [{ id: 'alb-kept' }],
    classicBalancers: [],
    udisks: [],
    snapshots: [],
    shares: [],
    interfaces: Object.entries(interfaces).map(([id, machine]) => ({ id, machine, at: 'attached' })),
    machines: Object.entries(machines).map(([id, life]) => ({
      id,
      life: life === 'destroyed' ? { state: 'Stopped', job: 'end' } : life,
      destroyed: life === 'destroyed',
    })) as unknown as MachineRecord[],
    addresses: Object.entries(addresses).map(([ip, heldBy]) => ({ ip, heldBy })) as unknown as AddressRecord[],
  } as unknown as State;
}

const rows: readonly [string, State, readonly string[], readonly string[], readonly RecoveryStep[]][] = [
  [
    'an interface is put in before the power',
    ledger({ a: running }, {}, { 'uni-1': 'a' }),
    ['a'],
    [],
    [
      { do: 'attach', machine: 'a', nic: 'uni-1' },
      { do: 'start', machine: 'a', why: 'should-run' },
    ],
  ],
  ['nothing to do where all is as it should be', ledger({ a: running }), ['a'], ['a'], []],
  [
    'a machine that should run is started',
    ledger({ a: running }),
    ['a'],
    [],
    [{ do: 'start', machine: 'a', why: 'should-run' }],
  ],
  ['a stopped machine stays off', ledger({ a: { state: 'Stopped', job: undefined } }), ['a'], [], []],
  ['work in progress is left to the cloud', ledger({ a: { state: 'Starting', job: 'install' } }), [], [], []],
  ['a failed installation is not begun again', ledger({ a: { state: 'Install Fail', job: undefined } }), [], [], []],
  [
    'addresses are given before the power',
    ledger({ a: running }, { '10.9.0.9': 'a' }),
    ['a'],
    [],
    [
      { do: 'give-address', machine: 'a', ip: '10.9.0.9' },
      { do: 'start', machine: 'a', why: 'should-run' },
    ],
  ],
  [
    'a machine without a disk is installed anew, its addresses warm up again',
    ledger({ a: running }, { '10.9.0.9': 'a' }),
    [],
    [],
    [
      { do: 'warm-up-anew', machine: 'a', ip: '10.9.0.9', why: 'new-machine' },
      { do: 'install', machine: 'a', why: 'has-no-disk' },
    ],
  ],
  [
    'a machine that the ledger does not know is removed',
    ledger({ b: 'destroyed' }),
    ['a', 'b'],
    ['a'],
    [
      { do: 'remove', machine: 'a', why: 'not-in-the-ledger' },
      { do: 'remove', machine: 'b', why: 'not-in-the-ledger' },
    ],
  ],
];
test.each(rows)('%s', (_, state, withDisk, on, steps) => {
  const seen = {
    withDisk: new Set(withDisk),
    on: new Set(on),
    attached: new Map(),
    images: [],
    balancers: [],
    given: new Map(),
  };
  assert.deepEqual(plan(state, seen), steps);
});

test('an interface leaves the machine that it is in before it is put into another, and stays where it should be', () => {
  const state = ledger({ a: running, b: running }, {}, { 'uni-1': 'b', 'uni-2': 'a' });
  const there = new Set(['a', 'b']);
  const attached = new Map([['a', ['uni-1', 'uni-2']]]);
  assert.deepEqual(plan(state, { withDisk: there, on: there, attached, images: [], balancers: [], given: new Map() }), [
    { do: 'detach', machine: 'a', nic: 'uni-1' },
    { do: 'attach', machine: 'b', nic: 'uni-1' },
  ]);
});

test('a custom image without its disk is given up, and a disk that the ledger does not know is removed', () => {
  const custom = { madeOf: 'a', at: 'Available' };
  const images = [{ id: 'uimage-base' }, { id: 'uimage-1', ...custom }, { id: 'uimage-2', ...custom }];
  const state = { ...ledger({}), images } as unknown as State;
  const none = new Set<string>();
  assert.deepEqual(
    plan(state, {
      withDisk: none,
      on: none,
      attached: new Map(),
      images: ['uimage-2', 'uimage-3'],
      balancers: [],
      given: new Map(),
    }),
    [
      { do: 'remove-image', image: 'uimage-3', why: 'not-in-the-ledger' },
      { do: 'give-up-image', image: 'uimage-1', why: 'has-no-disk' },
    ],
  );
});

test('a balancer that the ledger does not know is removed, and one that it knows goes on', () => {
  const none = new Set<string>();
  const seen = { withDisk: none, on: none, attached: new Map(), images: [], given: new Map() };
  const steps = plan(ledger({}), { ...seen, balancers: ['alb-kept', 'nlb-kept', 'nlb-strange'] });
  assert.deepEqual(steps, [{ do: 'remove-balancer', balancer: 'nlb-strange', why: 'not-in-the-ledger' }]);
});

test('an address that the ledger does not know is taken, and one that moved is taken before it is given', () => {
  const state = ledger({ a: running, b: running }, { '10.9.0.8': 'b' });
  const there = new Set(['a', 'b']);
  const given = new Map([['a', new Set(['10.9.0.8', '10.9.0.9'])]]);
  assert.deepEqual(plan(state, { withDisk: there, on: there, attached: new Map(), images: [], balancers: [], given }), [
    { do: 'take-address', machine: 'a', ip: '10.9.0.8' },
    { do: 'take-address', machine: 'a', ip: '10.9.0.9' },
    { do: 'give-address', machine: 'b', ip: '10.9.0.8' },
  ]);
});

test.each<[string, string, readonly string[], readonly RecoveryStep[]]>([
  ['is in its machine and attached: it stays', 'attached', ['uni-1'], []],
  ['is in its machine and on its way out: that is left to the cloud', 'detaching', ['uni-1'], []],
  [
    'is missing on its way out: it is put in, for the cloud to take it out',
    'detaching',
    [],
    [{ do: 'attach', machine: 'a', nic: 'uni-1' }],
  ],
  ['is missing on its way in: that is left to the cloud', 'attaching', [], []],
  [
    'is in a machine already on its way in: it is taken out, for the cloud to put it in',
    'attaching',
    ['uni-1'],
    [{ do: 'detach', machine: 'a', nic: 'uni-1' }],
  ],
])('an interface that %s', (_, at, nics, steps) => {
  const there = new Set(['a']);
  const state = {
    ...ledger({ a: running }),
    interfaces: [
      { id: 'uni-1', machine: 'a', at },
      { id: 'uni-2', machine: undefined, at: 'attached' },
    ],
  } as unknown as State;
  const seen = {
    withDisk: there,
    on: there,
    attached: new Map([['a', nics]]),
    images: [],
    balancers: [],
    given: new Map(),
  };
  assert.deepEqual(plan(state, seen), steps);
});

test('an image that is still being made, or was never made of a machine, is not given up', () => {
  const images = [
    { id: 'uimage-1', madeOf: 'a', at: 'Making' },
    { id: 'uimage-2', madeOf: undefined, at: 'Available' },
  ];
  const none = new Set<string>();
  const seen = { withDisk: none, on: none, attached: new Map(), images: [], balancers: [], given: new Map() };
  assert.deepEqual(plan({ ...ledger({}), images } as unknown as State, seen), []);
});

test('an interface that is on its way out is still in its machine: the cloud takes it out, not the plan', () => {
  const state = ledger({ a: running }, {}, { 'uni-1': 'a' });
  for (const nic of state.interfaces) nic.at = 'detaching';
  const seen = { withDisk: new Set(['a']), on: new Set(['a']), images: [], balancers: [], given: new Map() };
  assert.deepEqual(plan(state, { ...seen, attached: new Map([['a', ['uni-1']]]) }), []);
  // After a restart it is put in once more, so that what the cloud takes up finds it there.
  assert.deepEqual(plan(state, { ...seen, attached: new Map() }), [{ do: 'attach', machine: 'a', nic: 'uni-1' }]);
});

test('an address that nobody holds is given to nobody', () => {
  const state = { ...ledger({}), addresses: [{ ip: '10.9.0.9', heldBy: undefined }] } as unknown as State;
  const none = new Set<string>();
  assert.deepEqual(
    plan(state, { withDisk: none, on: none, attached: new Map(), images: [], balancers: [], given: new Map() }),
    [],
  );
});

test('an address that its machine carries already is not taken from it', () => {
  const there = new Set(['a']);
  const given = new Map([['a', new Set(['10.9.0.9'])]]);
  assert.deepEqual(
    plan(ledger({ a: running }, { '10.9.0.9': 'a' }), {
      withDisk: there,
      on: there,
      attached: new Map(),
      images: [],
      balancers: [],
      given,
    }),
    [{ do: 'give-address', machine: 'a', ip: '10.9.0.9' }],
  );
});

test('of the addresses that a machine carries only those that are not its own are taken', () => {
  const there = new Set(['a']);
  const given = new Map([['a', new Set(['10.9.0.8', '10.9.0.9'])]]);
  assert.deepEqual(
    plan(ledger({ a: running }, { '10.9.0.7': 'a', '10.9.0.8': 'a' }), {
      withDisk: there,
      on: there,
      attached: new Map(),
      images: [],
      balancers: [],
      given,
    }),
    [
      { do: 'take-address', machine: 'a', ip: '10.9.0.9' },
      { do: 'give-address', machine: 'a', ip: '10.9.0.7' },
      { do: 'give-address', machine: 'a', ip: '10.9.0.8' },
    ],
  );
});

test('a step is told by what it does and to which things', () => {
  assert.deepEqual(
    (
      [
        { do: 'attach', machine: 'uhost-1', nic: 'uni-1' },
        { do: 'start', machine: 'uhost-1', why: 'should-run' },
      ] satisfies RecoveryStep[]
    ).map(explainRecovery),
    ['attach: uhost-1 uni-1', 'start: uhost-1'],
  );
});

describe('disks', () => {
  const empty = {
    withDisk: new Set<string>(),
    on: new Set<string>(),
    attached: new Map(),
    images: [],
    balancers: [],
    given: new Map(),
  };
  const disk = (id: string, at: string, attachments: readonly object[] = []) => ({ id, at, attachments });
  const inMachine = (machine: string, at = 'attached') => ({ machine, at, device: '/dev/vdb', shownAs: '/dev/vdb' });
  const state = (part: object): State => ({ ...ledger({}), ...part }) as unknown as State;

  const cases: readonly [string, State, Partial<typeof bare>, readonly RecoveryStep[]][] = [
    [
      'is put into its machine as it was, also while it is on its way out, and not before it has arrived',
      state({
        udisks: [
          disk('bs-1', 'ready', [inMachine('a')]),
          disk('bs-2', 'ready', [inMachine('b', 'detaching')]),
          disk('bs-3', 'ready', [inMachine('c', 'attaching')]),
        ],
      }),
      { disks: ['bs-1', 'bs-2', 'bs-3'] },
      [
        { do: 'plug-disk', machine: 'a', disk: 'bs-1', device: '/dev/vdb' },
        { do: 'plug-disk', machine: 'b', disk: 'bs-2', device: '/dev/vdb' },
      ],
    ],
    [
      'leaves one machine before it comes into another',
      state({ udisks: [disk('bs-1', 'ready', [inMachine('b')])] }),
      { disks: ['bs-1'], plugged: new Map([['a', new Map([['bs-1', '/dev/vdb']])]]) },
      [
        { do: 'unplug-disk', machine: 'a', disk: 'bs-1' },
        { do: 'plug-disk', machine: 'b', disk: 'bs-1', device: '/dev/vdb' },
      ],
    ],
    [
      'without bytes is given up, but for one that is being made',
      state({
        udisks: [disk('bs-1', 'ready', [inMachine('a')]), disk('bs-2', 'making'), disk('bs-3', 'failed')],
        snapshots: [
          { id: 'snap-1', at: 'Normal' },
          { id: 'snap-2', at: 'Creating' },
        ],
      }),
      {},
      [
        { do: 'give-up-disk', disk: 'bs-1', why: 'has-no-bytes' },
        { do: 'give-up-snapshot', snapshot: 'snap-1', why: 'has-no-bytes' },
      ],
    ],
    [
      'that the ledger does not know is removed, after it was taken out',
      state({}),
      { disks: ['bs-1'], snapshots: ['snap-1'], plugged: new Map([['a', new Map([['bs-1', '/dev/vdb']])]]) },
      [
        { do: 'unplug-disk', machine: 'a', disk: 'bs-1' },
        { do: 'remove-disk', disk: 'bs-1', why: 'not-in-the-ledger' },
        { do: 'remove-snapshot', snapshot: 'snap-1', why: 'not-in-the-ledger' },
      ],
    ],
    [
      'that is where it belongs stays there, and what is beside it and does not belong there goes',
      state({
        udisks: [
          disk('bs-1', 'ready', [inMachine('a')]),
          disk('bs-2', 'ready', [inMachine('a')]),
          disk('bs-3', 'ready'),
        ],
        snapshots: [
          { id: 'snap-1', at: 'Normal' },
          { id: 'snap-2', at: 'Normal' },
        ],
      }),
      {
        disks: ['bs-1', 'bs-2', 'bs-3', 'bs-9'],
        snapshots: ['snap-1', 'snap-2', 'snap-9'],
        plugged: new Map([
          [
            'a',
            new Map([
              ['bs-1', '/dev/vdb'],
              ['bs-3', '/dev/vdc'],
            ]),
          ],
        ]),
      },
      [
        { do: 'unplug-disk', machine: 'a', disk: 'bs-3' },
        { do: 'plug-disk', machine: 'a', disk: 'bs-2', device: '/dev/vdb' },
        { do: 'remove-disk', disk: 'bs-9', why: 'not-in-the-ledger' },
        { do: 'remove-snapshot', snapshot: 'snap-9', why: 'not-in-the-ledger' },
      ],
    ],
    [
      'that is shared as a file system stays open where it should, and moves an address of another one',
      state({
        shares: [
          {
            id: 'ufs-1',
            mountPoints: [
              { ip: '10.9.0.9', at: 'open' },
              { ip: '10.9.1.9', at: 'closing' },
              { ip: '10.9.2.9', at: 'open' },
            ],
          },
          { id: 'ufs-2', mountPoints: [] },
        ],
      }),
      {
        shares: ['ufs-1', 'ufs-2', 'ufs-3'],
        mountPoints: new Map([
          ['10.9.0.9', 'ufs-1'],
          ['10.9.1.9', 'ufs-1'],
          ['10.9.2.9', 'ufs-2'],
          ['10.9.3.9', 'ufs-1'],
        ]),
      },
      [
        { do: 'close-mount-point', share: 'ufs-2', ip: '10.9.2.9' },
        { do: 'close-mount-point', share: 'ufs-1', ip: '10.9.3.9' },
        { do: 'open-mount-point', share: 'ufs-1', ip: '10.9.2.9' },
        { do: 'remove-share', share: 'ufs-3', why: 'not-in-the-ledger' },
      ],
    ],
    [
      'that is shared as a file system opens and closes as the ledger says',
      state({
        shares: [
          {
            id: 'ufs-1',
            mountPoints: [
              { ip: '10.9.0.9', at: 'open' },
              { ip: '10.9.1.9', at: 'opening' },
            ],
          },
        ],
      }),
      { shares: ['ufs-1', 'ufs-2'], mountPoints: new Map([['10.9.0.8', 'ufs-2']]) },
      [
        { do: 'close-mount-point', share: 'ufs-2', ip: '10.9.0.8' },
        { do: 'open-mount-point', share: 'ufs-1', ip: '10.9.0.9' },
        { do: 'remove-share', share: 'ufs-2', why: 'not-in-the-ledger' },
      ],
    ],
  ];
  test.each(cases)('a disk %s', (_, wanted, seen, steps) => {
    assert.deepEqual(plan(wanted, { ...empty, ...seen }), steps);
  });
});

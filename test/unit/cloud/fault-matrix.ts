import { afterAll, describe, expect } from 'vitest';
import { type FaultKind, type FaultText, faultKinds } from '#lab/ucloud/gateway/fault-wish.ts';
import { cloudContractInTrouble } from '../../../src/cloud/contract/contract.ts';
import { openUcloud } from './ucloud-world.ts';

type Struck = readonly Omit<FaultText, 'kind'>[];

/** Of faults that strike few actions, those of the capability that all of its cases are tried in: any other case would hardly meet one. */
const triedAt: Readonly<Record<string, string>> = { AttachUDisk: 'disks', DetachUDisk: 'disks' };

/** The share of the calls of an action that meet its fault. */
const share = 0.34;
const everything: readonly Struck[] = [[{ action: '*' }]];
/**
 * Lists of machines and of addresses, or the second source that they are held against: one of them is right. What the cloud
 * knows of networks and images has no second source, and nothing is made or ended because of it.
 */
const lists: readonly Struck[] = [
  [{ action: 'DescribeUHostInstance' }, { action: 'DescribeSecondaryIp' }],
  [{ action: 'DescribePrivateIP' }],
];

/** What each kind of fault strikes. A kind that is new in the simulated cloud does not compile until it is here. */
const struckBy: Readonly<Record<FaultKind, readonly Struck[]>> = {
  throttle: everything,
  timeout: everything,
  'timeout-done': everything,
  internal: everything,
  unavailable: everything,
  refuse: [
    // A code that no published list has: nobody knows what it means.
    [{ action: '*', code: 9001 }],
    // Another work on the disk has to end first.
    [
      { action: 'AttachUDisk', code: 17_056 },
      { action: 'DetachUDisk', code: 17_061 },
      { action: 'DeleteUDisk', code: 17_085 },
      { action: 'CloneUDisk', code: 17_086 },
    ],
    // Half a minute is to be waited, and the machine still uses it.
    [
      { action: 'AttachUDisk', code: 17_101 },
      { action: 'DetachUDisk', code: 17_060 },
    ],
  ],
  'hang-up': everything,
  'hang-up-done': everything,
  slow: [[{ action: '*', delay: '50ms' }]],
  'empty-list': lists,
  'stale-list': lists,
  'half-page': lists,
  'unread-state': [[{ action: 'DescribeUHostInstance' }]],
  fewer: [[{ action: 'AllocateBatchSecondaryIp' }]],
  'install-fail': [[{ action: 'CreateUHostInstance' }]],
  'other-rdma-cluster': [[{ action: 'CreateUHostInstance' }]],
  // Of devices in machines, which no call tells of.
  'late-device': [],
  'swapped-device': [],
  'slow-detach': [[{ action: 'DetachUDisk', delay: '300ms' }]],
};

const kinds = Object.keys(faultKinds) as FaultKind[];

/** Every kind with all that it strikes, and all kinds together: the rows of the matrix, whose columns are the cases. */
const rows: readonly { readonly title: string; readonly faults: readonly FaultText[]; readonly only?: string }[] = [
  ...kinds.flatMap((kind) =>
    struckBy[kind].map((struck) => ({
      ...onlyAt(struck),
      title: `${kind} at ${struck.map(({ action }) => action).join(' and ')}`,
      faults: struck.map((fault) => ({ ...fault, kind, chance: share })),
    })),
  ),
  {
    // An answer that is lost while the lists lie is what a second machine comes from.
    title: 'all kinds at once',
    faults: kinds.flatMap((kind) =>
      struckBy[kind].slice(0, 1).flatMap((struck) => struck.map((fault) => ({ ...fault, kind, chance: share / 6 }))),
    ),
  },
];

function onlyAt([first]: Struck): { readonly only?: string } {
  const only = triedAt[first?.action ?? ''];
  return only === undefined ? {} : { only };
}

/**
 * The contract in every kind of trouble that the simulated cloud knows, once for each seed.
 * @unit step: every so manieth field of each row is tried, and each column begins elsewhere; 1 for all fields. Rows that are about one
 *       capability have all fields of that and no others
 */
export function faultMatrix({ seeds, step }: { readonly seeds: readonly number[]; readonly step: number }): void {
  for (const seed of seeds)
    for (const [row, { title, faults, only }] of rows.entries())
      describe.concurrent(`${title}, seed ${seed}`, () => {
        let worlds = 0;
        let met = 0;
        const openNext = () =>
          openUcloud(faults, {
            // Another one for each case: else all would meet the same luck.
            seed: seed * 1000 + worlds++,
            met: (calls) => {
              met += calls;
            },
          });
        cloudContractInTrouble('ucloud', openNext, (number, capability) =>
          only === undefined ? (number + row) % step === 0 : capability === only,
        );
        afterAll(() => {
          expect(met, 'calls that met a fault').toBeGreaterThan(0);
        });
      });
}

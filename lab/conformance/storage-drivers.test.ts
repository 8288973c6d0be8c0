import { expect, test } from 'vitest';
import { definitionOf, planRounds, storageDrivers, type TestedDriver } from './storage-drivers.ts';

const all = 'External.Storage.*Driver: udisk\\.csi\\.ucloud\\.cn\\].*';
const sided = [`${all}topology should`, `${all}volumeLimits should`];

function both(round: object): readonly object[] {
  return [false, true].map((disruptive) => ({ ...round, skip: [], disruptive }));
}

test.each<[string, TestedDriver, readonly string[], 'cloud' | 'site' | undefined, unknown]>([
  [
    'specs that take the driver for granted on every node run while only nodes of its side take pods',
    storageDrivers.udisk,
    [],
    undefined,
    [
      { focus: [all], skip: sided, podsOn: undefined, disruptive: false },
      { focus: sided, skip: [], podsOn: 'cloud', disruptive: false },
      { focus: [all], skip: sided, podsOn: undefined, disruptive: true },
    ],
  ],
  [
    'a driver that no spec takes for granted on every node is tested in the whole cluster, and specs that stop kubelet run apart',
    storageDrivers.ufs,
    [],
    undefined,
    both({ focus: ['External.Storage.*Driver: ufs\\.isthmus\\.dev\\].*'], podsOn: undefined }),
  ],
  [
    'a focus chooses among the specs of the driver, and what is asked for of nodes stays',
    storageDrivers.udisk,
    ['volume-expand|topology', 'volumes should'],
    'cloud',
    both({ focus: [`${all}(?:volume-expand|topology)`, `${all}(?:volumes should)`], podsOn: 'cloud' }),
  ],
  [
    'pods of one side alone need no round of that side',
    storageDrivers.udisk,
    [],
    'cloud',
    both({ focus: [all], podsOn: 'cloud' }),
  ],
])('%s', (_title, driver, focus, podsOn, rounds) => {
  expect(planRounds(driver, focus, podsOn)).toEqual(rounds);
});

test('upstream’s tests are told the name of a driver, what it can do, and the class to ask for', () => {
  expect(definitionOf(storageDrivers.local, '/x.yaml')).toMatchObject({
    StorageClass: { FromExistingClassName: 'local' },
    DriverInfo: { Name: 'local.isthmus.dev', Capabilities: { block: true, singleNodeVolume: true } },
  });
  expect(definitionOf(storageDrivers.udisk, '/x.yaml')).toMatchObject({
    StorageClass: { FromFile: '/x.yaml' },
    SnapshotClass: { FromExistingClassName: 'cloud-disk' },
    DriverInfo: { Name: 'udisk.csi.ucloud.cn', Capabilities: { snapshotDataSource: true } },
  });
});

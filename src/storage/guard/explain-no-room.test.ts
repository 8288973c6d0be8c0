import { expect, test } from 'vitest';
import type { StorageCapacityObject, StorageClassObject } from '#kube/resources.ts';
import { explainNoRoom } from './explain-no-room.ts';

const local: StorageClassObject = { metadata: { name: 'local' }, provisioner: 'local.isthmus.dev' };
const room = (node: string, maximumVolumeSize: string | undefined, more: object = {}): StorageCapacityObject => ({
  metadata: { name: `csisc-${node}` },
  storageClassName: 'local',
  capacity: '900Gi',
  ...(maximumVolumeSize !== undefined && { maximumVolumeSize }),
  nodeTopology: { matchLabels: { 'topology.local.isthmus.dev/node': node } },
  ...more,
});
const ways = 'delete volumes that nobody needs, or give more in cluster.yaml, machines[].storage.directories';
const says = (asked: string, has: string, way = ways): string =>
  `no machine has room for a volume of ${asked} of class local; the largest that each could make: ${has}: ${way}`;
const most = (size: string): string => `ask for at most ${size} (spec.resources.requests.storage), ${ways}`;

test.each<[string, string, StorageClassObject, readonly StorageCapacityObject[], string | undefined]>([
  ['nobody has told of room yet', '10Gi', local, [], undefined],
  ['one machine has exactly the room', '10Gi', local, [room('base-1', '1Gi'), room('base-2', '10Gi')], undefined],
  [
    'no machine has it',
    '10Gi',
    local,
    [room('base-1', '1536Mi'), room('base-2', '10239Mi')],
    says('10Gi', 'base-2 10Gi, base-1 1.5Gi', most('10239Mi')),
  ],
  [
    'two machines have as much, in parts of a MiB',
    '1G',
    local,
    [room('base-2', '104857599'), room('base-1', '104857599')],
    says('1G', 'base-1 100Mi, base-2 100Mi', most('99Mi')),
  ],
  [
    'the machines are full',
    '1Gi',
    local,
    [room('base-1', '0'), room('base-2', '1048575')],
    says('1Gi', 'base-2 1024Ki, base-1 0'),
  ],
  [
    'a machine tells of its whole room alone',
    '1Ti',
    local,
    [room('base-1', undefined)],
    says('1Ti', 'base-1 900Gi', most('921600Mi')),
  ],
  [
    'a machine tells of nothing that can be read',
    '1Gi',
    local,
    [room('base-1', 'much', { nodeTopology: undefined }), room('base-2', undefined, { capacity: undefined })],
    says('1Gi', 'another 0, base-2 0'),
  ],
  [
    'only machines that tell of other classes have it',
    '10Gi',
    local,
    [room('base-1', '20Gi', { storageClassName: 'local-xfs' }), room('base-2', '1Gi')],
    says('10Gi', 'base-2 1Gi', most('1024Mi')),
  ],
  [
    'no disk is as large',
    '1Ti',
    { ...local, parameters: { from: 'disks' } },
    [room('base-1', '0')],
    says('1Ti', 'base-1 0', ways.replace('directories', 'disks')),
  ],
  [
    'the class is of another driver',
    '10Gi',
    { ...local, provisioner: 'udisk.csi.ucloud.cn' },
    [room('base-1', '1Gi')],
    undefined,
  ],
  ['the size cannot be read', 'much', local, [room('base-1', '1Gi')], undefined],
])('%s', (_what, asked, ofClass, capacities, told) => {
  expect(explainNoRoom(asked, ofClass, capacities)).toBe(told);
});

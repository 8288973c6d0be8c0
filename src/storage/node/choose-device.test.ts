import { expect, test } from 'vitest';
import type { BlockDevice } from '#host/block-devices.ts';
import { type Bytes, gibi } from '#unit/bytes.ts';
import { chooseDevice, type DeviceChoice } from './choose-device.ts';

function disk(name: string, serial: string | undefined, change: Partial<BlockDevice> = {}): BlockDevice {
  return { name, serial, device: '253:16', size: gibi(10), isReadOnly: false, sequence: '7', users: [], ...change };
}

const id = 'bsr-0123456789abcdefghij';
const told = 'bsr-0123456789abcdef';
const link = { name: `virtio-${told}`, device: 'vdb' };
const there: DeviceChoice = { is: 'there', device: disk('vdb', told) };

const rows: readonly (readonly [string, readonly BlockDevice[], readonly (typeof link)[], DeviceChoice])[] = [
  [
    'one that tells the whole serial, among links of others',
    [disk('vda', 'bsr-other'), disk('vdb', id)],
    [{ name: 'virtio-bsr-other', device: 'vda' }, link],
    { is: 'there', device: disk('vdb', id) },
  ],
  [
    'a link to one of several other disks',
    [disk('vda', 'boot'), disk('vdb', 'bsr-other')],
    [link],
    { is: 'not-yet', why: `/dev/disk/by-id/virtio-${told} leads to vdb, which says that it is bsr-other` },
  ],

  [
    'the device with the serial, as much of it as virtio tells',
    [disk('vda', 'boot'), disk('vdb', told)],
    [link],
    there,
  ],
  ['without a link, which udev may make later', [disk('vdb', told)], [], there],
  ['none yet', [disk('vda', 'boot')], [], { is: 'not-yet', why: `no device of this machine has the serial ${told}` }],
  [
    'a link to a device that is another disk',
    [disk('vdb', 'bsr-other')],
    [link],
    { is: 'not-yet', why: `/dev/disk/by-id/virtio-${told} leads to vdb, which says that it is bsr-other` },
  ],
  [
    'a link to a device that tells nothing of itself',
    [disk('vdb', undefined)],
    [link],
    { is: 'not-yet', why: `/dev/disk/by-id/virtio-${told} leads to vdb, which tells no serial` },
  ],
  [
    'a link to a device that is gone',
    [],
    [link],
    { is: 'not-yet', why: `no device of this machine has the serial ${told}` },
  ],
  [
    'a link that is not up to date',
    [disk('vdb', 'bsr-other'), disk('vdc', told)],
    [link],
    { is: 'not-yet', why: `/dev/disk/by-id/virtio-${told} leads to vdb, and vdc has the serial ${told}` },
  ],
  [
    'two that say that they are it',
    [disk('vdb', told), disk('vdc', told, { device: '253:32' })],
    [],
    { is: 'doubtful', why: `vdb and vdc both have the serial ${told}` },
  ],
  ['one device under two names, by the one that its link has', [disk('loop3', told), disk('vdb', told)], [link], there],
  [
    'one device under two names, before it has a link',
    [disk('loop3', told), disk('vdb', told)],
    [],
    { is: 'not-yet', why: 'loop3 and vdb are one device, and no link in /dev/disk/by-id leads to it yet' },
  ],
  ['one without a size', [disk('vdb', told, { size: 0 as Bytes })], [], { is: 'not-yet', why: 'vdb has no size yet' }],
];

test.each(rows)('%s', (_title, devices, links, choice) => {
  expect(chooseDevice({ devices, links }, id)).toEqual(choice);
});

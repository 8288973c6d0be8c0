import assert from 'node:assert/strict';
import { test } from 'vitest';
import { deviceNumber, parseLoops } from './loop-device.ts';

test('loop devices are read as losetup of util-linux 2.38 tells them, names with blanks included', () => {
  const said = `{
   "loopdevices": [
      {"name":"/dev/loop0", "maj:min":"  7:0  ", "back-ino":843819, "back-maj:min":"     254:0  ", "back-file":"/var/lib/isthmus-lab/lab/disks/bs-1 (deleted)"},
      {"name":"/dev/loop12", "maj:min":"7:12", "back-ino":"7", "back-maj:min":"0:57", "back-file":null}
   ]
}`;
  assert.deepEqual(parseLoops(said), [
    {
      name: 'loop0',
      number: '7:0',
      inode: 843_819,
      fileSystem: '254:0',
      file: '/var/lib/isthmus-lab/lab/disks/bs-1 (deleted)',
    },
    { name: 'loop12', number: '7:12', inode: 7, fileSystem: '0:57', file: '' },
  ]);
});

test('no loop device is no text at all', () => {
  assert.deepEqual(parseLoops(''), []);
});

test.each([
  [0xfd_00, '253:0'],
  [0x07_03, '7:3'],
  [0x00_10_07_00, '7:256'],
])('device number %i is %s', (encoded, number) => {
  assert.equal(deviceNumber(encoded), number);
});

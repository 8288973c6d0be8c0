import { expect, test } from 'vitest';
import { formatDevice } from './block-devices.ts';

test.each([
  ['a virtio disk', 0xfd10, '253:16'],
  ['a loop device', 0x0703, '7:3'],
  ['a minor number above 255', 0x10fd00, '253:256'],
])('the number of %s is written as the kernel writes it', (_title, rdev, text) => {
  expect(formatDevice(rdev)).toBe(text);
});

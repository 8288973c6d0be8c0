import assert from 'node:assert/strict';
import { test } from 'vitest';
import { deviceName, freeDevice } from './device-name.ts';

test.each([
  [0, '/dev/vda'],
  [1, '/dev/vdb'],
  [25, '/dev/vdz'],
  [26, '/dev/vdaa'],
  [27, '/dev/vdab'],
  [701, '/dev/vdzz'],
  [702, '/dev/vdaaa'],
])('disk %i of a guest is %s', (number, name) => {
  assert.equal(deviceName(number), name);
});

test('the first free name is given, from a number on', () => {
  assert.equal(freeDevice(new Set(['/dev/vda', '/dev/vdb', '/dev/vdd']), 1), '/dev/vdc');
});

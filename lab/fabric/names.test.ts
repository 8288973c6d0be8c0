import { expect, test } from 'vitest';
import { checkLabName, macOf, markOf, portName } from './names.ts';

test('no name of a lab can begin the marks of another', () => {
  for (const bad of ['', 'a-b', 'A', '1a', 'a/b', 'abcdefghijklm'])
    expect(() => checkLabName(bad), bad).toThrow('such as');
  expect(markOf(checkLabName('lab'), 'base-1')).toBe('isl-lab-base-1');
});

test('interface names fit into 15 characters and differ between machines', () => {
  const long = 'uhost-with-a-very-long-identifier';
  expect(portName('v', long).length).toBeLessThanOrEqual(15);
  expect(portName('v', long)).not.toBe(portName('v', `${long}2`));
});

test('a hardware address stays the same, is locally administered, and differs between labs, machines and interfaces', () => {
  const mac = macOf('lab', 'base-1', 'eth0');
  expect(mac).toMatch(/^02(:[0-9a-f]{2}){5}$/);
  expect(macOf('lab', 'base-1', 'eth0')).toBe(mac);
  for (const other of [macOf('two', 'base-1', 'eth0'), macOf('lab', 'base-2', 'eth0'), macOf('lab', 'base-1', 'line0')])
    expect(other).not.toBe(mac);
});

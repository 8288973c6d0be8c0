import { expect, test } from 'vitest';
import { cidr, ip, numberOf } from '#unit/ip.ts';
import { chooseAddresses, isUsable, usableIn } from './choose-address.ts';

const subnet = cidr('10.9.0.0/29');

test('the network, the gateway and the last address of a subnet are not for machines', () => {
  expect(usableIn(subnet)).toBe(5);
  expect(
    ['10.8.255.255', '10.9.0.0', '10.9.0.1', '10.9.0.2', '10.9.0.6', '10.9.0.7', '10.9.0.8'].map((address) => [
      address,
      isUsable(subnet, numberOf(ip(address))),
    ]),
  ).toEqual([
    ['10.8.255.255', false],
    ['10.9.0.0', false],
    ['10.9.0.1', false],
    ['10.9.0.2', true],
    ['10.9.0.6', true],
    ['10.9.0.7', false],
    ['10.9.0.8', false],
  ]);
});

test.each<[string, readonly string[], number, readonly string[]]>([
  ['the lowest free addresses come first', ['10.9.0.3'], 2, ['10.9.0.2', '10.9.0.4']],
  ['no more than were asked for', [], 1, ['10.9.0.2']],
  ['none, when none is asked for', [], 0, []],
  ['fewer, when the subnet has no more', ['10.9.0.2', '10.9.0.4', '10.9.0.5'], 9, ['10.9.0.3', '10.9.0.6']],
])('%s', (_, taken, count, chosen) => {
  expect(chooseAddresses(subnet, new Set(taken), count)).toEqual(chosen);
});

import { expect, test } from 'vitest';
import { ip } from '#unit/ip.ts';
import { announcementOf, answerTo, parseArp, probeOf } from './frame.ts';

const mac = '02:00:00:00:00:01';
const address = ip('192.168.50.130');

test('a probe asks everybody and tells no address of the sender', () => {
  // As RFC 826 lays it out, and padded to the 60 bytes that Ethernet takes at least.
  expect(probeOf(address, mac).toString('hex')).toBe(
    `ffffffffffff020000000001${'0806'}${'0001080006040001'}${'02000000000100000000'}${'000000000000c0a83282'}${'00'.repeat(18)}`,
  );
});

test('an announcement asks for the address of the sender itself', () => {
  expect(announcementOf(address, mac).toString('hex')).toBe(
    `ffffffffffff020000000001${'0806'}${'0001080006040001'}${'020000000001c0a83282'}${'000000000000c0a83282'}${'00'.repeat(18)}`,
  );
});

test('an answer goes to the one who asked', () => {
  const probe = parseArp(probeOf(address, '02:00:00:00:00:99'));
  if (probe === undefined) throw new Error('unreadable');
  expect(answerTo(probe, mac).toString('hex')).toBe(
    `020000000099020000000001${'0806'}${'0001080006040002'}${'020000000001c0a83282'}${'02000000009900000000'}${'00'.repeat(18)}`,
  );
});

test('what was written is read', () => {
  expect(parseArp(probeOf(address, mac))).toEqual({ does: 'asks', from: { mac, ip: '0.0.0.0' }, target: address });
  expect(parseArp(announcementOf(address, mac))).toEqual({ does: 'asks', from: { mac, ip: address }, target: address });
  const answer = answerTo(
    { does: 'asks', from: { mac: '02:00:00:00:00:99', ip: ip('0.0.0.0') }, target: address },
    mac,
  );
  expect(parseArp(answer)).toEqual({ does: 'answers', from: { mac, ip: address }, target: '0.0.0.0' });
});

const changed = (offset: number, value: number): Buffer => {
  const bytes = probeOf(address, mac);
  bytes[offset] = value;
  return bytes;
};

test.each([
  ['a packet that is cut off', probeOf(address, mac).subarray(0, 41)],
  ['another kind of packet', changed(13, 0)],
  ['another kind of hardware', changed(15, 6)],
  ['another kind of address', changed(16, 0x86)],
  ['an operation that is neither question nor answer', changed(21, 3)],
  ['an operation of zero', changed(21, 0)],
])('%s is not read', (_, bytes) => {
  expect(parseArp(bytes)).toBe(undefined);
});

test('a packet without padding is read', () => {
  expect(parseArp(probeOf(address, mac).subarray(0, 42))).toBeDefined();
});

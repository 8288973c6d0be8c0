import { type Ip, ip, ipOf } from '#unit/ip.ts';
import { formatMac, ipBytes } from '../netlink/links-and-routes.ts';

/** An ARP packet for IPv4 on Ethernet, as far as anybody needs it. MAC addresses in small letters. */
export interface ArpPacket {
  readonly does: 'asks' | 'answers';
  readonly from: { readonly mac: string; readonly ip: Ip };
  /** About this address. */
  readonly target: Ip;
}

/** The sender of a probe has no address yet: nobody can note anything about it. @source RFC 5227 section 1.1 */
export const nobody = ip('0.0.0.0');

/** Asks who has an address, and tells nobody anything: the caches of all who hear it stay as they are. @source RFC 5227 section 2.1.1 */
export function probeOf(address: Ip, mac: string): Buffer {
  return frame({ does: 'asks', from: { mac, ip: nobody }, target: address }, broadcast);
}

/** Tells everybody who has an address from now on; who knew another owner corrects it. @source RFC 5227 section 2.3 */
export function announcementOf(address: Ip, mac: string): Buffer {
  return frame({ does: 'asks', from: { mac, ip: address }, target: address }, broadcast);
}

/** Answers who asked for an address without having one of its own. */
export function answerTo(probe: ArpPacket, mac: string): Buffer {
  return frame({ does: 'answers', from: { mac, ip: probe.target }, target: probe.from.ip }, probe.from.mac);
}

const broadcast = 'ff:ff:ff:ff:ff:ff';

/** As short as Ethernet takes them: the header of 14 bytes, the packet of 28, the rest zeros. */
const shortest = 60;
/** Hardware type Ethernet, protocol IPv4, the lengths of their addresses. @source RFC 826 */
const kinds = Buffer.from([0, 1, 8, 0, 6, 4]);
const etherType = Buffer.from([8, 6]);
const operations = { asks: 1, answers: 2 } as const;

function frame({ does, from, target }: ArpPacket, to: string): Buffer {
  const bytes = Buffer.alloc(shortest);
  const [sender, receiver] = [macBytes(from.mac), macBytes(to)];
  const unknown = does === 'asks' ? Buffer.alloc(6) : receiver;
  const parts = [receiver, sender, etherType, kinds, Buffer.from([0, operations[does]])];
  Buffer.concat([...parts, sender, ipBytes(from.ip), unknown, ipBytes(target)]).copy(bytes);
  return bytes;
}

/** `undefined` for anything else than a whole ARP packet for IPv4 on Ethernet. */
export function parseArp(bytes: Buffer): ArpPacket | undefined {
  if (bytes.length < 42) return undefined;
  if (!bytes.subarray(12, 14).equals(etherType) || !bytes.subarray(14, 20).equals(kinds)) return undefined;
  const operation = bytes.readUInt16BE(20);
  if (operation !== operations.asks && operation !== operations.answers) return undefined;
  return {
    does: operation === operations.asks ? 'asks' : 'answers',
    from: { mac: formatMac(bytes.subarray(22, 28)), ip: ipOf(bytes.readUInt32BE(28)) },
    target: ipOf(bytes.readUInt32BE(38)),
  };
}

function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

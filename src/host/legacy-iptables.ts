import { podInterfacePrefix } from '#unit/pod-interface.ts';
import { readIfThere } from './files.ts';
import { errno, sys } from './netlink/libc.ts';

/**
 * Whether the FORWARD chain of the older iptables, which nftables knows nothing of, drops what pods send and get: its policy is DROP
 * and it has no rule that accepts pods' links, both ways.
 * @shape false when that iptables is not in use on this machine
 */
export async function legacyForwardDrops(): Promise<boolean> {
  // Asking about a table that is not there would make the kernel load it.
  const tables = (await readIfThere('/proc/net/ip_tables_names')) ?? '';
  if (!tables.split('\n').includes('filter')) return false;
  const { policy, rules } = readForward();
  if (policy !== DROP) return false;
  const accepted = rules.filter(({ verdict }) => verdict === ACCEPT);
  return !(accepted.some(({ into }) => into === anyPod) && accepted.some(({ out }) => out === anyPod));
}

interface LegacyRule {
  /** Interfaces as far as they must match; empty for any. */
  readonly into: string;
  readonly out: string;
  /** `undefined` for a target with a name. */
  readonly verdict: number | undefined;
}

const anyPod = podInterfacePrefix;

/** @source linux/netfilter_ipv4/ip_tables.h: struct ipt_getinfo, struct ipt_get_entries, struct ipt_entry */
function readForward(): { readonly policy: number | undefined; readonly rules: readonly LegacyRule[] } {
  const fd = sys.socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (fd < 0) throw new Error(`asking iptables for its rules: socket: errno ${errno()}`);
  try {
    const info = get(fd, IPT_SO_GET_INFO, Buffer.alloc(84));
    const size = info.readUInt32LE(80);
    const asked = Buffer.alloc(40 + size);
    asked.writeUInt32LE(size, 32);
    const entries = get(fd, IPT_SO_GET_ENTRIES, asked).subarray(40);
    // A chain begins at its hook entry, and its policy is the last rule, at its underflow.
    const policy = info.readUInt32LE(56 + 4 * NF_INET_FORWARD);
    const rules: LegacyRule[] = [];
    for (let at = info.readUInt32LE(36 + 4 * NF_INET_FORWARD); at < policy; at += entries.readUInt16LE(at + 90))
      rules.push(ruleAt(entries, at));
    return { policy: ruleAt(entries, policy).verdict, rules };
  } finally {
    sys.close(fd);
  }
}

function ruleAt(entries: Buffer, at: number): LegacyRule {
  const target = at + entries.readUInt16LE(at + 88);
  const isStandard = entries[target + 2] === 0;
  return {
    into: interfaceAt(entries, at + 16),
    out: interfaceAt(entries, at + 32),
    verdict: isStandard ? entries.readInt32LE(target + 32) : undefined,
  };
}

/** A name of up to 16 bytes, and 32 bytes behind it the mask of those that count. */
function interfaceAt(entries: Buffer, at: number): string {
  const counted = entries.subarray(at + 32, at + 48).indexOf(0);
  return entries.toString('latin1', at, at + (counted < 0 ? 16 : counted));
}

function get(fd: number, option: number, asked: Buffer): Buffer {
  asked.write('filter\0', 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(asked.length);
  if (sys.getsockopt(fd, SOL_IP, option, asked, length) < 0)
    throw new Error(`asking iptables for its rules: errno ${errno()}`);
  return asked;
}

/** As the kernel writes NF_DROP and NF_ACCEPT into a rule. */
const DROP = -1;
const ACCEPT = -2;
const AF_INET = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_RAW = 255;
const SOL_IP = 0;
const IPT_SO_GET_INFO = 64;
const IPT_SO_GET_ENTRIES = 65;
const NF_INET_FORWARD = 2;

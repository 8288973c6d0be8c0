import { type Ip, parseIp } from '#unit/ip.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudResult } from '../failure.ts';

/** @fails unknown: one of them is no address, and so nothing of the answer is believed */
export function parseIps(entries: readonly { readonly Ip: string }[], action: string): CloudResult<readonly Ip[]> {
  const ips: Ip[] = [];
  for (const { Ip: text } of entries) {
    const parsed = parseIp(text);
    if (parsed === undefined)
      return fail({ kind: 'unknown', raw: { action, code: 'shape', message: `"${text}" is no IPv4 address` } });
    ips.push(parsed);
  }
  return ok(ips);
}

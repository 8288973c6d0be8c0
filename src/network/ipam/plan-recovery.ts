import type { Ip } from '#unit/ip.ts';
import type { Ledger } from './ledger.ts';

export interface LinkSeen {
  readonly name: string;
  /** Addresses that the kernel routes through it. */
  readonly addresses: readonly Ip[];
}

export type RecoveryStep =
  | { readonly do: 'keep'; readonly link: string; readonly ip: Ip; readonly why: 'pod-lives' }
  | { readonly do: 'adopt'; readonly link: string; readonly ip: Ip; readonly why: 'in-kernel-only' }
  | { readonly do: 'remove'; readonly link: string; readonly why: 'was-leaving' | 'half-done' | 'unknown-and-empty' }
  | { readonly do: 'free'; readonly link: string; readonly why: 'link-is-gone' };

/**
 * What to do at a start with what an earlier life wrote down and what the kernel has. The kernel is right about who lives;
 * the journal is right about who was on the way out. An address in the kernel is never given again, record or not.
 */
export function planRecovery(ledger: Ledger, links: readonly LinkSeen[]): readonly RecoveryStep[] {
  const known = [...ledger.held].map(([link, held]): RecoveryStep => {
    const seen = links.find(({ name }) => name === link);
    if (seen === undefined) return { do: 'free', link, why: 'link-is-gone' };
    if (held.leaving) return { do: 'remove', link, why: 'was-leaving' };
    // The route comes last in an ADD: without it the runtime has had no answer, and its DEL may have come to nothing.
    if (!seen.addresses.includes(held.ip)) return { do: 'remove', link, why: 'half-done' };
    return { do: 'keep', link, ip: held.ip, why: 'pod-lives' };
  });
  const strangers = links
    .filter(({ name }) => !ledger.held.has(name))
    .map(({ name, addresses: [ip] }): RecoveryStep => {
      if (ip === undefined) return { do: 'remove', link: name, why: 'unknown-and-empty' };
      return { do: 'adopt', link: name, ip, why: 'in-kernel-only' };
    });
  return [...known, ...strangers];
}

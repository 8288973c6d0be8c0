import type { CloudFailure } from '#cloud/failure.ts';
import { ownPrefix } from './annotations.ts';
import type { Layer } from './record.ts';

/** What was refused, and to whom. */
export interface Refused {
  readonly step: { readonly do: string; readonly wish?: object };
  readonly layer: Layer;
  readonly kind: 'Service' | 'Ingress';
}

/** What helps where the cloud refuses, in the words of the object that asks. @shape `undefined`: no more is known than of any refusal */
export function chooseCure({ kind: failed }: CloudFailure, { step, layer, kind }: Refused): string | undefined {
  if (failed === 'billing') return "settle it in the provider's console: it is tried again by itself";
  if (failed === 'invalid' && namesCertificates(step.wish))
    return `look whether the project has the certificates that ${ownPrefix}certificates names; it is tried again by itself`;
  if (failed !== 'quota' && failed !== 'exhausted') return undefined;
  const isQuota = failed === 'quota';
  if (step.do === 'create') {
    if (!isQuota) {
      const subnet = step.wish !== undefined && 'subnet' in step.wish ? ` ${String(step.wish.subnet)}` : '';
      return `the subnet${subnet} has no address left: free some, or name another subnet in ${ownPrefix}subnet; it is tried again by itself`;
    }
    const others = kind === 'Service' ? `, or another kind in ${ownPrefix}kind` : '';
    return `the account may have no more load balancers of this kind (${kinds[layer]}): delete one that is not needed, or have the quota raised, and it is made by itself; or name one that exists in ${ownPrefix}id${others}`;
  }
  if (step.do !== 'allocate') return undefined;
  const inside = `set ${ownPrefix}access to private`;
  return isQuota
    ? `the account may have no more public addresses (EIP): release one that is not needed, or have the quota raised, and it is given by itself; or ${inside}`
    : `the region has no public address (EIP) left for now: it is tried again by itself; or name another line in ${ownPrefix}operator, or ${inside}`;
}

function namesCertificates(wish: object | undefined): boolean {
  return wish !== undefined && 'certificates' in wish;
}

const kinds: Readonly<Record<Layer, string>> = { network: 'NLB', direct: 'CLB4', application: 'ALB' };

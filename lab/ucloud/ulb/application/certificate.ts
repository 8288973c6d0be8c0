import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import * as z from 'zod';
import { messageOf } from '#unit/message-of.ts';
import { drawName } from '../../engine/random.ts';
import { type Action, page, pageOf, place, text } from '../../gateway/declare.ts';
import { missing, notValid, Refusal } from '../../gateway/refusal.ts';
import { action, type UlbCloud } from '../cloud.ts';
import { checkQuota } from '../limits.ts';
import { balancerOf, listenerOf } from '../lookup.ts';
import type { UlbState } from '../state.ts';
import { certificateOf } from './lookup.ts';
import { ofListener } from './named.ts';
import type { ApplicationBalancerRecord, ApplicationListenerRecord, CertificateRecord } from './state.ts';

const named = { ...ofListener, SSLIds: z.array(text).min(1) };

/**
 * Certificates, and which listeners have them. 4108: in use, or bound already; 4207: too many; 4210: no such certificate.
 * @source UCloud API reference, ulb-api; UCloud ALB manual, listener certificates
 */
export const certificateActions: Readonly<Record<string, Action<UlbCloud>>> = {
  CreateSSL: action(
    {
      ...place,
      SSLName: text,
      SSLType: z.enum(['Pem']).default('Pem'),
      SSLContent: text.optional(),
      UserCert: text.optional(),
      PrivateKey: text.optional(),
      CaCert: text.optional(),
    },
    (args, { state, now }) => {
      const id = `ssl-${drawName(state.chance, 12)}`;
      const createdAt = Math.floor(now() / 1000);
      state.certificates.push({ id, name: args.SSLName, ...readPem(args), createdAt });
      return { SSLId: id };
    },
  ),

  DescribeSSLV2: action({ ...place, ...page(20), SSLId: text.optional() }, (args, { state }) => {
    const found = state.certificates.filter(({ id }) => args.SSLId === undefined || id === args.SSLId);
    const { TotalCount, shown } = pageOf(found, args);
    return { TotalCount, DataSet: shown.map((one) => certificateForm(one, state)) };
  }),

  DeleteSSL: action({ ...place, SSLId: text }, (args, { state }) => {
    const certificate = certificateOf(args.SSLId, state);
    const [user] = relationsOf(certificate, state);
    if (user !== undefined) throw new Refusal(4108, `${certificate.id} is bound to ${user.ListenerId}`);
    state.certificates.splice(state.certificates.indexOf(certificate), 1);
    return {};
  }),

  // All of them or none.
  AddSSLBinding: action(named, (args, { state, balancers }) => {
    const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
    const listener = securedListenerOf(args.ListenerId, balancer);
    const added = args.SSLIds.map((id) => certificateOf(id, state).id);
    const twin = added.find((id, at) => listener.certificates.includes(id) || added.indexOf(id) !== at);
    if (twin !== undefined) throw new Refusal(4108, `${twin} is bound to ${listener.id} already`);
    checkQuota('application', 'certificates', countFurther(balancer) + added.length);
    listener.certificates = [...listener.certificates, ...added];
    balancers.changed(balancer.id);
    return {};
  }),

  DeleteSSLBinding: action(named, (args, { state, balancers }) => {
    const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
    const listener = securedListenerOf(args.ListenerId, balancer);
    const [first, ...further] = listener.certificates;
    if (first !== undefined && args.SSLIds.includes(first))
      throw notValid('SSLIds', `${first} is the default certificate, which can be replaced and not unbound`);
    const strange = args.SSLIds.find((id) => !further.includes(id));
    if (strange !== undefined) throw new Refusal(4210, `${strange} is not bound to ${listener.id}`);
    listener.certificates = listener.certificates.filter((id) => !args.SSLIds.includes(id));
    balancers.changed(balancer.id);
    return {};
  }),
};

/** @fails Refusal 230, 4088 */
function securedListenerOf(id: string, balancer: ApplicationBalancerRecord): ApplicationListenerRecord {
  const listener = listenerOf(id, balancer);
  if (listener.protocol !== 'HTTPS')
    throw notValid('ListenerId', `${id} is an HTTP listener, which has no certificate`);
  return listener;
}

/** The default ones are not counted. */
function countFurther({ listeners }: ApplicationBalancerRecord): number {
  return listeners.reduce((sum, { certificates }) => sum + Math.max(0, certificates.length - 1), 0);
}

interface Pem {
  readonly SSLContent?: string | undefined;
  readonly UserCert?: string | undefined;
  readonly PrivateKey?: string | undefined;
  readonly CaCert?: string | undefined;
}

/** The whole as one text, or its three parts. @fails Refusal 220, 230 */
function readPem({ SSLContent, UserCert, PrivateKey, CaCert = '' }: Pem): Pick<CertificateRecord, 'chain' | 'key'> {
  if (SSLContent === undefined && UserCert === undefined) throw missing('SSLContent');
  if (SSLContent === undefined && PrivateKey === undefined) throw missing('PrivateKey');
  const part = SSLContent === undefined ? 'UserCert' : 'SSLContent';
  const content = SSLContent ?? [UserCert, PrivateKey, CaCert].join('\n');
  const blocks = content.match(/-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g) ?? [];
  const chain = blocks.filter((block) => block.startsWith('-----BEGIN CERTIFICATE-----'));
  const key = blocks.find((block) => /^-----BEGIN (\w+ )?PRIVATE KEY-----/.test(block));
  const [own] = chain;
  if (own === undefined) throw notValid(part, 'there is no certificate in it, in PEM form');
  if (key === undefined)
    throw notValid(SSLContent === undefined ? 'PrivateKey' : part, 'there is no private key in it');
  if (!belongTogether(own, key, part)) throw notValid(part, 'the key is not the one of the first certificate');
  return { chain: `${chain.join('\n')}\n`, key: `${key}\n` };
}

function belongTogether(certificate: string, key: string, part: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch (e) {
    throw notValid(part, `it can not be read: ${messageOf(e)}`);
  }
}

/** The key is not told. */
function certificateForm(certificate: CertificateRecord, state: UlbState) {
  const { id, name, chain, createdAt } = certificate;
  const read = new X509Certificate(chain);
  return {
    SSLId: id,
    SSLName: name,
    SSLType: 'Pem',
    SSLContent: chain,
    CreateTime: createdAt,
    HashValue: createHash('sha256').update(chain).digest('hex'),
    Relations: relationsOf(certificate, state),
    SSLSource: 0,
    USSLId: '',
    Domains: /(?:^|\n)CN=([^\n]*)/.exec(read.subject)?.[1] ?? '',
    DNSNames: [...(read.subjectAltName ?? '').matchAll(/DNS:([^,\s]+)/g)].map(([, dns]) => dns).join(','),
    NotBefore: Math.floor(read.validFromDate.getTime() / 1000),
    NotAfter: Math.floor(read.validToDate.getTime() / 1000),
  };
}

function relationsOf({ id }: CertificateRecord, { applicationBalancers }: UlbState) {
  return applicationBalancers.flatMap((balancer) =>
    balancer.listeners
      .filter(({ certificates }) => certificates.includes(id))
      .map((listener) => ({
        LoadBalancerId: balancer.id,
        LoadBalancerName: balancer.name,
        ListenerId: listener.id,
        ListenerName: listener.name,
        IsDefault: listener.certificates[0] === id,
      })),
  );
}

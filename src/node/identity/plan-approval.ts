import { signers } from '#kube/api/certificate-request.ts';
import type { JoinAdmission } from '#kube/api/join-admission.ts';
import { type Instant, minutes } from '#unit/clock.ts';
import { parseProviderId } from '#unit/provider-id.ts';
import type { Result } from '#unit/result.ts';
import type { RequestedCertificate } from './parse-request.ts';
import type { DenialReason } from './reasons.ts';

/** A CertificateSigningRequest, read. */
export interface RequestSeen {
  /** When it was first seen. */
  readonly made: Instant;
  readonly signer: string;
  /** Who asks, as the API server has authenticated them. */
  readonly username: string;
  readonly groups: readonly string[];
  readonly usages: readonly string[];
  /** @unit seconds; `undefined`: as long as the signer gives */
  readonly lifetime: number | undefined;
  /** Whether somebody has approved or denied it, or its signing has failed. */
  readonly isDecided: boolean;
  readonly asked: Result<RequestedCertificate, string>;
}

/** What is known of the machine whose name is asked for, not by its own word. */
export type MachineSeen =
  | { readonly is: 'site'; readonly addresses: readonly string[] }
  | { readonly is: 'cloud'; readonly id: string; readonly addresses: readonly string[] }
  | { readonly is: 'unknown' }
  /** The cloud does not answer, or has two of the name. */
  | { readonly is: 'unclear'; readonly why: string };

export interface IdentitySeen {
  readonly at: Instant;
  /** That of the token by which is asked. */
  readonly admission: JoinAdmission | undefined;
  readonly machine: MachineSeen;
  /** Of the name that is asked for. */
  readonly node: { readonly uid: string; readonly ready: boolean; readonly providerId: string | undefined } | undefined;
}

export type Verdict =
  /** use: the admission of the machine is used up by this key. */
  | { readonly do: 'approve'; readonly use: boolean; readonly says: string }
  | { readonly do: 'deny'; readonly why: DenialReason; readonly says: string }
  /** What is missing may still come: nobody is refused for the delay of a list. */
  | { readonly do: 'wait'; readonly says: string }
  /** Not ours to decide. */
  | { readonly do: 'leave'; readonly why: 'decided' | 'other-signer' | 'renewal' };

/** The node whose certificate is asked for, `web-1` of `system:node:web-1`. @shape `undefined`: of none */
export function nodeAskedFor({ asked }: Pick<RequestSeen, 'asked'>): string | undefined {
  if (!asked.ok) return undefined;
  const [name, ...more] = asked.value.subject.filter(([type]) => type === 'CN');
  return name === undefined || more.length > 0 ? undefined : nodeOf(name[1]);
}

/** The id of the join token by which is asked. @shape `undefined`: somebody else asks */
export function tokenAskedBy({ username, groups }: Pick<RequestSeen, 'username' | 'groups'>): string | undefined {
  if (!groups.includes('system:bootstrappers')) return undefined;
  return /^system:bootstrap:([a-z0-9]{6})$/.exec(username)?.[1];
}

/**
 * Whether a kubelet gets the certificate that it asks for. A machine gets its first one by a join token that was made for it, once; a node renews its own,
 * which kube-controller-manager approves; and a node's serving certificate has its own name and the addresses that its machine truly has.
 * @source kubernetes pkg/controller/certificates/approver/sarapprove.go and pkg/apis/certificates/helpers.go v1.36.3, for what a kubelet's requests are like
 */
export function planApproval(request: RequestSeen, seen: IdentitySeen): Verdict {
  if (request.isDecided) return { do: 'leave', why: 'decided' };
  if (request.signer === signers.kubeletClient) return planClient(request, seen);
  if (request.signer === signers.kubeletServing) return planServing(request, seen);
  return { do: 'leave', why: 'other-signer' };
}

function planClient(request: RequestSeen, seen: IdentitySeen): Verdict {
  const token = tokenAskedBy(request);
  const own = nodeAsking(request);
  if (token === undefined && own === undefined)
    return deny('NotAllowed', `${request.username} is neither a join token nor a node`);
  const plain = plainOf(request, 'client auth');
  if ('fault' in plain) return plain.fault;
  const { name } = plain;
  if (token !== undefined) return planJoin(request, plain, seen);
  if (name !== own) return deny('OtherMachine', `the node ${own} asks for a certificate of ${name}`);
  return { do: 'leave', why: 'renewal' };
}

function planJoin(
  request: RequestSeen,
  { name, asked }: PlainRequest,
  { at, admission, machine, node }: IdentitySeen,
): Verdict {
  if (admission === undefined) return deny('UnknownToken', `${request.username} is not a join token of Isthmus`);
  if (admission.machine !== name)
    return deny(
      'OtherMachine',
      `the join token was made for ${admission.machine}, and asks for a certificate of ${name}`,
    );
  if (admission.usedBy !== undefined && admission.usedBy !== asked.key)
    return deny('TokenUsed', `the join token of ${name} has let in another key already`);
  if (node !== undefined && node.uid !== admission.replaces)
    return deny('NameTaken', `the node ${name} is in the cluster, and the join token was not made to replace it`);
  if (node?.ready === true) return deny('NameTaken', `the node ${name} is ready`);
  const doubt = doubtAbout(name, machine, { made: request.made, at });
  if (doubt !== undefined) return doubt;
  return { do: 'approve', use: true, says: `the join token was made for ${name} and has not been used` };
}

function planServing(request: RequestSeen, { at, machine, node }: IdentitySeen): Verdict {
  const own = nodeAsking(request);
  if (own === undefined) return deny('NotAllowed', `${request.username} is not a node`);
  const plain = plainOf(request, 'server auth');
  if ('fault' in plain) return plain.fault;
  const { name, asked } = plain;
  if (name !== own) return deny('OtherMachine', `the node ${own} asks for a certificate of ${name}`);
  const { dnsNames, addresses } = asked;
  const foreign = dnsNames.filter((one) => one !== name);
  if (foreign.length > 0) return deny('WrongNames', `${name} asks for the names ${foreign.join(', ')}`);
  if (addresses.length === 0) return deny('WrongNames', `${name} asks for no address`);
  if (node === undefined) return waitOrDeny(`${name} has no Node`, { made: request.made, at });
  const doubt = doubtAbout(name, machine, { made: request.made, at });
  if (doubt !== undefined) return doubt;
  if (!isMachineOf(name, machine, node.providerId))
    return deny('OtherMachine', `the Node ${name} says that its machine is ${node.providerId}, and it is not`);
  const has = 'addresses' in machine ? machine.addresses : [];
  const others = addresses.filter((one) => !has.includes(one));
  if (others.length > 0)
    return deny('ForeignAddress', `${name} asks for ${others.join(', ')}, and its machine has ${has.join(', ')}`);
  return { do: 'approve', use: false, says: `${addresses.join(', ')} belongs to ${name}` };
}

/** A request that has no fault in itself, whoever asks. */
interface PlainRequest {
  /** The node that it is for. */
  readonly name: string;
  readonly asked: RequestedCertificate;
}

function plainOf(request: RequestSeen, use: 'client auth' | 'server auth'): PlainRequest | { readonly fault: Verdict } {
  const { asked, usages, lifetime = 0 } = request;
  const refuse = (why: DenialReason, says: string) => ({ fault: deny(why, says) });
  if (!asked.ok) return refuse('BadRequest', asked.failure);
  const { subject, dnsNames, addresses, others } = asked.value;
  if (others.length > 0) return refuse('BadRequest', `it asks for ${others.join(', ')}`);
  const groups = subject.filter(([type]) => type === 'O').map(([, value]) => value);
  const isPlain = subject.length === 2 && groups.length === 1 && groups[0] === 'system:nodes';
  const name = nodeAskedFor(request);
  if (!isPlain || name === undefined)
    return refuse(
      'WrongSubject',
      `it asks for ${subject.map(([type, value]) => `${type}=${value}`).join(', ') || 'no subject'}`,
    );
  const names = [...dnsNames, ...addresses];
  if (use === 'client auth' && names.length > 0) return refuse('WrongNames', `it asks for ${names.join(', ')}`);
  const allowed = ['digital signature', 'key encipherment', use];
  const isUsable = usages.includes('digital signature') && usages.includes(use);
  if (!isUsable || usages.some((usage) => !allowed.includes(usage)))
    return refuse('WrongUsages', `it asks for ${usages.join(', ') || 'no use'}`);
  if (lifetime > longest) return refuse('TooLong', `it asks for ${Math.floor(lifetime / day)} days`);
  return { name, asked: asked.value };
}

const day = 24 * 60 * 60;
/** As the signer gives by itself. @unit seconds */
const longest = 366 * day;

/** @shape `undefined`: the machine is known */
function doubtAbout(name: string, machine: MachineSeen, when: When): Verdict | undefined {
  if (machine.is === 'unclear') return { do: 'wait', says: machine.why };
  if (machine.is !== 'unknown') return undefined;
  return waitOrDeny(`neither the site nor the cloud has a machine ${name} of this cluster`, when);
}

interface When {
  readonly made: Instant;
  readonly at: Instant;
}

function waitOrDeny(says: string, { made, at }: When): Verdict {
  return at - made < patience ? { do: 'wait', says } : deny('UnknownMachine', says);
}

/** Shorter than a kubelet waits for an answer. @source kubernetes pkg/kubelet/certificate/bootstrap 15 min */
const patience = minutes(10);

/** A Node tells by its provider id which machine it is; one that has none yet tells nothing. */
function isMachineOf(name: string, machine: MachineSeen, providerId: string | undefined): boolean {
  if (providerId === undefined) return true;
  const told = parseProviderId(providerId);
  if (told?.ground === 'site') return machine.is === 'site' && told.machine === name;
  return told !== undefined && machine.is === 'cloud' && told.id === machine.id;
}

function nodeAsking({ username, groups }: RequestSeen): string | undefined {
  return groups.includes('system:nodes') ? nodeOf(username) : undefined;
}

function nodeOf(user: string): string | undefined {
  return /^system:node:([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)$/.exec(user)?.[1];
}

function deny(why: DenialReason, says: string): Verdict {
  return { do: 'deny', why, says };
}

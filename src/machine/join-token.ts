import { createHash, randomInt, X509Certificate } from 'node:crypto';
import { isReady } from '#kube/api/condition.ts';
import { admissionName, formatAdmission } from '#kube/api/join-admission.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import type { Kube, KubeObject, Resource } from '#kube/kube.ts';
import { configMaps, nodes, roleBindings, roles, secrets } from '#kube/resources.ts';
import { type Instant, minutes } from '#unit/clock.ts';
import { type JoinReport, joinRecordName, machineOfRecord, parseJoinReport } from './join-report.ts';

const machineLabel = 'isthmus.dev/machine';
/** How long a token is good unless it is renewed. Renewed as long as its machine makes progress. */
export const tokenLifetime = minutes(15);
const manager = 'isthmus-up';

/**
 * Gives a machine its own bootstrap token: with it that machine becomes a node of its name, once, and reports its progress. A machine that has one
 * already keeps it, renewed: it may be in the machine's user data.
 * @shape `abcdef.0123456789abcdef`
 * @source https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
 */
export async function giveJoinToken(kube: Kube, machine: string, at: Instant): Promise<string> {
  const renewed = await renewJoinToken(kube, machine, at);
  if (renewed !== undefined) return renewed;
  const token = `${randomText(6)}.${randomText(16)}`;
  for (const { resource, object } of recordOf(machine, token))
    await kube.apply(resource, object, { manager, force: true });
  await letIn(kube, machine, token);
  await admit(kube, machine, token, at);
  return token;
}

/**
 * Makes the machine's token good again for its lifetime, also one that has expired and was removed, and lets its machine in once more: in place of its
 * node where that is not ready. @shape `undefined`: it has none
 */
export async function renewJoinToken(kube: Kube, machine: string, at: Instant): Promise<string | undefined> {
  const token = await keptToken(kube, machine);
  if (token === undefined) return undefined;
  await letIn(kube, machine, token);
  await admit(kube, machine, token, at);
  return token;
}

/** Keeps the machine's token from expiring while it is at work, and lets nobody in who was not before. */
export async function prolongJoinToken(kube: Kube, machine: string, at: Instant): Promise<void> {
  const token = await keptToken(kube, machine);
  if (token !== undefined) await admit(kube, machine, token, at);
}

async function keptToken(kube: Kube, machine: string): Promise<string | undefined> {
  const kept = await kube.get(secrets, { name: joinRecordName(machine), namespace: systemNamespace });
  const encoded = kept?.data?.['token'];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString();
}

async function letIn(kube: Kube, machine: string, token: string): Promise<void> {
  const node = await kube.get(nodes, { name: machine });
  const replaces = node === undefined || isReady(node) ? undefined : node.metadata.uid;
  const admission = formatAdmission({ machine, token: idOf(token), replaces });
  await kube.apply(configMaps, admission, { manager, force: true });
}

function idOf(token: string): string {
  return token.split('.')[0] ?? '';
}

async function admit(kube: Kube, machine: string, token: string, at: Instant): Promise<void> {
  const [id = '', secret = ''] = token.split('.');
  const text = {
    description: `lets ${machine} join, once`,
    'token-id': id,
    'token-secret': secret,
    expiration: new Date(at + tokenLifetime).toISOString().replace(/\.\d+Z$/, 'Z'),
    'usage-bootstrap-signing': 'true',
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
  };
  const object = {
    metadata: { name: tokenName(token), namespace: 'kube-system', labels: { [machineLabel]: machine } },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(Object.entries(text).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
  };
  await kube.apply(secrets, object, { manager, force: true });
}

/** The token, so that it can be renewed; and the one ConfigMap that the machine may write its progress into with it. */
function recordOf(machine: string, token: string): readonly { resource: Resource<KubeObject>; object: KubeObject }[] {
  const name = joinRecordName(machine);
  const metadata = { name, namespace: systemNamespace, labels: { [machineLabel]: machine } };
  const rule = { apiGroups: [''], resources: ['configmaps'], resourceNames: [name], verbs: ['patch'] };
  const group = 'rbac.authorization.k8s.io';
  const one = (
    resource: Resource<KubeObject>,
    rest: object,
  ): { resource: Resource<KubeObject>; object: KubeObject } => ({
    resource,
    object: { metadata, ...rest },
  });
  return [
    one(configMaps, {}),
    one(roles, { rules: [rule] }),
    one(roleBindings, {
      roleRef: { apiGroup: group, kind: 'Role', name },
      subjects: [{ kind: 'User', apiGroup: group, name: `system:bootstrap:${idOf(token)}` }],
    }),
    one(secrets, { type: 'Opaque', data: { token: Buffer.from(token).toString('base64') } }),
  ];
}

export interface JoinToken {
  readonly machine: string;
  readonly expires: Instant;
  /** Of its Secret. */
  readonly name: string;
}

/** The join tokens that there are, expired ones among them until Kubernetes removes them. */
export async function observeJoinTokens(kube: Kube): Promise<readonly JoinToken[]> {
  const found = await kube.list(secrets, { namespace: 'kube-system', labelSelector: machineLabel });
  return found.map(({ metadata, data }) => ({
    machine: metadata.labels?.[machineLabel] ?? '',
    expires: Date.parse(Buffer.from(data?.['expiration'] ?? '', 'base64').toString()) as Instant,
    name: metadata.name,
  }));
}

/** A machine that was let in and has not been seen to join. */
export interface Joining {
  readonly machine: string;
  /** Whether its token can be renewed. */
  readonly hasToken: boolean;
  /** `undefined`: it has not reported yet. */
  readonly report: JoinReport | undefined;
  /** Since when it has made no progress; `undefined` when it has made some since somebody last waited for it. */
  readonly stalledSince: Instant | undefined;
}

const stalledKey = 'isthmus.dev/no-progress-since';
const stalledAtKey = 'isthmus.dev/no-progress-at-bytes';

export async function observeJoining(kube: Kube): Promise<readonly Joining[]> {
  const ours = { namespace: systemNamespace, labelSelector: machineLabel };
  const [found, tokens] = await Promise.all([kube.list(configMaps, ours), kube.list(secrets, ours)]);
  return found.flatMap(({ metadata, data }) => {
    // Its label the machine may write itself.
    const machine = machineOfRecord(metadata.name);
    if (machine === undefined) return [];
    const report = parseJoinReport(data);
    const since = Date.parse(metadata.annotations?.[stalledKey] ?? '');
    const isStalled =
      Number.isFinite(since) && (report?.have ?? 0) <= Number(metadata.annotations?.[stalledAtKey] ?? 0);
    return {
      machine,
      hasToken: tokens.some((token) => token.metadata.name === metadata.name),
      report,
      stalledSince: isStalled ? (since as Instant) : undefined,
    };
  });
}

/** @shape `undefined`: nobody has let it in, or it has not reported yet */
export async function readJoinReport(kube: Kube, machine: string): Promise<JoinReport | undefined> {
  return parseJoinReport(
    (await kube.get(configMaps, { name: joinRecordName(machine), namespace: systemNamespace }))?.data,
  );
}

/** Leaves word for the next run that this machine has made no progress since then, with `have` bytes. */
export async function noteStalled(kube: Kube, machine: string, since: Instant, have: number): Promise<void> {
  const annotations = { [stalledKey]: new Date(since).toISOString(), [stalledAtKey]: String(have) };
  const at = { name: joinRecordName(machine), namespace: systemNamespace };
  if ((await kube.get(configMaps, at)) !== undefined) await kube.merge(configMaps, at, { metadata: { annotations } });
}

/** Removes every token of this machine, and what belongs to its join. */
export async function removeJoinTokens(kube: Kube, machine: string): Promise<void> {
  for (const token of await observeJoinTokens(kube))
    if (token.machine === machine) await kube.delete(secrets, { name: token.name, namespace: 'kube-system' });
  await removeJoinRecord(kube, machine);
}

/** The same for whoever may not list Secrets of kube-system: the one token that is recorded. */
export async function removeRecordedToken(kube: Kube, machine: string): Promise<void> {
  const token = await keptToken(kube, machine);
  if (token !== undefined) await kube.delete(secrets, { name: tokenName(token), namespace: 'kube-system' });
  await removeJoinRecord(kube, machine);
}

function tokenName(token: string): string {
  return `bootstrap-token-${idOf(token)}`;
}

async function removeJoinRecord(kube: Kube, machine: string): Promise<void> {
  await kube.delete(configMaps, { name: admissionName(machine), namespace: systemNamespace });
  // The ConfigMap last: by it a run that was cut short is known to have left something.
  for (const resource of [secrets, roleBindings, roles, configMaps])
    await kube.delete(resource, { name: joinRecordName(machine), namespace: systemNamespace });
}

/**
 * How a joining machine knows the right cluster: the hash of the public key of its authority.
 * @shape `sha256:…` @source kubeadm `--discovery-token-ca-cert-hash`
 */
export function caHashOf(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

function randomText(length: number): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
}

import { createHash, randomInt, X509Certificate } from 'node:crypto';
import type { Kube } from '#kube/kube.ts';
import { secrets } from '#kube/resources.ts';
import { type Instant, minutes } from '#unit/clock.ts';

const namespace = 'kube-system';
const machineLabel = 'isthmus.dev/machine';
const lifetime = minutes(15);

/**
 * Makes a bootstrap token for one machine, good for 15 minutes.
 * @shape `abcdef.0123456789abcdef`
 * @source https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
 */
export async function makeJoinToken(kube: Kube, machine: string, at: Instant): Promise<string> {
  const id = randomText(6);
  const secret = randomText(16);
  await kube.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}`, namespace, labels: { [machineLabel]: machine } },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      description: `lets ${machine} join, once`,
      'token-id': id,
      'token-secret': secret,
      expiration: new Date(at + lifetime).toISOString().replace(/\.\d+Z$/, 'Z'),
      'usage-bootstrap-signing': 'true',
      'usage-bootstrap-authentication': 'true',
      'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
    },
  });
  return `${id}.${secret}`;
}

export interface JoinToken {
  readonly machine: string;
  readonly expires: Instant;
  /** Of its Secret. */
  readonly name: string;
}

/** The join tokens that there are, expired ones among them until Kubernetes sweeps them up. */
export async function observeJoinTokens(kube: Kube): Promise<readonly JoinToken[]> {
  const found = await kube.list(secrets, { namespace, labelSelector: machineLabel });
  return found.map(({ metadata, data }) => ({
    machine: metadata.labels?.[machineLabel] ?? '',
    expires: Date.parse(Buffer.from(data?.['expiration'] ?? '', 'base64').toString()) as Instant,
    name: metadata.name,
  }));
}

/** Takes back every token of this machine. */
export async function removeJoinTokens(kube: Kube, machine: string): Promise<void> {
  for (const token of await observeJoinTokens(kube))
    if (token.machine === machine) await kube.delete(secrets, { name: token.name, namespace });
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

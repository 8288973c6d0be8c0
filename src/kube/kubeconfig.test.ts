import { afterEach, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { inClusterAccess, parseKubeconfig } from './kubeconfig.ts';

const pem = (kind: string): string => `-----BEGIN ${kind}-----\nAAAA\n-----END ${kind}-----\n`;
const data = (kind: string): string => Buffer.from(pem(kind)).toString('base64');

const cluster = { server: 'https://10.9.0.10:6443', 'certificate-authority-data': data('CERTIFICATE') };
const user = { 'client-certificate-data': data('CERTIFICATE'), 'client-key-data': data('EC PRIVATE KEY') };
const config = (own: { cluster?: object; user?: object; current?: string } = {}): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': own.current ?? 'kind-kind',
    contexts: [
      { name: 'kind-kind', context: { cluster: 'other', user: 'kind-kind' } },
      { name: 'admin@shop', context: { cluster: 'shop', user: 'admin' } },
    ],
    clusters: [
      { name: 'other', cluster: { server: 'nonsense' } },
      { name: 'shop', cluster: own.cluster ?? cluster },
    ],
    users: [{ name: 'admin', user: own.user ?? user }],
  });

test('the context of the cluster tells server, authority and client certificate, whatever the current one is', () => {
  expect(parseKubeconfig(config(), 'shop')).toEqual({
    server: 'https://10.9.0.10:6443',
    ca: pem('CERTIFICATE'),
    clientCertificate: { certificate: pem('CERTIFICATE'), key: pem('EC PRIVATE KEY') },
  });
});

test('a token stands in place of a certificate', async () => {
  const access = parseKubeconfig(config({ user: { token: 'abc' } }), 'shop');
  expect(access.clientCertificate).toBeUndefined();
  expect(await access.token?.()).toBe('abc');
});

test.each<[string, string, string]>([
  ['no YAML', 'a: [', 'kubeconfig: line 1 is not valid YAML'],
  ['another kind of text', 'hello', 'kubeconfig: Invalid input: expected object'],
  [
    'no context of the cluster',
    config().replace('cluster: shop', 'cluster: gone'),
    'kubeconfig: no context is for cluster "shop"; there are contexts for "other", "gone"',
  ],
  [
    'a server without TLS',
    config({ cluster: { ...cluster, server: 'http://10.9.0.10' } }),
    'clusters[shop].cluster.server: is not an https address, write https://10.9.0.10:6443',
  ],
  [
    'an authority in a file',
    config({ cluster: { server: cluster.server, 'certificate-authority': '/ca' } }),
    'clusters[shop].cluster.certificate-authority: names a file; write',
  ],
  [
    'blind trust',
    config({ cluster: { ...cluster, 'insecure-skip-tls-verify': true } }),
    'clusters[shop].cluster.insecure-skip-tls-verify: would trust any server',
  ],
  ['a key in a file', config({ user: { 'client-key': '/key' } }), 'users[admin].user.client-key: names a file; write'],
  ['a program', config({ user: { exec: { command: 'x' } } }), 'users[admin].user.exec: asks a program'],
  [
    'half a certificate',
    config({ user: { 'client-key-data': data('EC PRIVATE KEY') } }),
    'users[admin].user: has only one of',
  ],
  ['no credentials', config({ user: {} }), 'users[admin].user: has no credentials'],
  [
    'what is no PEM',
    config({ user: { ...user, 'client-key-data': 'c2VjcmV0' } }),
    'users[admin].user.client-key-data: is not base64 of a PEM text',
  ],
])('%s is refused with field and cure', (_, text, why) => {
  expect(() => parseKubeconfig(text, 'shop')).toThrow(why);
});

test('all faults of the chosen entry are told at once', () => {
  const faulty = config({ cluster: { server: 'nonsense', 'certificate-authority': '/ca' } });
  expect(() => parseKubeconfig(faulty, 'shop')).toThrow(/cluster\.server: .*\n.*cluster\.certificate-authority: /);
});

test('no fault tells a credential', () => {
  const secret = 'c2VjcmV0LXRoaW5n';
  for (const [text, fault] of [
    [config({ user: { ...user, 'client-key-data': secret } }), /\.client-key-data: /],
    [config({ user: { token: secret, exec: {} } }), /\.exec: /],
    [`users:\n- token: ${secret}: {\n`, /: line 2 /],
  ] as const) {
    // Without the secret, and a fault it must be.
    expect(() => parseKubeconfig(text, 'shop')).toThrow(fault);
    expect(() => parseKubeconfig(text, 'shop')).not.toThrow(secret);
  }
});

afterEach(() => void vi.useRealTimers());

test('a pod reads its folder, and its token again when that may have been replaced', async () => {
  vi.useFakeTimers();
  let reads = 0;
  const files: Record<string, () => string> = { 'ca.crt': () => pem('CERTIFICATE'), token: () => `token-${++reads}\n` };
  const read = async (path: string): Promise<string> => {
    const text = files[path.replace('/var/run/secrets/kubernetes.io/serviceaccount/', '')];
    if (text === undefined) throw new Error(`no ${path}`);
    return text();
  };
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
  const access = await inClusterAccess(read, env);
  expect(access).toMatchObject({ server: 'https://10.96.0.1:443', ca: pem('CERTIFICATE') });
  expect([await access.token?.(), await access.token?.()]).toEqual(['token-1', 'token-1']);
  await vi.advanceTimersByTimeAsync(61_000);
  expect(await access.token?.()).toBe('token-2');
  expect([await access.token?.('token-1'), await access.token?.('token-2')]).toEqual(['token-2', 'token-3']);
  // A wall clock that is set back does not make a token last.
  vi.setSystemTime(Date.now() - 86_400_000);
  await vi.advanceTimersByTimeAsync(61_000);
  expect(await access.token?.()).toBe('token-4');
});

test('outside a pod the missing variable is named', async () => {
  await expect(inClusterAccess(async () => '', {})).rejects.toThrow(
    'KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set',
  );
});

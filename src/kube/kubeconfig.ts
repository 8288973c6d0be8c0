import { LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { minutes } from '#unit/clock.ts';
import type { KubeAccess } from './access.ts';

/**
 * Reads the context that a kubeconfig has for this cluster. Its current context is of no importance here: other programs add
 * their entries to the file and switch to them. Credentials must stand in the text itself: files beside it and programs that
 * fetch tokens are refused, so that the text alone tells who we are.
 * @fails Error that names every faulty field and its cure; it never repeats a value
 * @source https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
export function parseKubeconfig(text: string, clusterName: string): KubeAccess {
  const outline = checked(outlineSchema, parseYaml(text), 'kubeconfig');
  const context = outline.contexts.find((entry) => entry.context.cluster === clusterName)?.context;
  if (context === undefined)
    throw new Error(
      `kubeconfig: no context is for cluster "${clusterName}"; there are contexts for ${listed(outline.contexts.map((entry) => entry.context.cluster))}`,
    );
  const { cluster } = named(outline.clusters, context.cluster, 'clusters');
  const { user } = named(outline.users, context.user, 'users');
  return {
    ...clusterAccess(checked(clusterSchema, cluster, `kubeconfig: clusters[${context.cluster}].cluster`)),
    ...userAccess(checked(userSchema, user, `kubeconfig: users[${context.user}].user`)),
  };
}

/**
 * How a pod reaches the API server: its service account's folder and the two variables that kubelet sets.
 * @unit  read: gives a file's text; env: the process's environment, handed in because only programs read it
 * @fails Error when a variable is missing or a file cannot be read
 * @source https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 */
export async function inClusterAccess(
  read: (path: string) => Promise<string>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<KubeAccess> {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT;
  if (!host || !port)
    throw new Error(
      'reaching the API server from inside: KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set; run this in a pod, or give a kubeconfig',
    );
  const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
  const ca = await read(`${folder}/ca.crt`);
  const token = rereading(() => read(`${folder}/token`));
  await token();
  return { server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`, ca, token };
}

/**
 * kubelet renews the file when 80 % of its life are over, so one minute is early enough; by the monotonic clock, because a
 * wall clock that is set back would make a minute of a day.
 * @source client-go transport/token_source.go
 */
function rereading(read: () => Promise<string>): (refused?: string) => Promise<string> {
  let last: { readonly token: string; readonly at: number } | undefined;
  return async (refused) => {
    if (last === undefined || last.token === refused || performance.now() - last.at > minutes(1))
      last = { token: (await read()).trim(), at: performance.now() };
    return last.token;
  };
}

const outlineSchema = z.object({
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) })),
  clusters: z.array(z.object({ name: z.string(), cluster: z.unknown() })),
  users: z.array(z.object({ name: z.string(), user: z.unknown() })),
});

const base64Pem = z
  .base64()
  .transform((data) => Buffer.from(data, 'base64').toString())
  .refine((pem) => pem.startsWith('-----BEGIN '), 'is not base64 of a PEM text');
const refused = (why: string) => z.undefined({ error: why }).optional();
const inlineOnly = 'names a file; write the credentials into the text: kubectl config view --flatten --minify';
const noProgram = 'asks a program or a login service for a token; use a client certificate or a token';

const clusterSchema = z.object({
  server: z.url({ protocol: /^https$/, error: 'is not an https address, write https://10.9.0.10:6443' }),
  'certificate-authority-data': base64Pem.optional(),
  'certificate-authority': refused(inlineOnly),
  'insecure-skip-tls-verify': z
    .literal(false, { error: 'would trust any server; give certificate-authority-data' })
    .optional(),
});

const userSchema = z
  .object({
    'client-certificate-data': base64Pem.optional(),
    'client-key-data': base64Pem.optional(),
    token: z.string().min(1).optional(),
    'client-certificate': refused(inlineOnly),
    'client-key': refused(inlineOnly),
    tokenFile: refused(inlineOnly),
    exec: refused(noProgram),
    'auth-provider': refused(noProgram),
    username: refused('is a password login, which Kubernetes no longer has'),
  })
  .refine((user) => (user['client-certificate-data'] === undefined) === (user['client-key-data'] === undefined), {
    error: 'has only one of client-certificate-data and client-key-data; give both',
  })
  .refine((user) => user['client-certificate-data'] !== undefined || user.token !== undefined, {
    error: 'has no credentials; give client-certificate-data with client-key-data, or token',
  });

function clusterAccess(cluster: z.output<typeof clusterSchema>): Pick<KubeAccess, 'server' | 'ca'> {
  const ca = cluster['certificate-authority-data'];
  return { server: new URL(cluster.server).origin, ...(ca !== undefined && { ca }) };
}

function userAccess(user: z.output<typeof userSchema>): Pick<KubeAccess, 'clientCertificate' | 'token'> {
  const { 'client-certificate-data': certificate, 'client-key-data': key, token } = user;
  return {
    ...(certificate !== undefined && key !== undefined && { clientCertificate: { certificate, key } }),
    ...(token !== undefined && { token: () => token }),
  };
}

function parseYaml(text: string): unknown {
  const lines = new LineCounter();
  // Pretty errors would quote the line, and that line may hold a key.
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines });
  const fault = document.errors[0];
  if (fault === undefined) return document.toJS();
  throw new Error(
    `kubeconfig: line ${lines.linePos(fault.pos[0]).line} is not valid YAML (${fault.code}); give the file as kubectl writes it`,
  );
}

function named<T extends { readonly name: string }>(entries: readonly T[], name: string, field: string): T {
  const found = entries.find((entry) => entry.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `kubeconfig: ${field} has no entry named "${name}", it has ${listed(entries.map((entry) => entry.name))}`,
  );
}

function listed(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ') || 'nothing';
}

function checked<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(
    (issue) => `${[where, ...issue.path.map(String)].join('.')}: ${issue.message}`,
  );
  throw new Error(faults.join('\n'));
}

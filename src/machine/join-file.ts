import * as z from 'zod';
import { fail, ok, type Result } from '#unit/result.ts';

/**
 * What one machine needs to know to become a node: /etc/isthmus/join.json, mode 0600, written by the bootstrap script. It
 * holds the join token. Each machine gets its own, which is good for that machine's name alone, once, short-lived, and removed once it has joined.
 */
export const joinFileSchema = z.strictObject({
  format: z.literal('isthmus-join/v1'),
  cluster: z.string(),
  /** The node's name. */
  machine: z.string().regex(/^[a-z][a-z0-9-]*$/),
  role: z.enum(['control-plane', 'node']),
  ground: z.enum(['cloud', 'site']),
  kubernetes: z.string(),
  bundle: z.strictObject({ url: z.string(), digest: z.string() }),
  /** Where the API server answers, or will. */
  api: z.strictObject({ address: z.string(), port: z.number().int() }),
  /** The cloud whose name begins the provider ids of its machines. */
  provider: z.string(),
  region: z.string(),
  zone: z.string(),
  /** CIDR of the Services. */
  services: z.string(),
  /** The node's own address; found by looking at the route to the API server when left out. */
  nodeIp: z.string().optional(),
  /** How many pods the machine has addresses for, where that is known; kubelet's usual limit holds besides. */
  maxPods: z.number().int().min(1).optional(),
  /** Labels and taints that its node is to begin with, beside those of every node. */
  labels: z.record(z.string(), z.string()).optional(),
  taints: z.array(z.strictObject({ key: z.string(), value: z.string().optional(), effect: z.string() })).optional(),
  /** For role control-plane: whether Secrets are encrypted before they are stored in etcd. */
  secretsEncryption: z.boolean().optional(),
  /** For role node: how to be let in, and how to know the API server. */
  admission: z.strictObject({ token: z.string(), caHash: z.string().regex(/^sha256:[0-9a-f]{64}$/) }).optional(),
});

export type JoinFile = z.infer<typeof joinFileSchema>;

/** Reads join.json. @shape the file, or what is wrong with it in one line per fault */
export function parseJoinFile(text: string): Result<JoinFile, readonly string[]> {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (e) {
    return fail([`is not JSON: ${(e as Error).message}`]);
  }
  const parsed = joinFileSchema.safeParse(raw);
  if (!parsed.success) return fail(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  if (parsed.data.role === 'node' && parsed.data.admission === undefined)
    return fail(['admission: is missing; a machine with the role node needs a token and the hash of the cluster CA']);
  return ok(parsed.data);
}

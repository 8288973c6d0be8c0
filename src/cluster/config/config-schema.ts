import * as z from 'zod';
import type { CloudProvider } from '#cloud/provider.ts';
import { mostMachines } from '#kube/api/node-group.ts';
import { parseBytes } from '#unit/bytes.ts';
import { type Ms, minutes } from '#unit/clock.ts';
import { type Cidr, formatCidr, numberOf, parseCidr, parseIp, parseSpan, type Span } from '#unit/ip.ts';

/**
 * The shape of cluster.yaml. Every leaf carries an `example` that a person can copy, and says what it must be; what holds
 * between several keys is checked in `check-config.ts`.
 */

const text = (example: string, pattern: RegExp, must: string) =>
  z
    .string({ error: `must be ${must}` })
    .regex(pattern, { error: `must be ${must}` })
    .meta({ example });

const id = (example: string, what: string) => text(example, /^[A-Za-z0-9][A-Za-z0-9_.-]*$/, what);

const whole = (example: number, low: number, high: number) => {
  const error = `must be a whole number from ${low} to ${high}`;
  return z.number({ error }).int({ error }).min(low, { error }).max(high, { error }).meta({ example });
};

const name = text(
  'web-1',
  /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/,
  'at most 40 characters of a-z, 0-9 and -, beginning with a letter',
);

/** Text that one of our own readers understands, turned into its value. */
const read = <T>(
  example: string,
  reader: (text: string) => T | undefined,
  must: string,
  hint: (text: string) => string = () => '',
) =>
  z
    .string({ error: `must be ${must}` })
    .transform((text, context) => {
      const value = reader(text);
      if (value !== undefined) return value;
      context.addIssue({ code: 'custom', message: `must be ${must}${hint(text)}` });
      return z.NEVER;
    })
    .meta({ example });

const ip = (example: string) => read(example, parseIp, 'an IPv4 address');
const range = (example: string) => read(example, parseCidr, 'an IPv4 range such as 10.0.0.0/16', hintOnRange);
/** People write the address of a machine with the prefix of its network. */
function hintOnRange(text: string): string {
  const [, address = '', bits = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const parsed = parseIp(address);
  if (parsed === undefined) return '';
  if (Number(bits) > 32) return '; the prefix length is at most 32';
  const size = 2 ** (32 - Number(bits));
  const first = numberOf(parsed) - (numberOf(parsed) % size);
  return `; ${text} is an address in the range ${formatCidr({ first, bits: Number(bits) })}`;
}

const spanExample = '192.168.50.128-192.168.50.250';
const fromTo = `the first and the last address, such as ${spanExample}`;

/** Addresses of the site's own network, from one to another. */
const addressSpan = read(spanExample, parseSpan, fromTo);

/** A range for routed machines, or addresses of the site's own network for bridged ones: `check-config.ts` says which of them belongs here. */
const sitePods = z
  .string({ error: 'must be an IPv4 range such as 10.0.0.0/16' })
  .transform((text, context): { readonly range: Cidr } | { readonly span: Span } => {
    const [range, span] = [parseCidr(text), parseSpan(text)];
    if (range !== undefined) return { range };
    if (span !== undefined) return { span };
    const must = text.includes('-') ? fromTo : `an IPv4 range such as 10.0.0.0/16${hintOnRange(text)}`;
    context.addIssue({ code: 'custom', message: `must be ${must}` });
    return z.NEVER;
  })
  .meta({ example: '172.16.0.0/16' });

const podNetwork = z.enum(['routed', 'bridged'], { error: 'must be routed or bridged' }).meta({ example: 'routed' });

const networkInterface = text(
  'eth0',
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/,
  'the name of a network interface, at most 15 characters',
);

/** Below three minutes a machine that restarts would be switched off. */
function parseMinutes(text: string): Ms | undefined {
  const [, count = '0'] = /^([1-9]\d{0,3})m$/.exec(text) ?? [];
  return Number(count) >= 3 && Number(count) <= 1440 ? minutes(Number(count)) : undefined;
}

const amount = (example: string) => read(example, parseBytes, 'an amount with its unit, Mi or Gi');

const ranges = z
  .union([z.string(), z.array(z.string())], { error: 'must be a range or a list of ranges' })
  .transform((given, context) => {
    const found: Cidr[] = [];
    for (const one of [given].flat()) {
      const parsed = parseCidr(one);
      if (parsed !== undefined) found.push(parsed);
      else
        context.addIssue({
          code: 'custom',
          message: `must be a range or a list of ranges${hintOnRange(one) || `; "${one}" is not an IPv4 range`}`,
        });
    }
    if ([given].flat().length === 0) context.addIssue({ code: 'custom', message: 'must name at least one range' });
    return found;
  })
  .meta({ example: '192.168.50.0/24' });

const fromEnvironment = (example: string) =>
  z
    .strictObject(
      { env: text(example, /^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable') },
      { error: 'must name the environment variable that contains the key; keys do not belong in this file' },
    )
    .meta({ example: `{ env: ${example} }` });

const login = {
  user: text('root', /^[A-Za-z0-9_][A-Za-z0-9_.@-]*$/, 'the name of a user on the machine').optional(),
  key: z
    .string({ error: 'must be the path of an SSH private key' })
    .min(1)
    .meta({ example: '~/.ssh/id_ed25519' })
    .optional(),
  agent: z.boolean({ error: 'must be true or false' }).meta({ example: 'true' }).optional(),
  port: whole(22, 1, 65_535).optional(),
};

const ssh = z
  .strictObject({
    ...login,
    jump: z
      .union(
        [
          z.strictObject({
            address: text('203.0.113.7', /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'an IPv4 address or a host name'),
            ...login,
          }),
          z.literal('none'),
        ],
        { error: 'must be a mapping with the address of the jump host, or none' },
      )
      .meta({ example: '{ address: 203.0.113.7, user: ops }' })
      .optional(),
  })
  .meta({ example: '{ user: root, key: ~/.ssh/id_ed25519 }' });

/** Where volumes of the driver local.isthmus.dev lie on a physical machine. */
const siteStorage = z
  .strictObject({
    directories: z
      .array(
        text(
          '/srv/volumes',
          /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._+@=:-]+)+$/,
          'the whole path of a folder on the machine, without . and .. in it; not / itself',
        ),
        { error: 'must be a list of folders' },
      )
      .meta({ example: '[/srv/volumes]' })
      .default([]),
    disks: z
      .array(
        text(
          '/dev/disk/by-id/nvme-SAMSUNG_MZQL21T9HCJR_S64GNE0R',
          /^\/dev\/disk\/by-id\/(?!.*-part\d+$)[A-Za-z0-9._+@=:-]+$/,
          'the name of a whole disk under /dev/disk/by-id, which stays with the disk; list them with ls -l /dev/disk/by-id',
        ),
        { error: 'must be a list of disks' },
      )
      .meta({ example: '[/dev/disk/by-id/nvme-SAMSUNG_MZQL21T9HCJR_S64GNE0R]' })
      .default([]),
    keepFree: amount('20Gi').optional(),
  })
  .meta({ example: '{ directories: [/srv/volumes] }' });

const shape = z
  .strictObject({ cpu: whole(2, 1, 256), memory: amount('4Gi') })
  .meta({ example: '{ cpu: 2, memory: 4Gi }' });

const word = '[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?';
const labelKey = new RegExp(`^([a-z0-9.-]+/)?${word}$`);
const labelValue = new RegExp(`^(${word})?$`);
/** Labels that a kubelet may not give its own node, and ours. */
const foreignKey = /^([a-z0-9.-]+\.)?(kubernetes\.io|k8s\.io|isthmus\.dev)\//;

/** Cloud machines that come and go. */
const nodeGroup = z.strictObject({
  name: name.meta({ example: 'burst' }),
  shapes: z
    .array(shape, { error: 'must be a list of shapes' })
    .min(1, { error: 'must name at least one shape' })
    .max(16, { error: 'must name at most 16 shapes' })
    .meta({ example: '[{ cpu: 2, memory: 4Gi }, { cpu: 4, memory: 8Gi }]' }),
  image: id('uimage-base', "the image's id"),
  zones: z
    .array(z.strictObject({ zone: id('cn-bj2-05', "the zone's id"), subnet: id('subnet-2', "the subnet's id") }), {
      error: 'must be a list of zones',
    })
    .min(1, { error: 'must name at least one zone' })
    .max(16, { error: 'must name at most 16 zones' })
    .meta({ example: '[{ zone: cn-bj2-05, subnet: subnet-2 }]' })
    .optional(),
  disk: amount('40Gi').optional(),
  charge: z
    .enum(['hour', 'month', 'year', 'spot'], { error: 'must be hour, month, year or spot' })
    .meta({ example: 'hour' })
    .default('hour'),
  elasticInterfaces: z.boolean({ error: 'must be true or false' }).meta({ example: 'true' }).default(false),
  labels: z
    .record(
      z.string().refine((key) => labelKey.test(key) && !foreignKey.test(key), {
        error:
          'is not a label key that a group may give; keys of kubernetes.io, k8s.io and isthmus.dev are not its own',
      }),
      z.string({ error: 'must be a text; put quotes around it' }).regex(labelValue, { error: 'must be a label value' }),
      { error: 'must be a mapping of labels' },
    )
    .meta({ example: '{ pool: burst }' })
    .default({}),
  taints: z
    .array(
      z.strictObject({
        key: text('pool', labelKey, 'the key of a taint'),
        value: text('burst', labelValue, 'the value of a taint').optional(),
        effect: z
          .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], {
            error: 'must be NoSchedule, PreferNoSchedule or NoExecute',
          })
          .meta({ example: 'NoSchedule' }),
      }),
      { error: 'must be a list of taints' },
    )
    .max(16, { error: 'must name at most 16 taints' })
    .meta({ example: '[{ key: pool, value: burst, effect: NoSchedule }]' })
    .default([]),
  min: whole(0, 0, mostMachines).default(0),
  max: whole(10, 0, mostMachines),
  initial: whole(2, 0, mostMachines).optional(),
});

/** `cloud:` is read as its provider says. */
function cloudSchema(providers: readonly CloudProvider[]) {
  const [first, ...others] = providers.map(({ name, examples, settings, credentials }) =>
    z
      .strictObject({
        provider: z.literal(name).meta({ example: name }),
        region: id(examples.region, "the region's id"),
        zone: id(examples.zone, "the zone's id"),
        vpc: id(examples.vpc, "the VPC's id"),
        subnet: id(examples.subnet, "the subnet's id"),
        ...settings,
        credentials: z
          .strictObject(
            Object.fromEntries(Object.entries(credentials).map(([key, variable]) => [key, fromEnvironment(variable)])),
          )
          .meta({
            example: `{ ${Object.entries(credentials)
              .map(([key, variable]) => `${key}: { env: ${variable} }`)
              .join(', ')} }`,
          }),
      })
      .meta({ example: `{ provider: ${name}, region: ${examples.region}, … }` }),
  );
  if (first === undefined) throw new RangeError('a cluster.yaml needs at least one cloud provider');
  const error = `must be ${providers.map(({ name }) => name).join(' or ')}`;
  return z
    .discriminatedUnion('provider', [first, ...others], {
      error: (issue) => (issue.code === 'invalid_union' ? error : undefined),
    })
    .meta({ example: first.meta()?.['example'] });
}

export const configSchema = (providers: readonly CloudProvider[]) =>
  z.strictObject({
    name: name.meta({ example: 'shop' }),
    kubernetes: text('1.36.3', /^1\.\d{2}\.\d+$/, 'a full Kubernetes version'),
    secretsEncryption: z.boolean({ error: 'must be true or false' }).meta({ example: 'true' }).default(false),
    bundle: z
      .strictObject({
        url: text(
          'http://192.168.50.2/bundle',
          /^https?:\/\/[A-Za-z0-9.-]+(:\d{1,5})?(\/[A-Za-z0-9._~%+@=/-]*)?$/,
          'the http or https URL of the folder with bundle.json; it may contain letters, digits and . _ ~ % + @ = - /',
        ),
        digest: text(
          `sha256:${'0123456789abcdef'.repeat(4)}`,
          /^sha256:[0-9a-f]{64}$/,
          'the digest of bundle.json, sha256: and 64 digits',
        ),
      })
      .meta({ example: '{ url: http://192.168.50.2/bundle, digest: sha256:… }' }),
    cloud: cloudSchema(providers),
    network: z
      .strictObject({
        services: range('10.96.0.0/16'),
        mtu: whole(1500, 1280, 9000).optional(),
        site: z
          .strictObject({
            mode: podNetwork,
            pods: sitePods,
            perMachine: whole(24, 16, 28).default(24),
            interface: networkInterface.optional(),
            bridgedPods: addressSpan.optional(),
            machines: ranges,
            gateway: z
              .strictObject({ address: ip('192.168.50.1'), ssh: ssh.optional() })
              .meta({ example: '{ address: 192.168.50.1 }' })
              .optional(),
          })
          .meta({ example: '{ mode: routed, pods: 172.16.0.0/16, perMachine: 24, machines: 192.168.50.0/24 }' }),
        cloud: z
          .strictObject({
            warm: z
              .strictObject({ low: whole(4, 0, 200), high: whole(12, 1, 250) })
              .meta({ example: '{ low: 4, high: 12 }' })
              .default({ low: 4, high: 12 }),
          })
          .meta({ example: '{ warm: { low: 4, high: 12 } }' })
          .default({ warm: { low: 4, high: 12 } }),
      })
      .meta({ example: '{ services: 10.96.0.0/16, site: { … } }' }),
    ssh: ssh.optional(),
    controlPlane: z.array(z.string(), { error: 'must be a list of machine names' }).meta({ example: '[cp-1]' }),
    cloudMachines: z
      .array(
        z.strictObject({
          name,
          shape,
          image: id('uimage-base', "the image's id"),
          disk: amount('40Gi').optional(),
          elasticInterfaces: z.boolean({ error: 'must be true or false' }).meta({ example: 'true' }).default(false),
        }),
        { error: 'must be a list of cloud machines' },
      )
      .meta({ example: '[{ name: web-1, shape: { cpu: 2, memory: 4Gi }, image: uimage-base }]' })
      .default([]),
    nodeGroups: z
      .array(nodeGroup, { error: 'must be a list of groups' })
      .meta({ example: '[{ name: burst, shapes: [{ cpu: 2, memory: 4Gi }], image: uimage-base, max: 10 }]' })
      .default([]),
    machines: z
      .array(
        z.strictObject({
          name,
          address: ip('192.168.50.13'),
          podNetwork: podNetwork.optional(),
          ssh: ssh.optional(),
          storage: siteStorage.optional(),
        }),
        { error: 'must be a list of machines' },
      )
      .meta({ example: '[{ name: base-1, address: 192.168.50.13 }]' })
      .default([]),
    storage: z
      .strictObject({
        cloudDisks: z.boolean({ error: 'must be true or false' }).meta({ example: 'true' }).default(false),
        fileShares: z.boolean({ error: 'must be true or false' }).meta({ example: 'true' }).default(false),
        powerOffSilentAfter: read('10m', parseMinutes, 'a number of minutes from 3m to 1440m').optional(),
      })
      .meta({ example: '{ cloudDisks: true }' })
      .default({ cloudDisks: false, fileShares: false }),
    addons: z
      .strictObject({
        ingress: z
          .strictObject({ replicas: whole(2, 1, 20).default(2) })
          .meta({ example: '{}' })
          .optional(),
      })
      .meta({ example: '{ ingress: {} }' })
      .default({}),
  });

export type ConfigSchema = ReturnType<typeof configSchema>;
export type ConfigShape = z.output<ConfigSchema>;

/** What stands at a path of the schema: its example, and the keys it knows when it is an object. A union is read as `raw` says. */
export function schemaAt(
  schema: ConfigSchema,
  path: readonly PropertyKey[],
  raw: unknown,
): { example: string | undefined; keys: readonly string[] } {
  let at: z.ZodType | undefined = schema;
  let given = raw;
  let example: string | number | undefined;
  for (const step of path) {
    at = bare(at);
    if (at instanceof z.ZodUnion) at = mappingIn(at, given);
    if (at instanceof z.ZodObject) at = (at.shape as Record<string, z.ZodType>)[String(step)];
    else if (at instanceof z.ZodArray) at = at.element as z.ZodType;
    else at = undefined;
    if (at === undefined) return { example: undefined, keys: [] };
    given = (given as Record<PropertyKey, unknown> | null | undefined)?.[step];
  }
  for (let layer: z.ZodType | undefined = at; layer !== undefined && example === undefined; layer = inner(layer))
    example = layer.meta()?.['example'] as string | number | undefined;
  const last = bare(at);
  const reached = last instanceof z.ZodUnion ? mappingIn(last, given) : last;
  const keys = reached instanceof z.ZodObject ? Object.keys(reached.shape) : [];
  return { example: example === undefined ? undefined : String(example), keys };
}

/** Of a union of mappings the one of the given provider, or the first. */
function mappingIn(union: z.ZodUnion, given: unknown): z.ZodType | undefined {
  const mappings = (union.options as readonly z.ZodType[]).filter((option) => option instanceof z.ZodObject);
  const provider = (given as { provider?: unknown } | null | undefined)?.provider;
  return (
    mappings.find(({ shape }) => (shape['provider'] as z.ZodLiteral | undefined)?.value === provider) ?? mappings[0]
  );
}

function bare(schema: z.ZodType | undefined): z.ZodType | undefined {
  for (let at = schema; at !== undefined; ) {
    const next = inner(at);
    if (next === undefined) return at;
    at = next;
  }
  return undefined;
}

function inner(schema: z.ZodType): z.ZodType | undefined {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : undefined;
}

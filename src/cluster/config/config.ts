import { dirname, join, resolve } from 'node:path';
import type * as z from 'zod';
import type { ClusterShape, MachineStorage } from '#capability/capability.ts';
import type { CloudPlace, CloudProvider } from '#cloud/provider.ts';
import type { NodeGroupSpec } from '#kube/api/node-group.ts';
import { type Bytes, formatBytes, gibi } from '#unit/bytes.ts';
import type { Ms } from '#unit/clock.ts';
import type { Cidr, Ip } from '#unit/ip.ts';
import { nearest } from '#unit/nearest.ts';
import { fail, ok, type Result } from '#unit/result.ts';
import { checkConfig } from './check-config.ts';
import { type ConfigSchema, type ConfigShape, configSchema, schemaAt } from './config-schema.ts';
import { type Fault, pathText, type RawFault } from './fault.ts';
import { readYaml } from './read-yaml.ts';

/** One of `key` and `agent` at least is given. */
export interface SshLoginConfig {
  readonly user: string;
  readonly port: number;
  /** Absolute path of the private key. */
  readonly key: string | undefined;
  /** The SSH agent of the operator may be asked for keys. */
  readonly agent: boolean;
}

export interface SshAccess extends SshLoginConfig {
  /** The host to go through. */
  readonly jump: (SshLoginConfig & { readonly address: string }) | undefined;
}

export interface CloudMachineConfig {
  readonly name: string;
  readonly cpu: number;
  readonly memory: Bytes;
  readonly disk: Bytes;
  readonly image: string;
  readonly elasticInterfaces: boolean;
}

export interface SiteMachineConfig {
  readonly name: string;
  readonly address: Ip;
  /** How its pods get their addresses. */
  readonly podNetwork: 'routed' | 'bridged';
  readonly ssh: SshAccess;
  readonly storage: MachineStorage | undefined;
}

/** What cluster.yaml says, checked, with its defaults and in units. */
export interface ClusterConfig {
  readonly name: string;
  readonly kubernetes: string;
  /** Whether the control plane encrypts Secrets before it stores them in etcd. */
  readonly secretsEncryption: boolean;
  readonly bundle: { readonly url: string; readonly digest: string };
  readonly cloud: CloudPlace & {
    /** Names of the environment variables that contain the provider's keys, by the names of the keys. */
    readonly credentials: Readonly<Record<string, string>>;
    /** Of the provider's own settings, those that can't be changed later, each with the reason. */
    readonly fixed: Readonly<Record<string, string>>;
  };
  readonly network: {
    readonly services: Cidr;
    /** Bytes; the cloud's own when left out. */
    readonly mtu: number | undefined;
    readonly site: ClusterShape['network']['site'] & {
      readonly gateway: { readonly address: Ip; readonly ssh: SshAccess | undefined } | undefined;
    };
    readonly cloud: { readonly warm: { readonly low: number; readonly high: number } };
  };
  /** How the operator reaches cloud machines: its public half is installed on a cloud control plane. */
  readonly ssh: SshAccess | undefined;
  /** The name of the one control plane machine. */
  readonly controlPlane: string;
  readonly cloudMachines: readonly CloudMachineConfig[];
  /** Groups of cloud machines that come and go, as their objects say it. */
  readonly nodeGroups: readonly { readonly name: string; readonly spec: NodeGroupSpec }[];
  readonly machines: readonly SiteMachineConfig[];
  readonly storage: {
    /** Whether disks of the cloud are volumes of the cluster. */
    readonly cloudDisks: boolean;
    /** Whether file shares of the cloud are. */
    readonly fileShares: boolean;
    /** How long a cloud node may be silent before its machine is switched off; `undefined`: for ever. */
    readonly powerOffSilentAfter: Ms | undefined;
  };
  /** What the cluster is to have beside what it needs. */
  readonly addons: { readonly ingress: { readonly replicas: number } | undefined };
}

/** What `parseClusterConfig` needs of the outside. */
export interface Surroundings {
  /** The environment, for the presence of credentials; and for `~`, HOME. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The kinds of cloud that may be named. */
  readonly providers: readonly CloudProvider[];
}

/**
 * Reads cluster.yaml.
 * @shape the checked configuration; or every fault at once, each with its path, line, value and a good example
 * @unit path: where the file lies; relative key paths are resolved from its folder
 */
export function parseClusterConfig(
  text: string,
  path: string,
  surroundings: Surroundings,
): Result<ClusterConfig, readonly Fault[]> {
  const read = readYaml(text);
  if (!read.ok) return read;
  const { raw, lineOf } = read.value;
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw))
    return fail([
      {
        path: '',
        line: 1,
        value: undefined,
        problem: 'must be a mapping',
        example: 'name: shop, kubernetes: 1.36.3, …',
      },
    ]);
  const schema = configSchema(surroundings.providers);
  const parsed = schema.safeParse(raw);
  const shape = parsed.success ? [] : parsed.error.issues.flatMap((issue) => shapeFaults(schema, issue, raw));
  const between = checkConfig(raw as Record<string, unknown>, surroundings.env);
  // A key whose form is wrong is told once, not again for what it does not fit to.
  const told = new Set(shape.map((fault) => pathText(fault.at)));
  const faults = [...shape, ...between.filter((fault) => !told.has(pathText(fault.at)))]
    .map(({ at, problem, example }) => ({
      path: pathText(at),
      line: lineOf(at),
      // A key written where its variable's name belongs must not reach a screen.
      value:
        pathText(at).startsWith('cloud.credentials') && at.at(-1) !== 'env' ? undefined : shortValue(valueAt(raw, at)),
      problem,
      example,
    }))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (!parsed.success || faults.length > 0) return fail(faults);
  return ok(finished(parsed.data, path, surroundings));
}

function shapeFaults(schema: ConfigSchema, issue: z.core.$ZodIssue, raw: unknown): RawFault[] {
  const at = issue.path;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(schema, at, key, raw));
  const { example } = schemaAt(schema, at, raw);
  return [{ at, problem: shapeProblem(issue, raw), ...(example !== undefined && { example }) }];
}

function shapeProblem(issue: z.core.$ZodIssue, raw: unknown): string {
  if (valueAt(raw, issue.path) === undefined) return 'is missing';
  // A single credential has words of its own for this.
  const isCredential = issue.path.at(-2) === 'credentials';
  if (issue.code === 'invalid_type' && issue.expected === 'object' && !isCredential) return 'must be a mapping';
  return issue.message;
}

function unknownKey(schema: ConfigSchema, at: readonly PropertyKey[], key: string, raw: unknown): RawFault {
  const known = schemaAt(schema, at, raw).keys;
  const near = nearest(key, known);
  if (near === undefined) return { at: [...at, key], problem: `unknown key; known keys are ${known.join(', ')}` };
  const example = schemaAt(schema, [...at, near], raw).example ?? '…';
  return { at: [...at, key], problem: `unknown key; did you mean ${near}?`, example: `${near}: ${example}` };
}

function valueAt(raw: unknown, at: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const step of at) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return value;
}

function shortValue(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

function finished(shape: ConfigShape, path: string, { env, providers }: Surroundings): ClusterConfig {
  const access = (own: ConfigShape['ssh']): SshAccess | undefined => {
    const login = loginOf(path, env, own, shape.ssh);
    if (login.key === undefined && !login.agent) return undefined;
    const jump = own?.jump ?? shape.ssh?.jump ?? 'none';
    if (jump === 'none') return { ...login, jump: undefined };
    // A port belongs to one machine; the jump host has its own.
    const through = loginOf(path, env, jump, own, { ...shape.ssh, port: undefined });
    return { ...login, jump: { ...through, port: jump.port ?? 22, address: jump.address } };
  };
  const { network, cloud } = shape;
  const { gateway } = network.site;
  return {
    name: shape.name,
    kubernetes: shape.kubernetes,
    secretsEncryption: shape.secretsEncryption,
    bundle: { url: shape.bundle.url.replace(/\/+$/, ''), digest: shape.bundle.digest },
    cloud: { ...cloudOf(cloud), fixed: providers.find(({ name }) => name === cloud.provider)?.fixed ?? {} },
    network: {
      services: network.services,
      mtu: network.mtu,
      site: {
        ...podNetworksOf(network.site),
        machines: network.site.machines,
        gateway:
          gateway === undefined
            ? undefined
            : { address: gateway.address, ssh: gateway.ssh === undefined ? undefined : access(gateway.ssh) },
      },
      cloud: network.cloud,
    },
    ssh: access(undefined),
    controlPlane: shape.controlPlane[0] as string,
    cloudMachines: shape.cloudMachines.map(({ name, shape: { cpu, memory }, image, disk, elasticInterfaces }) => ({
      name,
      cpu,
      memory,
      image,
      disk: disk ?? gibi(40),
      elasticInterfaces,
    })),
    nodeGroups: shape.nodeGroups.map(groupOf),
    machines: shape.machines.map(({ name, address, podNetwork, ssh, storage }) => ({
      name,
      address,
      podNetwork: podNetwork ?? network.site.mode,
      ssh: access(ssh) as SshAccess,
      storage: storage === undefined ? undefined : { ...storage, keepFree: storage.keepFree },
    })),
    storage: {
      cloudDisks: shape.storage.cloudDisks,
      fileShares: shape.storage.fileShares,
      powerOffSilentAfter: shape.storage.powerOffSilentAfter,
    },
    addons: { ingress: shape.addons.ingress },
  };
}

/** What is left out has no field in the object: the defaults of the controller are no wish of the file. */
function groupOf({
  name,
  shapes,
  image,
  zones,
  disk,
  charge,
  elasticInterfaces,
  labels,
  taints,
  min,
  max,
  initial,
}: ConfigShape['nodeGroups'][number]): ClusterConfig['nodeGroups'][number] {
  return {
    name,
    spec: {
      shapes: shapes.map(({ cpu, memory }) => ({ cpu, memory: formatBytes(memory) })),
      image,
      ...(zones !== undefined && { zones }),
      disk: formatBytes(disk ?? gibi(40)),
      charge,
      ...(elasticInterfaces && { elasticInterfaces }),
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(taints.length > 0 && {
        taints: taints.map(({ key, value, effect }) => ({ key, ...(value !== undefined && { value }), effect })),
      }),
      min,
      max,
      ...(initial !== undefined && { initial }),
    },
  };
}

function podNetworksOf({
  mode,
  pods,
  perMachine,
  interface: card,
  bridgedPods,
}: ConfigShape['network']['site']): Pick<ClusterConfig['network']['site'], 'mode' | 'routed' | 'bridged'> {
  if ('span' in pods) return { mode, routed: undefined, bridged: { pods: pods.span, interface: card } };
  return {
    mode,
    routed: { pods: pods.range, perMachine },
    bridged: bridgedPods && { pods: bridgedPods, interface: card },
  };
}

function cloudOf({
  provider,
  region,
  zone,
  vpc,
  subnet,
  credentials,
  ...own
}: ConfigShape['cloud']): Omit<ClusterConfig['cloud'], 'fixed'> {
  const variables = Object.entries(credentials).map(([key, { env }]) => [key, env] as const);
  return { provider, region, zone, vpc, subnet, own, credentials: Object.fromEntries(variables) };
}

type LoginShape = Omit<NonNullable<ConfigShape['ssh']>, 'jump'>;

/** Each key by the first of the places that has it. */
function loginOf(
  path: string,
  env: Surroundings['env'],
  ...places: readonly (LoginShape | undefined)[]
): SshLoginConfig {
  const first = <K extends keyof LoginShape>(key: K): LoginShape[K] =>
    places.find((place) => place?.[key] !== undefined)?.[key];
  const key = first('key');
  return {
    user: first('user') ?? 'root',
    port: first('port') ?? 22,
    key: key === undefined ? undefined : keyPath(key, path, env),
    agent: first('agent') ?? false,
  };
}

function keyPath(key: string, file: string, env: Surroundings['env']): string {
  if (key.startsWith('~/')) return join(env['HOME'] ?? '/root', key.slice(2));
  return resolve(dirname(file), key);
}

import * as z from 'zod';
import { fail, ok, type Result } from '#unit/result.ts';

/** One container's one interface: what every allocation belongs to. */
export interface Attachment {
  readonly container: string;
  readonly ifname: string;
}

export type CniRequest = { readonly version: CniVersion } & (
  | ({ readonly verb: 'ADD'; readonly netns: string; readonly namespace?: string } & Attachment)
  | ({ readonly verb: 'CHECK'; readonly netns: string } & Attachment)
  | ({ readonly verb: 'DEL' } & Attachment)
  | { readonly verb: 'GC'; readonly valid: readonly Attachment[] }
  | { readonly verb: 'STATUS' }
);

export const cniVersions = ['0.4.0', '1.0.0', '1.1.0'] as const;
export type CniVersion = (typeof cniVersions)[number];

/** An error as the CNI specification wants it: 1 to 99 are the specification's numbers. */
export interface CniFault {
  /** The version to answer in; the runtime's own when it could be read. */
  readonly version: string;
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

/** Numbers of the CNI specification 1.1.0. */
export const cniCode = {
  version: 1,
  environment: 4,
  io: 5,
  undecodable: 6,
  configuration: 7,
  again: 11,
  notAvailable: 50,
} as const;

/**
 * Reads what the plugin carries: `{"env":{"CNI_COMMAND":…},"stdin":"…"}`.
 * @fails a CniFault that names every variable that is missing or wrong
 */
export function parseCniRequest(text: string): Result<CniRequest, CniFault> {
  const carried = carriedShape.safeParse(parseJson(text));
  if (!carried.success) return refuse('1.0.0', cniCode.undecodable, 'reading the request', carried.error.message);
  const { env, stdin } = carried.data;
  const config = configShape.safeParse(parseJson(stdin));
  if (!config.success)
    return refuse('1.0.0', cniCode.undecodable, 'reading the network configuration', config.error.message);
  const version = cniVersions.find((v) => v === config.data.cniVersion);
  if (version === undefined)
    return refuse(
      config.data.cniVersion,
      cniCode.version,
      `CNI version ${config.data.cniVersion} is not supported`,
      `supported: ${cniVersions.join(', ')}`,
    );
  return requestOf(env, config.data, version);
}

function requestOf(
  env: Readonly<Record<string, string>>,
  config: Config,
  version: CniVersion,
): Result<CniRequest, CniFault> {
  const verb = env['CNI_COMMAND'];
  if (verb === 'STATUS') return ok({ verb, version });
  if (verb === 'GC') {
    const valid = validAttachments(config);
    if (valid !== undefined) return ok({ verb, version, valid });
    // To be read as "nothing is valid" it would take all pods their network.
    return refuse(version, cniCode.configuration, 'GC without cni.dev/valid-attachments');
  }
  if (verb !== 'ADD' && verb !== 'DEL' && verb !== 'CHECK')
    return refuse(version, cniCode.environment, `CNI_COMMAND is "${verb}", not ADD, DEL, CHECK, GC, STATUS or VERSION`);
  const faults = [
    containerForm.test(env['CNI_CONTAINERID'] ?? '') ? [] : 'CNI_CONTAINERID',
    interfaceForm.test(env['CNI_IFNAME'] ?? '') ? [] : 'CNI_IFNAME',
    // After a reboot DEL comes without a namespace.
    verb === 'DEL' || (env['CNI_NETNS'] ?? '').startsWith('/') ? [] : 'CNI_NETNS',
  ].flat();
  if (faults.length > 0)
    return refuse(version, cniCode.environment, `${faults.join(', ')} missing or malformed`, JSON.stringify(env));
  const attachment = { container: env['CNI_CONTAINERID'] as string, ifname: env['CNI_IFNAME'] as string };
  if (verb === 'DEL') return ok({ verb, version, ...attachment });
  if (verb === 'ADD' && config.prevResult !== undefined)
    return refuse(version, cniCode.configuration, 'isthmus-cni must be the first plugin of its list');
  const netns = namespacePath(env['CNI_NETNS'] as string);
  if (verb === 'CHECK') return ok({ verb, version, netns, ...attachment });
  const namespace = kubernetesNamespace(env['CNI_ARGS'] ?? '');
  return ok({ verb, version, netns, ...(namespace !== undefined && { namespace }), ...attachment });
}

/** Of the pod, as the runtime tells it: `IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0`. */
function kubernetesNamespace(args: string): string | undefined {
  const key = 'K8S_POD_NAMESPACE=';
  const namespace = args
    .split(';')
    .find((pair) => pair.startsWith(key))
    ?.slice(key.length);
  return namespace === '' ? undefined : namespace;
}

const containerForm = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
/** What the kernel takes as an interface name. */
const interfaceForm = /^(?!\.{1,2}$)[^\s/:]{1,15}$/;

/** The agent's container has the host's /run, but no link /var/run to it. */
function namespacePath(path: string): string {
  return path.replace(/^\/var\/run\//, '/run/');
}

const attachmentShape = z.object({ containerID: z.string(), ifname: z.string() });
const configShape = z.looseObject({
  cniVersion: z.string().default('0.4.0'),
  prevResult: z.unknown().optional(),
  'cni.dev/valid-attachments': z.array(attachmentShape).optional(),
  'cni.dev/attachments': z.array(attachmentShape).optional(),
});
type Config = z.infer<typeof configShape>;
const carriedShape = z.object({ env: z.record(z.string(), z.string()), stdin: z.string() });

/** The specification names the first key; libcni sends both. */
function validAttachments(config: Config): readonly Attachment[] | undefined {
  const listed = config['cni.dev/valid-attachments'] ?? config['cni.dev/attachments'];
  return listed?.map(({ containerID, ifname }) => ({ container: containerID, ifname }));
}

function refuse(version: string, code: number, msg: string, details?: string): Result<never, CniFault> {
  return fail({ version, code, msg, ...(details !== undefined && { details }) });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

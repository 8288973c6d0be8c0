import type { Compute } from '#cloud/compute.ts';
import { sharedLook } from '#cloud/shared-look.ts';
import { type CertificateRequestObject, certificateRequests } from '#kube/api/certificate-request.ts';
import { isReady } from '#kube/api/condition.ts';
import { admissionLabel, admissionName, type JoinAdmission, parseAdmission } from '#kube/api/join-admission.ts';
import { machines } from '#kube/api/machine.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { type Kube, KubeError } from '#kube/kube.ts';
import { configMaps, nodes } from '#kube/resources.ts';
import { workQueue } from '#kube/work-queue.ts';
import { type Instant, type Ms, ms, now, seconds, untilAborted } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { counter } from '#unit/metrics.ts';
import { parseRequest } from './parse-request.ts';
import {
  type IdentitySeen,
  type MachineSeen,
  nodeAskedFor,
  planApproval,
  type RequestSeen,
  tokenAskedBy,
  type Verdict,
} from './plan-approval.ts';

const decided = counter(
  'isthmus_certificate_requests_total',
  'Requests of kubelets for certificates that were approved or denied, by reason.',
  ['verdict', 'reason'],
);

export interface ApprovalOptions {
  readonly kube: Kube;
  readonly compute: Pick<Compute, 'list'>;
  /** The cluster's, on machines of the cloud. */
  readonly mark: string;
  /** Hears of each request that was decided, and of each that has waited for half a minute, once for each thing that it waits for. Must not throw. */
  readonly tell: (request: CertificateRequestObject, verdict: Verdict) => void;
  readonly note: (facts: object, doing: string) => void;
}

/**
 * Approves and denies kubelets' requests for certificates until `end`. Any number may run at once: each request is decided once, and each admission is
 * used once, by the API server's own order of writes.
 */
export async function runApprovalController(options: ApprovalOptions, end: AbortSignal): Promise<void> {
  const { kube, compute, mark, note } = options;
  const requests = kube.cache(certificateRequests, {}, end);
  // Many machines that join at once are one question to the cloud.
  const list = sharedLook(() => compute.list(mark, { within: seconds(20) }), ms(500));
  const memories = new WeakMap<CertificateRequestObject, Memory>();
  const queue = workQueue({
    workers: 16,
    tend: async (name) => {
      const request = requests.get({ name });
      if (request === undefined) return undefined;
      const memory = memories.get(request) ?? { since: now(), told: undefined };
      memories.set(request, memory);
      return tendRequest(options, list, { request, memory });
    },
    onError: (error, about) => note({ request: about.key, fault: messageOf(error) }, 'deciding a certificate request'),
    backoff: { first: ms(200), most: seconds(10) },
  });
  requests.onChange((key) => queue.add(key));
  try {
    await requests.synced;
    for (const { metadata } of requests.list()) queue.add(metadata.name);
    await untilAborted(end);
  } finally {
    await queue.stop();
  }
}

/** What this process knows of one request. */
interface Memory {
  /** Since when, by the clock of this process: that of the API server may be another. */
  readonly since: Instant;
  /** What it was last told to wait for. */
  told: string | undefined;
}

type ListMachines = () => ReturnType<Compute['list']>;

async function tendRequest(
  options: ApprovalOptions,
  list: ListMachines,
  { request, memory }: { readonly request: CertificateRequestObject; readonly memory: Memory },
): Promise<{ readonly again: Ms } | undefined> {
  const asked = readRequest(request, memory.since);
  // What was decided, and what is not ours, is not worth a look at the world.
  if (planApproval(asked, nothingSeen(asked.made)).do === 'leave') return undefined;
  const seen = await observeCluster(options.kube, asked);
  // Nor is the cloud asked about what needs no word of it.
  const verdict = asksForMachine(asked, seen)
    ? planApproval(asked, { ...seen, machine: await observeMachine(options.kube, list, nodeAskedFor(asked)) })
    : planApproval(asked, seen);
  if (verdict.do === 'leave') return undefined;
  if (verdict.do === 'wait') {
    if (seen.at - asked.made < seconds(30)) return { again: seconds(1) };
    if (memory.told !== verdict.says) options.tell(request, verdict);
    memory.told = verdict.says;
    return { again: seconds(10) };
  }
  options.tell(request, verdict);
  await performVerdict(options.kube, request, asked, seen.admission, verdict);
  return undefined;
}

function readRequest({ spec, status }: CertificateRequestObject, since: Instant): RequestSeen {
  return {
    made: since,
    signer: spec.signerName,
    username: spec.username ?? '',
    groups: spec.groups ?? [],
    usages: spec.usages ?? [],
    lifetime: spec.expirationSeconds,
    isDecided: (status?.conditions ?? []).length > 0 || status?.certificate !== undefined,
    asked: parseRequest(spec.request),
  };
}

function nothingSeen(at: Instant): IdentitySeen {
  return { at, admission: undefined, machine: notAsked, node: undefined };
}

const notAsked = { is: 'unclear', why: 'the machine was not looked up yet' } as const;

/** Whether nothing but the word of cluster.yaml or the cloud is missing. */
function asksForMachine(asked: RequestSeen, seen: IdentitySeen): boolean {
  const verdict = planApproval(asked, seen);
  return verdict.do === 'wait' && verdict.says === notAsked.why;
}

async function observeCluster(kube: Kube, asked: RequestSeen): Promise<IdentitySeen> {
  const name = nodeAskedFor(asked);
  const [admission, node] = await Promise.all([
    observeAdmission(kube, tokenAskedBy(asked)),
    name === undefined ? undefined : kube.get(nodes, { name }),
  ]);
  return {
    at: now(),
    admission,
    machine: notAsked,
    node: node && { uid: node.metadata.uid ?? '', ready: isReady(node), providerId: node.spec?.providerID },
  };
}

async function observeAdmission(kube: Kube, token: string | undefined): Promise<JoinAdmission | undefined> {
  if (token === undefined) return undefined;
  const found = await kube.list(configMaps, { namespace: systemNamespace, labelSelector: admissionLabel });
  return found.flatMap((one) => parseAdmission(one) ?? []).find((one) => one.token === token);
}

/** By the word of cluster.yaml, which Machine objects are of, or of the cloud. */
async function observeMachine(kube: Kube, list: ListMachines, name = ''): Promise<MachineSeen> {
  const onSite = await kube.get(machines, { name });
  if (onSite !== undefined) return { is: 'site', addresses: [onSite.spec.address] };
  const listed = await list();
  if (!listed.ok) return { is: 'unclear', why: `the cloud does not list its machines: ${listed.failure.kind}` };
  const [found, ...others] = listed.value.filter((machine) => machine.name === name);
  if (found === undefined) return { is: 'unknown' };
  if (others.length > 0) return { is: 'unclear', why: `the cloud has ${others.length + 1} machines ${name}` };
  const addresses = new Set([...(found.nic === undefined ? [] : [found.nic.ip]), ...found.homes.map(({ ip }) => ip)]);
  return { is: 'cloud', id: found.id, addresses: [...addresses] };
}

async function performVerdict(
  kube: Kube,
  request: CertificateRequestObject,
  asked: RequestSeen,
  admission: JoinAdmission | undefined,
  verdict: Extract<Verdict, { readonly do: 'approve' | 'deny' }>,
): Promise<void> {
  // Before the approval: a crash in between leaves an admission that only this very key can use.
  if (verdict.do === 'approve' && verdict.use && admission !== undefined && asked.asked.ok)
    await useAdmission(kube, admission, asked.asked.value.key);
  const [type, reason] = verdict.do === 'approve' ? ['Approved', 'Isthmus'] : ['Denied', verdict.why];
  const condition = { type, status: 'True', reason, message: verdict.says };
  try {
    const object = { ...request, status: { ...request.status, conditions: [condition] } };
    await kube.replace(certificateRequests, object, { subresource: 'approval' });
    decided.inc({ verdict: verdict.do, reason });
  } catch (e) {
    // Another has decided it, or it is gone; what there is now comes as a change.
    if (!(e instanceof KubeError && (e.status === 409 || e.status === 404))) throw e;
  }
}

/** @fails KubeError 409 when another was faster: then the request is looked at anew */
async function useAdmission(kube: Kube, { machine, token }: JoinAdmission, key: string): Promise<void> {
  const at = { name: admissionName(machine), namespace: systemNamespace };
  const kept = await kube.get(configMaps, at);
  const before = kept && parseAdmission(kept);
  if (kept === undefined || before?.token !== token) throw new Error(`the admission of ${machine} was taken back`);
  if (before.usedBy === key) return;
  if (before.usedBy !== undefined) throw new Error(`the admission of ${machine} was used meanwhile`);
  const { resourceVersion = '' } = kept.metadata;
  await kube.merge(configMaps, at, { metadata: { resourceVersion }, data: { usedBy: key } });
}

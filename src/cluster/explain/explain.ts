import type { Explain, ExplainedKind } from '#capability/capability.ts';
import { type EventObject, events } from '#kube/events.ts';
import type { Kube } from '#kube/kube.ts';
import { ingresses, nodes, persistentVolumeClaims, pods, services } from '#kube/resources.ts';
import { askApi } from '../observe-cluster.ts';
import { Connections, type Session } from '../session.ts';
import { planExplainNode, planExplainPod, planWarnings } from './plan-explain.ts';

/** Why an object of the cluster does not work, by everybody who sees something. */
export interface Explanation {
  readonly kind: ExplainedKind;
  readonly name: string;
  readonly namespace: string | undefined;
  /** What it is like, whether it works or not: one line for each hop. */
  readonly path: readonly string[];
  readonly findings: readonly {
    /** `kubernetes`, `event`, or the capability. */
    readonly by: string;
    readonly says: string;
  }[];
}

/** @fails Error when there is no cluster, no API server or no such object */
export async function explain(
  session: Session,
  kind: ExplainedKind,
  at: { readonly name: string; readonly namespace: string },
): Promise<Explanation> {
  const connections = new Connections(session);
  try {
    const kube = await connections.kube();
    if ((await askApi(kube)) === 'silent') throw new Error('the API server does not answer; isthmus status shows why');
    const own = await explainOwn(kube, kind, at);
    const parts = await Promise.all(
      session.capabilities.map(async ({ name, explains }) =>
        ((await explains?.[kind]?.(kube, at)) ?? []).map((says) => ({ by: name, says })),
      ),
    );
    const seen = [...own, ...parts.flat()];
    // Warnings stay for an hour after their cause has gone, so alone they are no fault.
    const warnings = seen.length === 0 ? [] : planWarnings(await eventsOf(kube, kind, at));
    const findings = [...seen, ...warnings.map((says) => ({ by: 'event', says }))];
    const paths = await Promise.all(
      session.capabilities.map(async (part) => (await part.paths?.[kind]?.(kube, at)) ?? []),
    );
    const namespace = kind === 'node' ? undefined : at.namespace;
    return { kind, name: at.name, namespace, path: paths.flat(), findings };
  } finally {
    await connections.close();
  }
}

async function explainOwn(
  kube: Kube,
  kind: ExplainedKind,
  at: { readonly name: string; readonly namespace: string },
): Promise<Explanation['findings']> {
  const says = await ownSays[kind](kube, at);
  return says.map((sentence) => ({ by: 'kubernetes', says: sentence }));
}

const ownSays: Readonly<Record<ExplainedKind, Explain>> = {
  node: ownOfNode,
  pod: ownOfPod,
  service: ownOfService,
  ingress: ownOfIngress,
  pvc: ownOfClaim,
};

async function ownOfNode(kube: Kube, { name }: { readonly name: string }): Promise<readonly string[]> {
  const node = await kube.get(nodes, { name });
  if (node === undefined) throw new Error(`there is no node ${name}; isthmus node list shows all nodes`);
  return planExplainNode(node);
}

async function ownOfPod(
  kube: Kube,
  at: { readonly name: string; readonly namespace: string },
): Promise<readonly string[]> {
  const pod = await kube.get(pods, at);
  if (pod === undefined)
    throw new Error(`there is no pod ${at.name} in the namespace ${at.namespace}; name another one with --namespace`);
  return planExplainPod(pod);
}

async function ownOfService(
  kube: Kube,
  at: { readonly name: string; readonly namespace: string },
): Promise<readonly string[]> {
  if ((await kube.get(services, at)) !== undefined) return [];
  throw new Error(`there is no Service ${at.name} in the namespace ${at.namespace}; name another one with --namespace`);
}

async function ownOfIngress(
  kube: Kube,
  at: { readonly name: string; readonly namespace: string },
): Promise<readonly string[]> {
  if ((await kube.get(ingresses, at)) !== undefined) return [];
  throw new Error(`there is no Ingress ${at.name} in the namespace ${at.namespace}; name another one with --namespace`);
}

async function ownOfClaim(
  kube: Kube,
  at: { readonly name: string; readonly namespace: string },
): Promise<readonly string[]> {
  if ((await kube.get(persistentVolumeClaims, at)) !== undefined) return [];
  throw new Error(
    `there is no PersistentVolumeClaim ${at.name} in the namespace ${at.namespace}; name another one with --namespace`,
  );
}

function eventsOf(
  kube: Kube,
  kind: ExplainedKind,
  at: { readonly name: string; readonly namespace: string },
): Promise<readonly EventObject[]> {
  const regarding = `regarding.kind=${kinds[kind]},regarding.name=${at.name}`;
  return kube.list(events, { namespace: kind === 'node' ? 'default' : at.namespace, fieldSelector: regarding });
}

const kinds: Readonly<Record<ExplainedKind, string>> = {
  node: 'Node',
  pod: 'Pod',
  service: 'Service',
  ingress: 'Ingress',
  pvc: 'PersistentVolumeClaim',
};

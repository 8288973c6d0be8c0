import type { ExplainedKind } from '#capability/capability.ts';
import { type EventObject, events } from '#kube/events.ts';
import type { Kube } from '#kube/kube.ts';
import { nodes, pods } from '#kube/resources.ts';
import { askApi } from '../observe-cluster.ts';
import { Connections, type Session } from '../session.ts';
import { planExplainNode, planExplainPod, planWarnings } from './plan-explain.ts';

/** Why an object of the cluster does not work, by everybody who sees something. */
export interface Explanation {
  readonly kind: ExplainedKind;
  readonly name: string;
  readonly namespace: string | undefined;
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
    return { kind, name: at.name, namespace: kind === 'pod' ? at.namespace : undefined, findings };
  } finally {
    await connections.close();
  }
}

async function explainOwn(
  kube: Kube,
  kind: ExplainedKind,
  at: { readonly name: string; readonly namespace: string },
): Promise<Explanation['findings']> {
  const says = kind === 'node' ? await ownOfNode(kube, at.name) : await ownOfPod(kube, at);
  return says.map((sentence) => ({ by: 'kubernetes', says: sentence }));
}

async function ownOfNode(kube: Kube, name: string): Promise<readonly string[]> {
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

function eventsOf(
  kube: Kube,
  kind: ExplainedKind,
  at: { readonly name: string; readonly namespace: string },
): Promise<readonly EventObject[]> {
  const regarding = `regarding.kind=${kind === 'pod' ? 'Pod' : 'Node'},regarding.name=${at.name}`;
  return kube.list(events, { namespace: kind === 'pod' ? at.namespace : 'default', fieldSelector: regarding });
}

import type { Kube } from '#kube/kube.ts';
import { nodes } from '#kube/resources.ts';
import { now } from '#unit/clock.ts';
import { type LeavingSeen, planLeaving, type SendersSeen } from './plan-leaving.ts';

/** Says on a Node whether load balancers send to it, as long as it may not be a back end. @fails KubeError: ask again */
export async function tendLeaving(
  kube: Kube,
  seen: LeavingSeen,
  sendersOf: (machine: string) => SendersSeen,
): Promise<void> {
  const senders = seen.machine === undefined ? none : sendersOf(seen.machine);
  const step = planLeaving(seen, senders, new Date(now()).toISOString());
  if (step.do === 'hold') return;
  await kube.apply(
    nodes,
    { metadata: { name: seen.name }, status: { conditions: step.do === 'say' ? [step.condition] : [] } },
    { manager: 'isthmus-balancer', force: true, subresource: 'status' },
  );
}

const none: SendersSeen = { undecided: [], balancers: [] };

import { type Condition, conditionAfter } from '#kube/api/condition.ts';
import { outOfBalancers } from '#kube/api/leaving.ts';
import type { NodeObject } from '#kube/resources.ts';
import { few } from '#unit/few.ts';
import { nodeSeen } from './choose-back-ends.ts';

/** A node that may not be a back end, or that once was none. */
export interface LeavingSeen {
  readonly name: string;
  /** The cloud's id of its machine; `undefined` for one of the site. */
  readonly machine: string | undefined;
  /** It is about to be removed, or is kept out by its label. */
  readonly isOut: boolean;
  /** What the Node says now. */
  readonly said: Condition | undefined;
}

export function leavingSeen(node: NodeObject): LeavingSeen {
  const { name, ground, isExcluded, isLeaving } = nodeSeen(node);
  const said = node.status?.conditions?.find(({ type }) => type === outOfBalancers);
  return {
    name,
    machine: ground.ground === 'cloud' ? ground.id : undefined,
    isOut: isExcluded || isLeaving,
    said: said as Condition | undefined,
  };
}

/** What is known of who sends to a machine. */
export interface SendersSeen {
  /** Services, `namespace/name`, of which it is not known yet that they have done without the machine. */
  readonly undecided: readonly string[];
  /** Balancers with a listener of ours that has the machine as a back end. */
  readonly balancers: readonly string[];
}

export type LeavingStep =
  | { readonly do: 'hold' }
  | { readonly do: 'say'; readonly condition: Condition }
  /** It may be a back end again: its condition goes. */
  | { readonly do: 'withdraw' };

/**
 * What the Node is to say. It is out only when every Service has been settled without it, and no list shows it any more: whoever
 * removes the machine believes this.
 * @unit at: now, RFC 3339
 */
export function planLeaving(seen: LeavingSeen, senders: SendersSeen, at: string): LeavingStep {
  const { machine, isOut, said } = seen;
  if (machine === undefined || !isOut) return said === undefined ? { do: 'hold' } : { do: 'withdraw' };
  const condition = conditionAfter(said === undefined ? [] : [said], { type: outOfBalancers, ...say(senders) }, at);
  const isSame =
    said?.status === condition.status && said.reason === condition.reason && said.message === condition.message;
  return isSame ? { do: 'hold' } : { do: 'say', condition };
}

function say({ undecided, balancers }: SendersSeen): Pick<Condition, 'status' | 'reason' | 'message'> {
  if (balancers.length > 0) {
    const which =
      balancers.length === 1 ? `load balancer ${balancers[0]} sends` : `load balancers ${balancers.join(', ')} send`;
    return { status: 'False', reason: 'StillSending', message: `${which} to this node` };
  }
  if (undecided.length > 0) {
    const message = `the load balancers of these may send to this node: ${few(undecided)}`;
    return { status: 'Unknown', reason: 'NotKnownYet', message };
  }
  return { status: 'True', reason: 'NoneSends', message: 'no load balancer sends to this node' };
}

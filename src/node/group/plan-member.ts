import type { GroupMember } from '#kube/api/node-group.ts';
import { formatMs, type Instant, ms } from '#unit/clock.ts';
import { few } from '#unit/few.ts';
import type { LeavingReason } from './reasons.ts';
import type { GroupPolicy, MemberNode, MemberSeen } from './seen.ts';

/** What is written down about a machine. Nothing is done in the cloud or to a Node before what it follows from is written down. */
export type MemberRecord = { readonly member: string } & (
  | { readonly do: 'adopt'; readonly id: string }
  | { readonly do: 'ask-again' }
  | { readonly do: 'note-joined' | 'note-ended' | 'forget' }
  | { readonly do: 'leave'; readonly why: LeavingReason; readonly says: string }
);

/** What is done about a machine. Each can be done again after a crash at any place. */
export type MemberAct = { readonly member: string } & (
  | {
      readonly do:
        | 'create'
        | 'label-node'
        | 'mark-leaving'
        | 'evict'
        | 'remove-machine'
        | 'delete-node'
        | 'remove-tokens';
    }
  | { readonly do: 'remove-double'; readonly id: string }
);

/** Why a machine is not as it is to be: `why` is what the group's condition says when nothing weighs more. */
export interface MemberWait {
  readonly why:
    | 'Making'
    | 'Refused'
    | 'Joining'
    | 'NotReady'
    | 'MachineMissing'
    | 'CloudUnclear'
    | 'Leaving'
    | 'HeldByPods'
    | 'HeldByBudgets';
  readonly says: string;
}

export interface MemberPlan {
  readonly record?: MemberRecord;
  readonly act?: MemberAct;
  /** `undefined`: it works as it is to. */
  readonly wait?: MemberWait;
}

/** What is next about one machine of a group: one thing at a time, each from what can be seen. */
export function planMember(seen: MemberSeen, at: Instant, policy: GroupPolicy): MemberPlan {
  const { recorded, busy, refusal } = seen;
  const { name, id } = recorded;
  if (id !== undefined && refusal !== undefined && refusal.until > at)
    return { wait: { why: 'Refused', says: `${name} (${id}): ${refusal.says}` } };
  const plan = recorded.leaving === undefined ? planStaying(seen, at, policy) : planGoing(seen, recorded.leaving);
  if (!busy) return plan;
  // What is on its way shows when it has come to its end.
  return plan.wait === undefined ? {} : { wait: plan.wait };
}

function planStaying(seen: MemberSeen, at: Instant, policy: GroupPolicy): MemberPlan {
  const { recorded, machine, doubles, node, gone, done } = seen;
  const { name: member, id } = recorded;
  if (id === undefined) return planMaking(seen, at);
  const [double] = doubles;
  const working = node?.ready === true;
  const wait: MemberWait | undefined = working ? undefined : waitOf(seen, id);
  const told = wait === undefined ? {} : { wait };
  if (double !== undefined) return { act: { do: 'remove-double', member, id: double }, ...told };
  if (node !== undefined && !node.labelled) return { act: { do: 'label-node', member }, ...told };
  if (working && recorded.joined !== true)
    return done.tokens ? { record: { do: 'note-joined', member } } : { act: { do: 'remove-tokens', member } };
  if (working) return {};
  const cause = whyReplaced(seen, at, policy);
  if (cause !== undefined) return { record: { do: 'leave', member, ...cause }, ...told };
  if (gone) return { wait: { why: 'MachineMissing', says: `the cloud does not know ${id} of ${member}` } };
  if (machine === 'unknown' && node === undefined)
    return { wait: { why: 'CloudUnclear', says: `the cloud does not say how ${id} of ${member} is` } };
  return told;
}

/** The cloud is asked only when nobody can have asked a moment ago, and for a name that is recorded. */
function planMaking({ recorded, machine, mayAsk, settled, refusal }: MemberSeen, at: Instant): MemberPlan {
  const { name: member } = recorded;
  const wait: MemberWait =
    refusal === undefined
      ? { why: 'Making', says: `${member} is being made` }
      : { why: 'Refused', says: `${member} was not made: ${refusal.says}` };
  if (machine === 'unknown')
    return { wait: { why: 'CloudUnclear', says: `the cloud does not say whether there is ${member}` } };
  if (machine !== 'absent') return { record: { do: 'adopt', member, id: machine.id }, wait };
  if (refusal !== undefined && refusal.until > at) return { wait };
  if (mayAsk) return { act: { do: 'create', member }, wait };
  return settled ? { record: { do: 'ask-again', member }, wait } : { wait };
}

function waitOf({ recorded: { name, joined }, join }: MemberSeen, id: string): MemberWait {
  if (joined === true) return { why: 'NotReady', says: `node ${name} (${id}) is not ready` };
  return { why: 'Joining', says: `${name} (${id}) is joining${join === undefined ? '' : `: ${join.says}`}` };
}

/** @shape `undefined`: it is waited for */
function whyReplaced(
  { recorded, machine, node, gone, join }: MemberSeen,
  at: Instant,
  { untilNode, untilReady }: GroupPolicy,
): { readonly why: LeavingReason; readonly says: string } | undefined {
  const { name, id } = recorded;
  const who = `${name} (${id})`;
  // As long as there is a Node, whether its machine is gone is for those to decide who count not-founds.
  if (gone && node === undefined)
    return { why: 'MachineGone', says: `the cloud does not know the machine of ${who} any more` };
  const state = typeof machine === 'string' ? undefined : machine.state;
  if (state === 'failed')
    return { why: 'InstallFailed', says: `the cloud reports that the installation of ${who} failed` };
  if (state === 'stopped')
    return { why: 'SwitchedOff', says: `${who} is switched off in the cloud, and its node is not ready` };
  if (recorded.joined === true || join === undefined) return undefined;
  const still = ms(at - join.lastProgress);
  if (still < (node === undefined ? untilNode : untilReady)) return undefined;
  const how = node === undefined ? 'has not joined' : 'has joined and has never been ready';
  const cloud = state === undefined ? '' : `the cloud says that it is ${state}; `;
  return { why: 'NotJoined', says: `${who} ${how}, without progress for ${formatMs(still)}: ${cloud}${join.says}` };
}

/** First nothing is sent to it, then its pods go, then the machine, then its Node, and the record of it last. */
function planGoing(seen: MemberSeen, leaving: NonNullable<GroupMember['leaving']>): MemberPlan {
  const { recorded, machine, node, done, settled } = seen;
  const { name: member, id } = recorded;
  const wait: MemberWait = { why: 'Leaving', says: `${member} leaves: ${leaving.says}` };
  if (id === undefined) {
    if (machine === 'unknown')
      return { wait: { why: 'CloudUnclear', says: `the cloud does not say whether there is ${member}` } };
    if (machine !== 'absent') return { record: { do: 'adopt', member, id: machine.id }, wait };
    if (!settled) return { wait };
    return { ...planForgetting(seen), wait };
  }
  if (leaving.ended !== true) {
    if (done.machine) return { record: { do: 'note-ended', member }, wait };
    return node?.ready === true ? planEmptying(member, node, wait) : { act: { do: 'remove-machine', member }, wait };
  }
  const [double] = seen.doubles;
  if (double !== undefined) return { act: { do: 'remove-double', member, id: double }, wait };
  if (node !== undefined) return { act: { do: 'delete-node', member }, wait };
  return { ...planForgetting(seen), wait };
}

function planForgetting({ recorded: { name: member }, done }: MemberSeen): MemberPlan {
  return done.tokens ? { record: { do: 'forget', member } } : { act: { do: 'remove-tokens', member } };
}

function planEmptying(member: string, node: MemberNode, wait: MemberWait): MemberPlan {
  if (!node.marked || !node.cordoned) return { act: { do: 'mark-leaving', member }, wait };
  if (node.sends !== undefined) return { wait: { why: 'Leaving', says: `${member} leaves: ${node.sends}` } };
  if (node.pods === undefined) return { wait };
  const { toLeave, held, refused } = node.pods;
  if (held.length > 0) return { wait: heldBy(member, held) };
  if (toLeave > 0) {
    const why: MemberWait =
      refused.length === 0
        ? { why: 'Leaving', says: `${member} leaves: ${toLeave} of its pods are still there` }
        : { why: 'HeldByBudgets', says: `${member} cannot leave yet: ${few(refused)}` };
    return { act: { do: 'evict', member }, wait: why };
  }
  if (node.connections > 0)
    return {
      wait: { why: 'Leaving', says: `${member} leaves: connections from load balancers have their time to end` },
    };
  return { act: { do: 'remove-machine', member }, wait };
}

export function heldBy(member: string, pods: readonly string[]): MemberWait {
  const says = `${member} stays because of pod ${pods[0]}, which says isthmus.dev/do-not-disrupt`;
  return { why: 'HeldByPods', says };
}

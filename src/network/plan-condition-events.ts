import type { Condition } from '#kube/api/condition.ts';

/** What was known last of one condition. */
export type ConditionSeen = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

export interface ConditionNews {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** The condition that it is about. */
  readonly action: string;
  readonly note: string;
}

/**
 * What has to be told of conditions that were looked at again: each fault that is new or another one, and each that has passed.
 * @unit before: `undefined` when nothing was known, as after a start: then faults are told and nothing else
 */
export function planConditionEvents(
  before: readonly ConditionSeen[] | undefined,
  after: readonly ConditionSeen[],
): readonly ConditionNews[] {
  return after.flatMap((now): readonly ConditionNews[] => {
    const last = before?.find(({ type }) => type === now.type);
    const { reason, type: action, message: note } = now;
    if (now.status === 'False' && !(last?.status === 'False' && last.reason === reason && last.message === note))
      return [{ type: 'Warning', reason, action, note }];
    return now.status === 'True' && last?.status === 'False' ? [{ type: 'Normal', reason, action, note }] : [];
  });
}

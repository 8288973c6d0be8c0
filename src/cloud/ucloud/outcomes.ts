import { ok } from '#unit/result.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';

/** For what was to go: that it is gone already is success. */
export function doneIfGone(answer: CloudResult<unknown>): CloudResult<void> {
  return answer.ok || answer.failure.kind === 'gone' ? ok() : answer;
}

export function foreign(action: string, id: string, mark: string): CloudFailure {
  const message = `${id} does not carry the mark "${mark}"; it belongs to somebody else and was left alone`;
  return { kind: 'denied', raw: { action, code: 'foreign', message } };
}

import { ok } from '#unit/result.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import type { Refusal } from './refusal.ts';

/** For what was to go: that it is gone already is success. */
export function doneIfGone(answer: CloudResult<unknown>): CloudResult<void> {
  return answer.ok || answer.failure.kind === 'gone' ? ok() : answer;
}

export function foreign(action: string, id: string, mark: string): CloudFailure {
  const message = `${id} does not carry the mark "${mark}"; it belongs to somebody else and was left alone`;
  return { kind: 'denied', raw: { action, code: 'foreign', message } };
}

/** A create that was accepted without saying what it made. */
export function noneTold(action: string): CloudFailure {
  const message = 'accepted, but no id was told: it is looked for before another one is asked for';
  return { kind: 'unknown', raw: { action, code: 'none-told', message } };
}

export function absent(action: string, what: string): CloudFailure {
  return { kind: 'gone', raw: { action, code: 'absent', message: `no ${what} in this region and project` } };
}

/** A refusal of our own, told as the cloud tells its own. */
export function refused(action: string, { kind, why }: Refusal): CloudFailure {
  return { kind, raw: { action, code: 'plan', message: why } };
}

/** Whether a refusal may come of an earlier request that was done: what is as it was wished is refused as wrong, or as busy. */
export function isDoubtful({ kind }: CloudFailure): boolean {
  return kind === 'unknown' || kind === 'state' || kind === 'invalid';
}

import { expect, test } from 'vitest';
import type { Capability } from '#capability/capability.ts';
import type { Kube } from '#kube/kube.ts';
import { untilAborted } from '#unit/clock.ts';
import type { Connections, Session } from '../session.ts';
import { besideUp } from './beside.ts';

function sessionOf(work: Capability['besideUp'], said: string[]): Session {
  const capability = { name: 'node', objects: () => [], ...(work && { besideUp: work }) };
  const report = { say: (line: string) => said.push(line) };
  const signal = new AbortController().signal;
  return { config: { name: 'shop' }, capabilities: [capability], report, signal } as unknown as Session;
}

const made = { kubeIfMade: async () => ({}) as Kube } as unknown as Connections;

test('what works beside up begins once, is started again when it fails, and has ended when up ends', async () => {
  const said: string[] = [];
  const lives: AbortSignal[] = [];
  let ended = 0;
  const work = async (_given: unknown, end: AbortSignal): Promise<void> => {
    lives.push(end);
    if (lives.length === 1) throw new Error('the API server is gone');
    await untilAborted(end);
    ended++;
  };
  const beside = besideUp(sessionOf(work, said), made);
  await beside.begin();
  await beside.begin();
  await expect.poll(() => lives.length, { timeout: 10_000 }).toBe(2);
  // What the first life had opened was closed with it.
  expect(lives.map(({ aborted }) => aborted)).toEqual([true, false]);
  await beside.end();
  expect([lives.length, ended, said]).toEqual([2, 1, ['node: the API server is gone']]);
});

test('nothing begins before there is a cluster, and what ends because up ends is no failure', async () => {
  const said: string[] = [];
  let begun = 0;
  const work = async (_given: unknown, end: AbortSignal): Promise<void> => {
    begun++;
    await untilAborted(end);
    throw end.reason;
  };
  const none = { kubeIfMade: async () => undefined } as unknown as Connections;
  const early = besideUp(sessionOf(work, said), none);
  await early.begin();
  await early.end();
  expect(begun).toBe(0);
  const beside = besideUp(sessionOf(work, said), made);
  await beside.begin();
  await beside.end();
  expect([begun, said]).toEqual([1, []]);
});

import { expect, test } from 'vitest';
import { type Instant, seconds } from '#unit/clock.ts';
import { type EventObject, recordEvents } from './events.ts';
import type { Kube } from './kube.ts';

const quotaReached = { reason: 'QuotaReached', type: 'Warning', action: 'Extend' } as const;
const range = (name: string) => ({ apiVersion: 'isthmus.dev/v1alpha1', kind: 'PodRange', name, uid: `uid-${name}` });

/** An API server that takes writes when it is let, and remembers them. */
function server({ answers = true } = {}) {
  const created: EventObject[] = [];
  const patched: object[] = [];
  const take = <T>(list: T[], value: T): Promise<T> => {
    if (!answers) return new Promise(() => undefined);
    list.push(value);
    return Promise.resolve(value);
  };
  const kube = {
    within: () => kube,
    create: (_: unknown, object: EventObject) => take(created, object),
    merge: (_: unknown, _at: unknown, patch: object) => take(patched, patch),
  } as unknown as Kube;
  return { kube, created, patched };
}

function recorder({ kube }: { kube: Kube }) {
  const lost: string[] = [];
  const clock = { at: 1_000_000 };
  const events = recordEvents(kube, {
    controller: 'isthmus.dev/controller',
    instance: 'pod-1',
    stop: new AbortController().signal,
    onLost: (why) => lost.push(why),
    now: () => clock.at as Instant,
  });
  return { events, lost, clock };
}

test('the same fault told a thousand times in a minute is one Event with one count', async () => {
  const api = server();
  const { events, clock } = recorder(api);
  for (let i = 0; i < 1000; i++) {
    events.tell(range('web-1'), quotaReached, 'the quota of 40 is reached');
    clock.at += 50;
  }
  await events.flush(seconds(5));
  expect(api.created).toHaveLength(1);
  expect(api.patched.length).toBeLessThanOrEqual(2);
  clock.at += 60_000;
  events.tell(range('web-1'), quotaReached, 'the quota of 40 is reached');
  await events.flush(seconds(5));
  expect(api.patched.at(-1)).toMatchObject({ series: { count: 1001 } });
});

test('an API server that does not answer holds nobody up, and what waits for it is bounded', () => {
  const { events, lost } = recorder(server({ answers: false }));
  for (let i = 0; i < 2000; i++) events.tell(range(`web-${i}`), quotaReached, 'the quota is reached');
  // All are told already, although no write has ended.
  // One is being written, 256 wait.
  expect(lost).toHaveLength(2000 - 257);
});

test('an object with ever other faults has only a burst of Events, and silences no other', async () => {
  const api = server();
  const { events, lost } = recorder(api);
  for (let i = 0; i < 100; i++) events.tell(range('web-1'), quotaReached, `fault ${i}`);
  events.tell(range('web-2'), quotaReached, 'the quota is reached');
  await events.flush(seconds(5));
  expect(api.created.filter(({ regarding }) => regarding?.name === 'web-1')).toHaveLength(25);
  expect(api.created.filter(({ regarding }) => regarding?.name === 'web-2')).toHaveLength(1);
  expect(lost).toHaveLength(75);
});

test('a note that the API server would refuse for its length is cut', async () => {
  const api = server();
  const { events } = recorder(api);
  events.tell(range('web-1'), quotaReached, 'ü'.repeat(900));
  await events.flush(seconds(5));
  expect(Buffer.byteLength(api.created[0]?.note ?? '')).toBeLessThanOrEqual(1024);
  expect(api.created[0]?.note).toMatch(/^ü+ …$/);
});

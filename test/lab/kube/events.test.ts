import { expect, test } from 'vitest';
import { podRanges } from '#kube/api/pod-range.ts';
import { events, recordEvents } from '#kube/events.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { establishCrds } from '../../support/establish-crds.ts';

const api = apiServerForTests();
const quotaReached = { reason: 'QuotaReached', type: 'Warning', action: 'Extend' } as const;

test('an Event is taken by the API server, found by its object, and counts what is told again', async () => {
  await establishCrds(api.kube);
  const made = await api.kube.create(podRanges, { metadata: { name: 'web-1' }, spec: { ground: 'cloud' } });
  const lost: string[] = [];
  const recorder = recordEvents(api.kube, {
    controller: 'isthmus.dev/controller',
    instance: 'isthmus-controller-1',
    stop: new AbortController().signal,
    onLost: (why) => lost.push(why),
  });
  const regarding = {
    apiVersion: 'isthmus.dev/v1alpha1',
    kind: 'PodRange',
    name: 'web-1',
    uid: made.metadata.uid ?? '',
  };
  for (let i = 0; i < 3; i++) recorder.tell(regarding, quotaReached, 'the quota of 40 addresses is reached');
  await recorder.flush(seconds(10));
  expect(lost).toEqual([]);
  const [seen, ...more] = await waitFor(
    'the series',
    async () => {
      const listed = await api.kube.list(events, { namespace: 'default', fieldSelector: 'reason=QuotaReached' });
      return listed[0]?.series === undefined ? undefined : listed;
    },
    { within: seconds(10) },
  );
  expect(more).toEqual([]);
  expect(seen).toMatchObject({ type: 'Warning', note: 'the quota of 40 addresses is reached', series: { count: 3 } });
  // As kubectl describe looks it up.
  const core = await api.kube.read(
    `/api/v1/namespaces/default/events?fieldSelector=${encodeURIComponent(`involvedObject.uid=${made.metadata.uid}`)}`,
  );
  expect(core).toContain('the quota of 40 addresses is reached');

  await api.kube.delete(events, seen?.metadata as { name: string });
  recorder.tell(regarding, { ...quotaReached, reason: 'Other' }, 'another');
  await recorder.flush(seconds(10));
  expect(lost).toEqual([]);
});

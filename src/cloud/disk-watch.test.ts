import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds, sleep } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import { exampleDisk } from './disk.example.ts';
import type { CloudDisk } from './disk.ts';
import { type DiskWatch, diskWatch } from './disk-watch.ts';
import type { CloudFailure, CloudResult } from './failure.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const raw = { action: 'DescribeUDisk', code: '1', message: 'no' };
const within = seconds(60);
const isFree = ({ state }: CloudDisk): boolean => state === 'free';

function disk(id: string, state: CloudDisk['state'], change: Partial<CloudDisk> = {}): CloudDisk {
  return { ...exampleDisk, id, serial: id, zone: 'z', size: gibi(10), createdAt: 0, state, ...change };
}

/** A cloud whose list tells the answers in their order, the last one from then on. */
function cloudOf(
  answers: readonly CloudResult<readonly CloudDisk[]>[],
  found: (id: string) => CloudResult<CloudDisk> = () => fail({ kind: 'gone', raw }),
): { readonly watch: DiskWatch; readonly lists: () => number; readonly finds: string[] } {
  let lists = 0;
  const finds: string[] = [];
  const watch = diskWatch(
    {
      list: async () => answers[Math.min(lists++, answers.length - 1)] as CloudResult<readonly CloudDisk[]>,
      find: async (id) => {
        finds.push(id);
        return found(id);
      },
    },
    'shop',
    seconds(2),
  );
  return { watch, lists: () => lists, finds };
}

async function told<T>(asked: Promise<T>): Promise<T> {
  await vi.advanceTimersByTimeAsync(70_000);
  return asked;
}

test('a thousand who wait are told by one list every two seconds', async () => {
  const ids = Array.from({ length: 1000 }, (_, i) => `bs-${i}`);
  const creating = ok(ids.map((id) => disk(id, 'creating')));
  const { watch, lists, finds } = cloudOf([creating, creating, ok(ids.map((id) => disk(id, 'free')))]);
  const all = Promise.all(ids.map((id) => watch.until(`${id} to be free`, id, isFree, { within })));
  const seen = await told(all);
  expect(seen.map((one) => one.ok && one.value.id)).toEqual(ids);
  expect(lists()).toBe(3);
  expect(finds).toEqual([]);
});

test('a disk that the list lacks is asked for by its id', async () => {
  const { watch, finds } = cloudOf([ok([disk('bs-2', 'free')])], (id) => ok(disk(id, 'free', { mark: undefined })));
  const seen = await told(watch.until('bs-1 to be free', 'bs-1', isFree, { within }));
  expect(seen).toMatchObject({ ok: true, value: { id: 'bs-1', mark: undefined } });
  expect(finds).toEqual(['bs-1']);
});

test('a disk that the cloud does not know is gone at once', async () => {
  const { watch, lists } = cloudOf([ok([])]);
  expect(await watch.until('bs-1 to be free', 'bs-1', isFree, { within })).toEqual(fail({ kind: 'gone', raw }));
  expect(lists()).toBe(1);
});

test('a disk that does not become so in time is told as it was last seen', async () => {
  const { watch } = cloudOf([ok([disk('bs-1', 'detaching', { machine: 'uhost-1' })])]);
  const seen = await told(watch.until('bs-1 to be free', 'bs-1', isFree, { within: seconds(5) }));
  const message = 'waited 5.0 s for bs-1 to be free; last seen: detaching at uhost-1';
  expect(seen).toMatchObject({ ok: false, failure: { kind: 'unknown', raw: { code: 'deadline', message } } });
});

test.each<[CloudFailure['kind'], boolean]>([
  ['throttled', true],
  ['unavailable', true],
  ['unknown', true],
  ['denied', false],
])('a list that fails as %s is looked at again: %s', async (kind, isAgain) => {
  const failed = fail({ kind, raw } as CloudFailure);
  const { watch } = cloudOf([failed, ok([disk('bs-1', 'free')])]);
  const seen = await told(watch.until('bs-1 to be free', 'bs-1', isFree, { within }));
  expect(seen.ok).toBe(isAgain);
});

test('a list that fails to the end fails who waited', async () => {
  const { watch } = cloudOf([fail({ kind: 'throttled', raw })]);
  const seen = await told(watch.until('bs-1 to be free', 'bs-1', isFree, { within: seconds(5) }));
  expect(seen).toEqual(fail({ kind: 'throttled', raw }));
});

test('a list that does not answer keeps nobody longer than the limit', async () => {
  const watch = diskWatch(
    { list: () => sleep(seconds(3600)).then(() => ok([])), find: async () => fail({ kind: 'gone', raw }) },
    'shop',
    ms(10),
  );
  const asked = watch.until('bs-1 to be free', 'bs-1', isFree, { within: seconds(5) });
  await vi.advanceTimersByTimeAsync(5001);
  expect(await asked).toMatchObject({
    failure: { kind: 'unknown', raw: { message: 'waited 5.0 s for bs-1 to be free; last seen: nothing' } },
  });
});

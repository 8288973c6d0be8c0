import { expect, test } from 'vitest';
import type { Host } from '#host/host.ts';
import { openMarks } from './marks.ts';

/** A machine of which the marks alone are asked. */
function machineWith(text: string | undefined): { readonly host: Host; readonly file: () => string | undefined } {
  let file = text;
  const host: Host = {
    name: 'base-1',
    run: () => expect.fail('nothing is run'),
    read: async () => file,
    write: async (_path, next) => {
      file = next;
    },
    close: async () => undefined,
  };
  return { host, file: () => file };
}

test('what a run has finished is known to the next one, by step and key', async () => {
  const { host, file } = machineWith(undefined);
  const first = await openMarks(host, (why) => expect.fail(why));
  await Promise.all([first.set('image-a', 'sha256:1'), first.set('image-b', 'sha256:2')]);
  expect(JSON.parse(file() ?? '')).toMatchObject({ format: 'isthmus-join-marks/v1' });
  const next = await openMarks(host, (why) => expect.fail(why));
  expect([next.has('image-a', 'sha256:1'), next.has('image-b', 'sha256:2'), next.has('image-a', 'sha256:2')]).toEqual([
    true,
    true,
    false,
  ]);
});

test.each([
  ['of the first version, which had no format', '{"kubeadm":"shop/base-1"}'],
  ['of a later version', '{"format":"isthmus-join-marks/v2","marks":{"kubeadm":"shop/base-1"}}'],
  ['cut short by a full disk', '{"format":"isthmus-jo'],
])('marks %s are told, every step is checked again, and new ones are kept', async (_title, text) => {
  const { host } = machineWith(text);
  const said: string[] = [];
  const marks = await openMarks(host, (line) => said.push(line));
  expect(said.join()).toMatch(/join-marks\.json was written by another version .* all steps are checked again/);
  expect(marks.has('kubeadm', 'shop/base-1')).toBe(false);
  await marks.set('kubeadm', 'shop/base-1');
  expect((await openMarks(host, (why) => expect.fail(why))).has('kubeadm', 'shop/base-1')).toBe(true);
});

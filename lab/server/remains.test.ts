import { expect, test } from 'vitest';
import type { Remains, RemovalStep } from './plan-removal.ts';
import { removeLab } from './remains.ts';

const nothing: Remains = {
  makers: [],
  processes: [],
  namespaces: [],
  groups: [],
  mounts: [],
  loops: [],
  folders: [],
};

const system = (code: string, path: string): Error =>
  Object.assign(new Error(`${code}: no such file or directory, stat '${path}'`), { code });

/** What is there at each look; an error is a look that fails. */
function worldOf(looks: readonly (Remains | Error)[], perform: (step: RemovalStep) => Promise<void>) {
  const left = [...looks];
  return {
    perform,
    observe: async () => {
      const seen = left.shift() ?? nothing;
      if (seen instanceof Error) throw seen;
      return seen;
    },
  };
}

test('a network of a load balancer that goes while lab down looks at it does not make lab down fail', async () => {
  const there = { ...nothing, namespaces: ['isl-a-vpc'] };
  const goes = ['ENOENT', 'ESRCH', 'ENODEV', 'ENOTDIR'].map((code) => system(code, '/run/netns/isl-a-nlb-1'));
  const told = new Error('nsenter: cannot open /run/netns/isl-a-nlb-1: No such file or directory');
  const done = await removeLab(
    'a',
    worldOf([...goes, told, there], async () => undefined),
  );
  expect(done).toEqual([{ do: 'delete-namespace', name: 'isl-a-vpc' }]);
});

test('what goes by itself just before lab down removes it is gone, and the rest is removed', async () => {
  const both = { ...nothing, namespaces: ['isl-a-nlb-1', 'isl-a-vpc'] };
  // In the words of ip, and in words that nobody knows.
  for (const says of ['Cannot remove namespace file "/run/netns/isl-a-nlb-1": No such file or directory', 'gone?']) {
    const asked: RemovalStep[] = [];
    const looks = says === 'gone?' ? [both, { ...nothing, namespaces: ['isl-a-vpc'] }] : [both];
    const world = worldOf(looks, async (step) => {
      asked.push(step);
      if (step.do === 'delete-namespace' && step.name === 'isl-a-nlb-1') throw new Error(says);
    });
    await removeLab('a', world);
    expect(asked).toEqual(both.namespaces.map((name) => ({ do: 'delete-namespace', name })));
  }
});

test('what is still there after a removal that failed is told', async () => {
  const there = { ...nothing, mounts: ['/x'] };
  const world = worldOf([there, there], async () => Promise.reject(new Error('umount: /x: target is busy')));
  await expect(removeLab('a', world)).rejects.toThrow('target is busy');
});

test('a look that always fails, and one that fails for another reason, are told', async () => {
  const missing = system('ENOENT', '/proc');
  await expect(
    removeLab(
      'a',
      worldOf(Array(100).fill(missing), async () => undefined),
    ),
  ).rejects.toThrow(missing);
  const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
  await expect(
    removeLab(
      'a',
      worldOf([denied], async () => undefined),
    ),
  ).rejects.toThrow(denied);
});

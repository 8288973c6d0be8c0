import { expect, test } from 'vitest';
import { fail, ok } from '#unit/result.ts';
import { type ChosenEntry, chooseEntry, type EntriesSeen, type NodeWish } from './choose-entry.ts';

const web = { name: 'web-1', shape: { cpu: 2, memory: '4Gi' }, image: 'uimage-base' };
const base = { name: 'base-1', address: '192.168.50.11' };
const seen: EntriesSeen = {
  file: 'cluster.yaml',
  controlPlane: 'cp-1',
  machines: [
    base,
    { name: 'base-3', address: '192.168.50.13', ssh: null },
    { ssh: { port: 2222, jump: ['none'] }, name: 'base-2', address: '192.168.50.12' },
  ],
  cloudMachines: [{ name: 'cp-1' }, web],
};
const wish = (name: string, some: Partial<NodeWish> = {}): NodeWish => ({
  name,
  address: undefined,
  ssh: undefined,
  like: undefined,
  paste: false,
  ...some,
});

test.each<[string, NodeWish, ChosenEntry]>([
  [
    'a physical machine',
    wish('base-9', { address: '192.168.50.19' }),
    { list: 'machines', entry: { name: 'base-9', address: '192.168.50.19' }, isNew: true },
  ],
  [
    'a physical machine with a way of its own, on which a line is pasted',
    wish('base-9', { address: '192.168.50.19', ssh: { user: 'admin' }, paste: true }),
    { list: 'machines', entry: { name: 'base-9', address: '192.168.50.19', ssh: { user: 'admin' } }, isNew: true },
  ],
  [
    'a cloud machine like another',
    wish('web-9', { like: 'web-1' }),
    { list: 'cloudMachines', entry: { ...web, name: 'web-9' }, isNew: true },
  ],
  ['a machine of the file', wish('base-1'), { list: 'machines', entry: base, isNew: false }],
  ['a cloud machine of the file', wish('web-1'), { list: 'cloudMachines', entry: web, isNew: false }],
  [
    'a machine that the same command has written',
    wish('base-2', { address: '192.168.50.12', ssh: { jump: ['none'], port: 2222 } }),
    {
      list: 'machines',
      entry: { name: 'base-2', address: '192.168.50.12', ssh: { port: 2222, jump: ['none'] } },
      isNew: false,
    },
  ],
  [
    'a machine of the file that has a key without a value',
    wish('base-3'),
    { list: 'machines', entry: { name: 'base-3', address: '192.168.50.13', ssh: null }, isNew: false },
  ],
])('the entry of %s', (_title, asked, entry) => {
  expect(chooseEntry(asked, seen)).toStrictEqual(ok(entry));
});

test.each<[string, NodeWish, string]>([
  [
    'the control plane',
    wish('cp-1', { address: '192.168.50.19' }),
    'cp-1 is the control plane, which isthmus up makes',
  ],
  [
    'a machine of both sides',
    wish('x', { address: '192.168.50.19', like: 'web-1' }),
    '--address is for a physical machine, and --like for a cloud machine; give one of the two',
  ],
  [
    'a way to no address',
    wish('base-1', { ssh: { port: 1 } }),
    'the SSH options are for a physical machine; give its address too, with --address',
  ],
  [
    'a machine of which nothing is known',
    wish('x'),
    'cluster.yaml has no machine x; give the address of a physical machine with --address, or name the cloud machine that it is to be like with --like',
  ],
  [
    'a machine that has another address',
    wish('base-1', { address: '192.168.50.19' }),
    'cluster.yaml already has base-1, with other values; correct its entry there, then run isthmus node add base-1',
  ],
  [
    'a machine that has a key without a value, which is another than its being left out',
    wish('base-3', { address: '192.168.50.13' }),
    'cluster.yaml already has base-3, with other values; correct its entry there, then run isthmus node add base-3',
  ],
  [
    'a physical machine like a cloud machine',
    wish('base-1', { like: 'web-1' }),
    'cluster.yaml already has base-1, with other values; correct its entry there, then run isthmus node add base-1',
  ],
  [
    'a machine like one that is not there',
    wish('x', { like: 'wb-1' }),
    'cluster.yaml has no cloud machine wb-1; did you mean web-1?',
  ],
  [
    'a machine like nothing of a like name',
    wish('x', { like: 'quite-another' }),
    'cluster.yaml has no cloud machine quite-another',
  ],
  [
    'a cloud machine to paste on',
    wish('web-1', { paste: true }),
    'web-1 is a cloud machine, which joins by itself; leave out --print',
  ],
])('%s is refused', (_title, asked, why) => {
  expect(chooseEntry(asked, seen)).toEqual(fail(why));
});

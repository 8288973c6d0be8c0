import { expect, test } from 'vitest';
import { fail, ok } from '#unit/result.ts';
import { changedLines, entriesOf, withMachine, withoutMachine } from './edit-machines.ts';

const byHand = fail('its form is not one that can be changed without touching the rest of the file');

test.each<[string, string, string, string]>([
  [
    'a line of its own goes with what is behind it, and comments around it stay',
    'name: a # x\nmachines: # the site\n  # rack 1\n  - { name: b-1, address: 1.2.3.4 }   # old\n  # rack 2\n  - {name: b-2}\n',
    'b-1',
    'name: a # x\nmachines: # the site\n  # rack 1\n  # rack 2\n  - {name: b-2}\n',
  ],
  [
    'an entry of several lines goes whole, its own comments and no others',
    'machines:\n- name: b-1\n- name: b-2\n  # its way\n  ssh: { user: a }\n\n# the cloud\ncloudMachines: []\n',
    'b-2',
    'machines:\n- name: b-1\n\n# the cloud\ncloudMachines: []\n',
  ],
  [
    'an entry whose dash stands alone',
    'machines:\n  -\n    name: b-1\n  -\n    name: b-2\n',
    'b-1',
    'machines:\n  -\n    name: b-2\n',
  ],
  [
    'the last entry leaves an empty list, and the comment beside its key',
    'machines: # the site\n  - name: b-1\n    address: 1.2.3.4\ncloudMachines: [{ name: cp-1 }]\n',
    'b-1',
    'machines: [] # the site\ncloudMachines: [{ name: cp-1 }]\n',
  ],
  [
    'the last line of a file that ends without one',
    'machines:\n  - { name: b-1 }\n  - { name: b-2 }',
    'b-2',
    'machines:\n  - { name: b-1 }\n',
  ],
  [
    'the first of a list in brackets',
    'cloudMachines: [ { name: a }, { name: b } ]\n',
    'a',
    'cloudMachines: [ { name: b } ]\n',
  ],
  [
    'the last of a list in brackets',
    'cloudMachines: [ { name: a }, { name: b } ]\n',
    'b',
    'cloudMachines: [ { name: a } ]\n',
  ],
  [
    'the last of one that ends with a comma',
    'machines: [{ name: a }, { name: b },]\n',
    'b',
    'machines: [{ name: a },]\n',
  ],
  ['the only one of a list in brackets', 'machines: [ { name: a }, ]\n', 'a', 'machines: []\n'],
  [
    'a line of a list in brackets',
    'machines: [\n  { name: a },\n  { name: b },  # b\n  { name: c },\n]\n',
    'a',
    'machines: [\n  { name: b },  # b\n  { name: c },\n]\n',
  ],
  [
    'of a list in brackets with a comment, the comment stays',
    'machines: [\n  { name: a },  # rack 1\n  { name: b }\n]\n',
    'a',
    'machines: [\n  # rack 1\n  { name: b }\n]\n',
  ],
  [
    'a machine of the cloud, beside a physical one of a like name',
    'machines:\n  - name: web\ncloudMachines:\n  - { name: web-1 }\n  - { name: web-2 }\n',
    'web-1',
    'machines:\n  - name: web\ncloudMachines:\n  - { name: web-2 }\n',
  ],
])('a machine is taken out of cluster.yaml: %s', (_title, text, name, without) => {
  expect(withoutMachine(text, name)).toEqual(ok(without));
});

test.each<[string, string]>([
  ['what others refer to', 'machines:\n  - { name: a, ssh: &way { user: u } }\n  - { name: b, ssh: *way }\n'],
  ['a list that stands elsewhere', 'spare: &all\n  - { name: a }\nmachines: *all\n'],
  ['a machine that it does not have', 'machines:\n  - { name: b }\n'],
  ['a machine of a file without lists', 'name: shop\n'],
])('%s is not taken out', (_title, text) => {
  expect(withoutMachine(text, 'a')).toEqual(byHand);
});

const entry = { name: 'b-9', address: '1.2.3.9', ssh: { user: 'admin', port: 2222 } };
const line = '{ name: b-9, address: 1.2.3.9, ssh: { user: admin, port: 2222 } }';

test.each<[string, string, string]>([
  [
    'after the last of its list, as far in as that',
    'machines:\n    - { name: b-1 } # first\n    # more to come\nname: a\n',
    `machines:\n    - { name: b-1 } # first\n    - ${line}\n    # more to come\nname: a\n`,
  ],
  [
    'after one of several lines at the end of the file',
    'machines:\n- name: b-1\n  address: 1.2.3.4',
    `machines:\n- name: b-1\n  address: 1.2.3.4\n- ${line}\n`,
  ],
  ['into an empty list', 'machines: [] # the site\nname: a\n', `machines: # the site\n  - ${line}\nname: a\n`],
  ['into a key without a list', 'name: a\nmachines: # none', `name: a\nmachines: # none\n  - ${line}\n`],
  ['into a list in brackets', 'machines: [{ name: a }]\n', `machines: [{ name: a }, ${line}]\n`],
  ['into a file that has no such list', 'name: a', `name: a\nmachines:\n  - ${line}\n`],
  ['into a file that ends with a line', 'name: a\n', `name: a\nmachines:\n  - ${line}\n`],
])('a machine is added to cluster.yaml: %s', (_title, text, added) => {
  expect(withMachine(text, 'machines', entry)).toEqual(ok(added));
});

test.each<[string, string]>([
  ['a file of one mapping in braces', '{ name: a }\n'],
  ['a list that stands elsewhere', 'spare: &all\n  - { name: a }\nmachines: *all\n'],
  ['a file that ends with a second document', 'name: a\n---\nname: b\n'],
])('no machine is added to %s', (_title, text) => {
  expect(withMachine(text, 'machines', entry)).toEqual(byHand);
});

test('a machine that was added and taken out again leaves the file as it was', () => {
  const text = 'name: a\nmachines:\n  - { name: b-1 }   # first\n\n# the cloud\ncloudMachines:\n- name: cp-1\n';
  for (const list of ['machines', 'cloudMachines'] as const) {
    const added = withMachine(text, list, entry);
    expect(added.ok && withoutMachine(added.value, 'b-9')).toEqual(ok(text));
  }
});

test.each<[string, string, readonly string[]]>([
  ['a\nb\nc\n', 'a\nc\n', ['- b']],
  ['a\nc\n', 'a\nb\nc\n', ['+ b']],
  ['a\nb\nc\n', 'a\nx\ny\nc\n', ['- b', '+ x', '+ y']],
  ['a\na\n', 'a\n', ['- a']],
  ['a\n', 'a\n', []],
])('what differs is shown by its lines (%#)', (before, after, lines) => {
  expect(changedLines(before, after)).toEqual(lines);
});

test('the entries of both lists, as they are written', () => {
  const text = 'machines:\n  - { name: b-1, address: 1.2.3.4 }\ncloudMachines: [{ name: w-1, disk: 40Gi }]\n';
  const [machines, cloudMachines] = [[{ name: 'b-1', address: '1.2.3.4' }], [{ name: 'w-1', disk: '40Gi' }]];
  expect(entriesOf(text)).toEqual({ machines, cloudMachines });
  expect(entriesOf('machines:\n')).toEqual({ machines: [], cloudMachines: [] });
});

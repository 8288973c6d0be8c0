import { expect, test } from 'vitest';
import { withRoom } from './room.ts';

const before = `# of the lab
name: lab
machines:
  - name: base-1
    address: 192.168.50.11
  - name: base-2 # new
    address: 192.168.50.12
`;
const room = { home: 'base-1', folder: '/srv/volumes' };

test('cluster.yaml gets the folder of one machine, disks and file shares of the cloud, and keeps what was in it', () => {
  const after = withRoom(before, room);
  expect(after).toBe(`# of the lab
name: lab
machines:
  - name: base-1
    address: 192.168.50.11
    storage:
      directories:
        - /srv/volumes
  - name: base-2 # new
    address: 192.168.50.12
storage:
  cloudDisks: true
  fileShares: true
`);
  expect(withRoom(after, room)).toBe(after);
});

test('what cluster.yaml says of volumes otherwise stays', () => {
  expect(withRoom(`${before}storage:\n  powerOffSilentAfter: 10m\n`, room)).toContain(
    'storage:\n  powerOffSilentAfter: 10m\n  cloudDisks: true\n  fileShares: true\n',
  );
});

test.each(['machines: []', 'name: lab', 'machines:\n  - name: base-2'])('%j has no such machine', (text) => {
  expect(() => withRoom(text, room)).toThrow('cluster.yaml has no machine base-1; add it below machines');
});

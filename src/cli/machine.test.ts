import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { usualJoin } from '#machine/join.example.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-machine-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the program in namespaces where what a join writes is ours, and the network is not there. */
function joinHere(...options: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const program = join(import.meta.dirname, '../program/cli.ts');
  const inside = `mount --make-rprivate / && mkdir -p /etc/isthmus /var/lib/isthmus /run/isthmus && mount -t tmpfs none /run &&
mount -t tmpfs none /etc && mount -t tmpfs none /var/lib && mkdir /etc/isthmus && cp ${folder}/join.json /etc/isthmus/ &&
"$0" ${program} machine join ${options.join(' ')}; code=$?; ls /etc/isthmus /var/lib/isthmus; exit $code`;
  return new Promise((resolve) => {
    execFile('unshare', ['-m', '-n', 'sh', '-c', inside, process.execPath], (e, out, err) =>
      resolve({ code: typeof e?.code === 'number' ? e.code : 0, out, err }),
    );
  });
}

test('a join that fails says why and, asked to, leaves the machine as it was; otherwise what it wrote stays for the next try', async () => {
  const join9 = usualJoin({
    bundleUrl: 'http://192.0.2.1/bundle',
    api: { address: '192.0.2.2', port: 6443 },
    token: 'abcdef.0123456789abcdef',
  });
  writeFileSync(join(folder, 'join.json'), JSON.stringify(join9));
  const undone = await joinHere('--undo');
  expect(undone.code, undone.err).toBe(1);
  expect(undone.err).toMatch(
    /isthmus: this machine can't become a node yet:\n[^]*\nthis machine is again as it was before the join\n/,
  );
  expect(undone.out).not.toContain('join');

  const stays = await joinHere();
  expect(stays.code, stays.err).toBe(1);
  expect(stays.err).not.toContain('as it was before');
  expect(stays.out).toContain('join.json');
  expect(stays.out).toContain('join-result.json');
}, 60_000);

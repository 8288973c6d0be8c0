import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { usualMachine } from '#cluster/join/machine-facts.example.ts';
import { planChecks } from '#cluster/join/plan-checks.ts';
import { planRepairs } from '#cluster/join/plan-repairs.ts';

test('what the repairs write is what the check looks for', () => {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-repairs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'etc/sysctl.d'), { recursive: true });
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'etc/hosts'), '127.0.0.1 localhost');
  // The limit is one for the whole computer: only the call is looked at.
  writeFileSync(join(folder, 'bin/sysctl'), `#!/bin/sh\necho "$@" > ${folder}/called\n`, { mode: 0o755 });
  const seen = {
    ...usualMachine,
    inotifyInstances: 128,
    system: { ...usualMachine.system, hostNameResolves: false, hostName: 'base-7' },
  };
  for (const { argv } of planRepairs(planChecks(seen, 'node'), seen)) {
    const script = `mount --bind ${folder}/etc /etc && PATH=${folder}/bin:$PATH && "$@"`;
    execFileSync('unshare', ['-m', 'sh', '-c', script, 'sh', ...argv]);
  }
  expect(readFileSync(join(folder, 'etc/hosts'), 'utf8')).toBe('127.0.0.1 localhost\n127.0.1.1 base-7\n');
  expect(readFileSync(join(folder, 'etc/sysctl.d/80-inotify.conf'), 'utf8')).toBe(
    'fs.inotify.max_user_instances = 1024\n',
  );
  expect(readFileSync(join(folder, 'called'), 'utf8')).toBe('-q -p /etc/sysctl.d/80-inotify.conf\n');
});

import { expect, test } from 'vitest';
import { type FindingName, reasons } from './findings.ts';
import { usualMachine } from './machine-facts.example.ts';
import { planChecks } from './plan-checks.ts';
import { planRepairs } from './plan-repairs.ts';

test('a low limit of inotify is raised, and a host name without an address gets one', () => {
  const seen = {
    ...usualMachine,
    inotifyInstances: 128,
    system: { ...usualMachine.system, hostNameResolves: false, hostName: 'base-7' },
  };
  expect(planRepairs(planChecks(seen, 'node'), seen)).toEqual([
    {
      finding: 'host-name-unresolved',
      does: 'add the line "127.0.1.1 base-7" to /etc/hosts',
      argv: ['sh', '-c', 'printf "\\n127.0.1.1 %s\\n" "$0" >> /etc/hosts', 'base-7'],
    },
    {
      finding: 'inotify',
      does: 'set fs.inotify.max_user_instances to 1024, now and in /etc/sysctl.d/80-inotify.conf',
      argv: [
        'sh',
        '-c',
        'echo "fs.inotify.max_user_instances = 1024" > "$0" && sysctl -q -p "$0"',
        '/etc/sysctl.d/80-inotify.conf',
      ],
    },
  ]);
});

test('what could take something away from what runs on the machine is left to people', () => {
  const all = Object.entries(reasons).map(([name, why]) => ({
    name: name as FindingName,
    weight: 'note' as const,
    what: '',
    why,
    cure: '',
  }));
  expect(planRepairs(all, usualMachine).map(({ finding }) => finding)).toEqual(['host-name-unresolved', 'inotify']);
});

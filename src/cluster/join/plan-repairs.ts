import type { Finding, FindingName } from './findings.ts';
import type { MachineFacts } from './machine-facts.ts';

/** One repair that can take nothing away from what runs on the machine. */
export interface Repair {
  readonly finding: FindingName;
  /** What it changes, for the person who is asked. */
  readonly does: string;
  readonly argv: readonly string[];
}

/**
 * Repairs of those findings for which one is safe: it only raises a limit, or adds what is not there. What stops programs, moves the clock,
 * removes files or edits what a person has written is left to people.
 */
export function planRepairs(findings: readonly Finding[], { system }: MachineFacts): readonly Repair[] {
  return findings.flatMap(({ name }): Repair[] => {
    if (name === 'inotify')
      return [
        {
          finding: name,
          does: `set fs.inotify.max_user_instances to 1024, now and in ${inotifyFile}`,
          argv: ['sh', '-c', 'echo "fs.inotify.max_user_instances = 1024" > "$0" && sysctl -q -p "$0"', inotifyFile],
        },
      ];
    if (name === 'host-name-unresolved')
      return [
        {
          finding: name,
          does: `add the line "127.0.1.1 ${system.hostName}" to /etc/hosts`,
          // On a line of its own, even when the last one has no end.
          argv: ['sh', '-c', 'printf "\\n127.0.1.1 %s\\n" "$0" >> /etc/hosts', system.hostName],
        },
      ];
    return [];
  });
}

const inotifyFile = '/etc/sysctl.d/80-inotify.conf';

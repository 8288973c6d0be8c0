import { globSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** A file whose every decision a test must notice, and the tests that must. */
export interface DecidingFile {
  readonly path: string;
  readonly tests: readonly string[];
}

/** Decisions by name: pure functions from what is seen to steps with reasons. */
const byName = ['{src,lab}/**/plan-*.ts', '{src,lab}/**/choose-*.ts'];

/** Files that decide under another name, and tests of a file that do not lie beside it under its own name. */
const others: Readonly<Record<string, readonly string[]>> = {
  'src/unit/ip.ts': [],
  'src/kube/work-queue.ts': [],
  'src/kube/lease.ts': [],
  'src/kube/structural.ts': [],
  'src/cloud/retry-advice.ts': [],
  'src/cloud/ucloud/parse-rule.ts': [],
  'src/cloud/ucloud/rule-match.ts': [],
  'src/cloud/ucloud/translate.ts': [],
  'src/cloud/ucloud/wire/sign.ts': [],
  'src/cluster/config/check-config.ts': ['test/unit/cluster/config.test.ts'],
  'src/cluster/join/plan-system-checks.ts': ['src/cluster/join/plan-checks.planted.test.ts'],
  'src/host/netlink/message.ts': [],
  'src/network/ipam/plan-pod-ranges.ts': ['src/network/ipam/plan-slice.test.ts'],
  'src/network/ipam/plan-range-steps.ts': [
    'src/network/ipam/plan-pod-ranges.test.ts',
    'src/network/ipam/plan-slice.test.ts',
  ],
  'lab/fabric/line-rules.ts': [],
  'lab/fabric/vpc-rules.ts': [],
  'lab/ucloud/limits.ts': [],
  'lab/ucloud/unet/firewall.ts': [],
  'lab/ucloud/uhost/machine-life.ts': [],
  'lab/ucloud/vpc/route-rule.ts': [],
  'lab/ucloud/vpc/route-table.ts': [],
  'lab/ucloud/vpc/sec-group-rule.ts': [],
  'lab/ucloud/vpc/sec-group.ts': [],
};

/** All of the project's, sorted by path. */
export function decidingFiles(project: string): readonly DecidingFile[] {
  const named = globSync(byName, { cwd: project }).filter((path) => !/\.(test|example)\.ts$/.test(path));
  return [...new Set([...named, ...Object.keys(others)])].sort().map((path) => {
    // `plan-up.test.ts` and `plan-up.walk.test.ts` judge `plan-up.ts`.
    const beside = globSync(`${dirname(path)}/${basename(path, '.ts')}{,.*}.test.ts`, { cwd: project });
    return { path, tests: [...new Set([...beside, ...(others[path] ?? [])])].sort() };
  });
}

/** Those that the given paths name: a file, its test, or a folder that holds it. */
export function chosenOf(files: readonly DecidingFile[], paths: readonly string[]): readonly DecidingFile[] {
  const names = (path: string, file: DecidingFile): boolean =>
    file.path === path || file.tests.includes(path) || file.path.startsWith(`${path.replace(/\/$/, '')}/`);
  return files.filter((file) => paths.some((path) => names(path, file)));
}

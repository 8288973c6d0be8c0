import { execFileSync } from 'node:child_process';

/**
 * What differs from where this branch left the main one, or from the last commit but one on the main branch itself;
 * uncommitted and new files are among them. Nothing outside a git checkout.
 */
export function changedPaths(project: string): readonly string[] {
  const head = git(project, ['rev-parse', 'HEAD'])?.[0];
  if (head === undefined) return [];
  const left = ['main', 'origin/main'].map((main) => git(project, ['merge-base', 'HEAD', main])?.[0]).find(Boolean);
  const base = left === undefined || left === head ? (git(project, ['rev-parse', 'HEAD~1'])?.[0] ?? head) : left;
  const edited = git(project, ['diff', '--name-only', base]) ?? [];
  return [...edited, ...(git(project, ['ls-files', '--others', '--exclude-standard']) ?? [])];
}

function git(project: string, args: readonly string[]): readonly string[] | undefined {
  try {
    const text = execFileSync('git', args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text.split('\n').filter((line) => line !== '');
  } catch {
    return undefined;
  }
}

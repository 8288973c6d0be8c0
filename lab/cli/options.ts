import { Option } from '@commander-js/extra-typings';
import { checkLabName } from '../fabric/names.ts';

export function nameOption() {
  return new Option('--name <name>', 'which lab').default('lab').argParser(checkLabName);
}

export function outputOption() {
  return new Option('--output <form>', 'for people or for scripts')
    .choices(['text', 'json'] as const)
    .default('text' as const);
}

/** @fails Error when this is not root: namespaces, mounts and control groups are root's */
export function checkRoot(): void {
  if (process.getuid?.() !== 0)
    throw new Error('a lab is made of namespaces and mounts: run this as root, such as with sudo');
}

/** Rows of text in columns as wide as their widest cell. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

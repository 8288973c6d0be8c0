import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import * as z from 'zod';
import { isthmusProgram } from '#cli/run-cli.ts';
import type { CliTools } from '#cli/tools.ts';
import { configSchema } from '#cluster/config/config-schema.ts';
import { fixedKeys } from '#cluster/up/made-with.ts';
import { labCommand } from '#lab/cli/lab.ts';
import { providers } from '../src/program/providers.ts';
import { configMeanings, meaningKey } from './config-meanings.ts';
import { ingressAnnotationsPage, serviceAnnotationsPage } from './reference-annotations.ts';
import { storageClassesPage } from './reference-storage.ts';
import { eventsPage, metricsPage } from './reference-told.ts';

/**
 * Writes `docs/reference/` from the code: the commands from their own help, cluster.yaml from its schema. A test holds the
 * pages against this, so that they can't drift.
 * @example npm run docs
 */
export function referencePages(): Readonly<Record<string, string>> {
  return {
    'cli.md': commandPage(),
    'cluster-yaml.md': configPage(),
    'events.md': eventsPage(),
    'ingress-annotations.md': ingressAnnotationsPage(),
    'metrics.md': metricsPage(),
    'service-annotations.md': serviceAnnotationsPage(),
    'storage-classes.md': storageClassesPage(),
  };
}

const folder = join(import.meta.dirname, '../docs/reference');

/** The page as it lies in the checkout. */
export function writtenPage(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

export type AnyCommand = Pick<
  Command,
  'name' | 'options' | 'registeredArguments' | 'configureOutput' | 'outputHelp'
> & {
  readonly commands: readonly AnyCommand[];
};

/** All commands, the lab's among them, to be described and never run. */
export function describedProgram(): AnyCommand {
  return isthmusProgram(silent, [labCommand(silent.signal)]) as unknown as AnyCommand;
}

function commandPage(): string {
  const sections = describe(describedProgram(), []);
  return `# Commands\n\nMade from the programs’ own help by \`npm run docs\`.\n\n${sections.join('\n')}`;
}

/** One section a command, each followed by those of its own commands. */
function describe(command: AnyCommand, above: readonly string[]): readonly string[] {
  const path = [...above, command.name()];
  const own = `## ${path.join(' ')}\n\n\`\`\`text\n${helpOf(command).trimEnd()}\n\`\`\`\n`;
  return [own, ...command.commands.filter((sub) => sub.name() !== 'help').flatMap((sub) => describe(sub, path))];
}

/** The help with its examples, which only a printed help has. Eighty columns, whatever the terminal. */
function helpOf(command: AnyCommand): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 100 });
  command.outputHelp();
  return text;
}

/** The commands are only described here, never run. */
const silent: CliTools = {
  version: '',
  env: {},
  out: () => {},
  err: () => {},
  signal: new AbortController().signal,
  ask: undefined,
  capabilities: [],
  askSecret: undefined,
  providers,
  own: () => Promise.reject(new Error('the reference makes no bundle')),
};

/** Every key that cluster.yaml may have, `machines[].name` for one of a list. */
export function configKeys(): readonly string[] {
  return leaves(configSchema(providers), '').map(({ path }) => path);
}

function configPage(): string {
  const rows = leaves(configSchema(providers), '');
  const table = rows.map(
    ({ path, required, example, fallback }) =>
      `| \`${path}\` | ${configMeanings[meaningKey(path)] ?? ''} | ${required ? 'yes' : 'no'} | ${fallback === undefined ? '' : `\`${fallback}\``} | ${example === undefined ? '' : `\`${example}\``} |`,
  );
  return [
    '# cluster.yaml',
    '',
    'Made from the schema in `src/cluster/config/config-schema.ts` by `npm run docs`. Every fault of a file is told at once, each with its',
    'path, its value and a good example. Keys that are not listed here are refused. Inside a part that may be left out, "required"',
    'means: where that part is written. [A complete, commented example](cluster.example.yaml) has every key.',
    '',
    '| key | meaning | required | default | example |',
    '|---|---|---|---|---|',
    ...table,
    '',
    '## What cannot be changed later',
    '',
    'Once the cluster exists, `isthmus up` refuses a file in which one of these keys has another value, and names both values. Everything',
    'else may be changed. `network.mtu` applies to pods that are started afterwards.',
    '',
    '| key | because |',
    '|---|---|',
    ...Object.entries(fixedKeys).map(([key, { why }]) => `| \`${key}\` | ${why} |`),
    ...providers.flatMap(({ name, fixed }) =>
      Object.entries(fixed).map(([key, why]) => `| \`cloud.${key}\` (${name}) | ${why} |`),
    ),
    '',
  ].join('\n');
}

interface Leaf {
  readonly path: string;
  readonly required: boolean;
  readonly example: string | undefined;
  readonly fallback: string | undefined;
}

/**
 * The keys that hold a value, depth first in the order of the schema; before them a part that may be left out as a whole.
 * A list is written `key[]`. Inside such a part "required" means: where the part is written.
 */
function leaves(schema: z.ZodType, path: string): readonly Leaf[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    const fallback = schema instanceof z.ZodDefault ? JSON.stringify(schema.def.defaultValue) : undefined;
    const inside = leaves(schema.unwrap() as z.ZodType, path);
    const whole = { path, required: false, example: exampleOf(schema), fallback };
    return inside.length === 1 && inside[0]?.path === path ? [whole] : [whole, ...inside];
  }
  if (schema instanceof z.ZodObject) {
    const parts = Object.entries(schema.shape as Record<string, z.ZodType>);
    return parts.flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`));
  }
  if (schema instanceof z.ZodUnion) {
    const mappings = (schema.options as readonly z.ZodType[]).filter((option) => option instanceof z.ZodObject);
    return mappings.length === 0
      ? [{ path, required: true, example: exampleOf(schema), fallback: undefined }]
      : mappings.flatMap((mapping) => leaves(mapping, path));
  }
  if (schema instanceof z.ZodArray && schema.element instanceof z.ZodObject) return leaves(schema.element, `${path}[]`);
  return [{ path, required: true, example: exampleOf(schema), fallback: undefined }];
}

function exampleOf(schema: z.ZodType): string | undefined {
  const example = schema.meta()?.['example'];
  if (typeof example === 'string' || typeof example === 'number') return String(example);
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? exampleOf(schema.unwrap() as z.ZodType)
    : undefined;
}

if (process.argv[1] === import.meta.filename) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(referencePages())) writeFileSync(join(folder, name), text);
}

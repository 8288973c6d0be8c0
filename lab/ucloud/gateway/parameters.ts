import { notValid } from './refusal.ts';
import type { Received } from './signature.ts';

/** Parameters as a tree: `Disks.0.Size=20` and `{"Disks": [{"Size": 20}]}` are the same. Every leaf is text. */
export interface Params {
  readonly [name: string]: Param;
}
export type Param = string | readonly Param[] | Params;

type Branch = Map<string, string | Branch>;

/** The deepest documented parameter is `RuleActions.N.ForwardConfig.Targets.N.Id`; far deeper is a mistake. */
const deepest = 10;

/**
 * Reads what was received into one tree. Empty and null values count as not given: official clients leave them out.
 * @fails Refusal 230 for a name that is both a value and a list, or nested too deep
 */
export function parseParameters(received: Readonly<Record<string, Received>>): Params {
  const root: Branch = new Map();
  for (const [name, value] of Object.entries(received)) plant(root, name.split('.'), value, name);
  return Object.fromEntries([...root].map(([name, value]) => [name, harvest(value)]));
}

function plant(branch: Branch, path: readonly string[], value: Received, name: string): void {
  if (value === null || value === '') return;
  if (path.length > deepest) throw notValid(name, 'nested too deep');
  if (typeof value === 'object') {
    for (const [key, part] of Object.entries(value)) plant(branch, [...path, key], part as Received, name);
    return;
  }
  const [head, ...rest] = path as [string, ...string[]];
  const there = branch.get(head);
  if (rest.length === 0) {
    if (there !== undefined) throw notValid(name, 'given twice');
    branch.set(head, String(value));
    return;
  }
  if (typeof there === 'string') throw notValid(name, `${head} has a value already`);
  const next: Branch = there ?? new Map();
  branch.set(head, next);
  plant(next, rest, value, name);
}

function harvest(value: string | Branch): Param {
  if (typeof value === 'string') return value;
  const keys = [...value.keys()];
  if (keys.every((key) => /^\d+$/.test(key)))
    return keys.sort((a, b) => Number(a) - Number(b)).map((key) => harvest(value.get(key) as string | Branch));
  return Object.fromEntries([...value].map(([key, part]) => [key, harvest(part)]));
}

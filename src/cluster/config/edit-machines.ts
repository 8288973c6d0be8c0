import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, isSeq, type Pair, parseDocument, stringify, type YAMLSeq } from 'yaml';
import { fail, ok, type Result } from '#unit/result.ts';

/** The lists of cluster.yaml that name machines. */
export type MachineList = 'machines' | 'cloudMachines';
const lists: readonly MachineList[] = ['machines', 'cloudMachines'];

/**
 * The text of cluster.yaml without the entry of a machine. All else stays as a person wrote it, comments on lines of their own too.
 * @shape why it can't be done by a program; nothing is wrong with the file then
 */
export function withoutMachine(text: string, name: string): Result<string, string> {
  const { contents, values } = read(text);
  for (const list of lists) {
    const seq = listIn(contents, list);
    const index = seq?.items.findIndex((item) => isMap(item) && item.get('name') === name) ?? -1;
    if (seq === undefined || index < 0) continue;
    const rest = { ...values, [list]: (values[list] as unknown[]).toSpliced(index, 1) };
    return checked(cut(text, contents, { list, seq, index }), rest);
  }
  return fail(byHand);
}

type Entry = Readonly<Record<string, unknown>>;

/** All entries of machines, as the file has them. */
export function entriesOf(text: string): Readonly<Record<MachineList, readonly Entry[]>> {
  const { values } = read(text);
  const entries = (list: MachineList): readonly Entry[] => (values[list] ?? []) as readonly Entry[];
  return { machines: entries('machines'), cloudMachines: entries('cloudMachines') };
}

/** The text of cluster.yaml with one more machine, as the last one of its list. @shape why it can't be done by a program */
export function withMachine(text: string, list: MachineList, entry: object): Result<string, string> {
  const { contents, values } = read(text);
  const line = stringify(entry, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd();
  return checked(add(text, contents, list, line), {
    ...values,
    [list]: [...((values[list] as unknown[]) ?? []), entry],
  });
}

/** The lines that differ: `- ` as they were, then `+ ` as they are. */
export function changedLines(before: string, after: string): readonly string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const most = Math.min(old.length, now.length);
  let first = 0;
  while (first < most && old[first] === now[first]) first++;
  let last = 0;
  while (last < most - first && old.at(-1 - last) === now.at(-1 - last)) last++;
  return [
    ...old.slice(first, old.length - last).map((line) => `- ${line}`),
    ...now.slice(first, now.length - last).map((line) => `+ ${line}`),
  ];
}

const byHand = 'its form is not one that can be changed without touching the rest of the file';

type Contents = ReturnType<typeof parseDocument>['contents'];

function read(text: string): { readonly contents: Contents; readonly values: Readonly<Record<string, unknown>> } {
  // With the tokens: where the dash of an entry stands is in them alone.
  const document = parseDocument(text, { keepSourceTokens: true, merge: true });
  return {
    contents: document.contents,
    values: document.toJS({ maxAliasCount: -1 }) as Readonly<Record<string, unknown>>,
  };
}

/** Whatever the form of the file was: it must say what it said, but for the one entry. */
function checked(text: string | undefined, values: object): Result<string, string> {
  if (text === undefined) return fail(byHand);
  const document = parseDocument(text, { merge: true });
  if (document.errors.length > 0 || document.warnings.length > 0) return fail(byHand);
  try {
    return isDeepStrictEqual(document.toJS({ maxAliasCount: -1 }), values) ? ok(text) : fail(byHand);
  } catch {
    // An alias whose anchor went with the entry.
    return fail(byHand);
  }
}

function pairOf(contents: Contents, list: MachineList): Pair | undefined {
  return isMap(contents) ? contents.items.find(({ key }) => isScalar(key) && key.value === list) : undefined;
}

function listIn(contents: Contents, list: MachineList): YAMLSeq | undefined {
  const value = pairOf(contents, list)?.value;
  return isSeq(value) ? value : undefined;
}

interface Place {
  readonly list: MachineList;
  readonly seq: YAMLSeq;
  readonly index: number;
}

function cut(text: string, contents: Contents, place: Place): string | undefined {
  const { seq, index } = place;
  const range = rangeOf(seq.items[index]);
  if (range === undefined) return undefined;
  if (seq.flow === true) return cutFromFlow(text, place, range);
  const dash = dashOf(seq, index);
  if (dash === undefined) return undefined;
  const rest = `${text.slice(0, lineStart(text, dash))}${text.slice(lineEnd(text, range.end))}`;
  if (seq.items.length > 1) return rest;
  const colon = colonOf(text, contents, place.list);
  return colon === undefined ? undefined : `${rest.slice(0, colon)} []${rest.slice(colon)}`;
}

/** With its comma; with its whole line where nothing else is on it. */
function cutFromFlow(text: string, { seq, index }: Place, { start, end }: Range): string {
  if (seq.items.length === 1)
    return `${text.slice(0, start).trimEnd()}${text.slice(end).replace(/^\s*,?[ \t]*(?=\])/, '')}`;
  const comma = /^\s*,[ \t]*/.exec(text.slice(end))?.[0];
  if (comma === undefined || index === seq.items.length - 1) {
    const before = rangeOf(seq.items[index - 1])?.end ?? start;
    return `${text.slice(0, before)}${text.slice(end)}`;
  }
  const after = end + comma.length;
  const from = lineStart(text, start);
  const isOwnLine = text.slice(from, start).trim() === '' && text[after] === '\n';
  return isOwnLine ? `${text.slice(0, from)}${text.slice(after + 1)}` : `${text.slice(0, start)}${text.slice(after)}`;
}

function add(text: string, contents: Contents, list: MachineList, line: string): string | undefined {
  const pair = pairOf(contents, list);
  if (pair === undefined) return `${text}${text.endsWith('\n') ? '' : '\n'}${list}:\n  - ${line}\n`;
  const seq = listIn(contents, list);
  const last = seq?.items.at(-1);
  if (seq === undefined || last === undefined) return addFirst(text, contents, { list, seq }, line);
  const end = rangeOf(last)?.end;
  if (end === undefined) return undefined;
  if (seq.flow === true) return `${text.slice(0, end)}, ${line}${text.slice(end)}`;
  const dash = dashOf(seq, seq.items.length - 1);
  if (dash === undefined) return undefined;
  const at = lineEnd(text, end);
  const indent = text.slice(lineStart(text, dash), dash);
  return `${text.slice(0, at)}${text[at - 1] === '\n' ? '' : '\n'}${indent}- ${line}\n${text.slice(at)}`;
}

/** Where the list is `[]`, or nothing at all. */
function addFirst(
  text: string,
  contents: Contents,
  { list, seq }: { readonly list: MachineList; readonly seq: YAMLSeq | undefined },
  line: string,
): string | undefined {
  const colon = colonOf(text, contents, list);
  if (colon === undefined) return undefined;
  const open = seq === undefined ? text : `${text.slice(0, colon)}${text.slice(rangeOf(seq)?.end ?? colon)}`;
  const at = lineEnd(open, colon);
  return `${open.slice(0, at)}${open[at - 1] === '\n' ? '' : '\n'}  - ${line}\n${open.slice(at)}`;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function rangeOf(node: unknown): Range | undefined {
  const range = isMap(node) || isSeq(node) ? node.range : undefined;
  return range === undefined || range === null ? undefined : { start: range[0], end: range[1] };
}

function dashOf({ srcToken }: YAMLSeq, index: number): number | undefined {
  if (srcToken?.type !== 'block-seq') return undefined;
  return srcToken.items[index]?.start.find(({ type }) => type === 'seq-item-ind')?.offset;
}

/** Behind the colon of the key. */
function colonOf(text: string, contents: Contents, list: MachineList): number | undefined {
  const key = pairOf(contents, list)?.key;
  const end = isScalar(key) ? key.range?.[1] : undefined;
  const colon = end === undefined ? -1 : text.indexOf(':', end);
  return colon < 0 ? undefined : colon + 1;
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Behind the line that ends at the offset or after it. */
function lineEnd(text: string, offset: number): number {
  if (text[offset - 1] === '\n') return offset;
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end + 1;
}

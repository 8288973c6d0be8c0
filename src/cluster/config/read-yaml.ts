import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import { fail, ok, type Result } from '#unit/result.ts';
import type { Fault } from './fault.ts';

/** A file as it was read: its values, and where in the file they stand. */
export interface YamlRead {
  readonly raw: unknown;
  /** The line of what stands at the path, or of what is around it. */
  lineOf(this: void, at: readonly PropertyKey[]): number | undefined;
}

/** Far above what a cluster needs, far below what a computer notices. */
const mostValues = 20_000;

/** Reads one YAML document. Aliases and merge keys work as in other tools. @shape or every fault, each with its line */
export function readYaml(text: string): Result<YamlRead, readonly Fault[]> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const at = (offset: number): number => lines.linePos(offset).line;
  // What follows the first break of the form is mostly its echo; keys given twice are faults of their own.
  const errors = [...document.errors, ...document.warnings];
  const broken = errors.find(({ code }) => code !== 'DUPLICATE_KEY' && code !== 'TAG_RESOLVE_FAILED');
  const faults = (broken === undefined ? errors : [broken]).map(({ code, pos }) => ({
    line: at(pos[0]),
    problem: explain(code, text, pos[0], at),
  }));
  const found = faults.length > 0 ? faults : aliasFaults(document, at);
  if (found.length > 0)
    return fail(found.map((fault) => ({ path: '', value: undefined, example: undefined, ...fault })));
  const lineOf: YamlRead['lineOf'] = (path) => {
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth) as (string | number)[], true) as Node | undefined;
      if (node?.range !== undefined && node.range !== null) return at(node.range[0]);
    }
    return undefined;
  };
  return ok({ raw: document.toJS({ maxAliasCount: -1 }), lineOf });
}

type LineFault = Pick<Fault, 'problem'> & { readonly line: number };

function explain(code: string, text: string, offset: number, lineAt: (offset: number) => number): string {
  const line = text.split('\n')[lineAt(offset) - 1] ?? '';
  if (/^ *\t/.test(line)) return 'not valid YAML: a tab is used for indentation; use spaces';
  switch (code) {
    case 'DUPLICATE_KEY': {
      const key = /^[^:\n]*/.exec(text.slice(offset))?.[0].trim() ?? '';
      const before = text.slice(0, offset).lastIndexOf(`${key}:`);
      const first = before === -1 ? '' : `, first on line ${lineAt(before)}`;
      return `the key ${key} is given twice${first}; remove one of the two`;
    }
    case 'MULTIPLE_DOCS':
      return 'a second YAML document begins here (---), and this file describes one cluster; move it to a file of its own';
    case 'BAD_INDENT':
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'not valid YAML: the indentation does not fit the lines above, or a bracket is not closed; align the keys of one level, and close [ and {';
    case 'MISSING_CHAR':
    case 'UNEXPECTED_TOKEN':
    case 'BAD_SCALAR_START':
    case 'BLOCK_IN_FLOW':
    case 'MULTILINE_IMPLICIT_KEY':
      return 'not valid YAML: a bracket, comma, colon or quote is missing or too many near here; texts with special characters need quotes';
    case 'BAD_DQ_ESCAPE':
      return 'not valid YAML: a backslash in double quotes begins an unknown escape; use single quotes';
    case 'TAG_RESOLVE_FAILED':
    case 'MULTIPLE_TAGS':
      return 'not valid YAML: a tag (!…) is unknown or does not fit its value; remove it';
    case 'BAD_ALIAS':
    case 'ALIAS_PROPS':
    case 'MULTIPLE_ANCHORS':
      return 'not valid YAML: a name after & or * is missing or not allowed here';
    case 'RESOURCE_EXHAUSTION':
      return 'not valid YAML: it is nested too deeply';
    default:
      return 'not valid YAML here; check indentation, brackets and quotes';
  }
}

/** What the library would find only when it makes values, and then without a line. */
function aliasFaults(document: Document, lineAt: (offset: number) => number): readonly LineFault[] {
  const anchors = new Map<string, { readonly values: number | undefined }>();
  const faults: LineFault[] = [];
  const fault = (alias: Alias, problem: string): number => {
    faults.push({ line: lineAt(alias.range?.[0] ?? 0), problem });
    return 1;
  };
  const valuesOfAlias = (alias: Alias): number => {
    const anchor = anchors.get(alias.source);
    if (anchor === undefined)
      return fault(
        alias,
        `the alias *${alias.source} has no anchor &${alias.source} above it; define it there, or write the value out`,
      );
    // Still being counted: the alias is inside of what it stands for.
    if (anchor.values === undefined)
      return fault(alias, `the alias *${alias.source} contains itself; write the value out`);
    return anchor.values;
  };
  // In the order of the file, as YAML resolves aliases: the nearest anchor above counts.
  const valuesOf = (node: unknown): number => {
    if (isAlias(node)) return valuesOfAlias(node);
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) anchors.set(anchor, { values: undefined });
    let values = 1;
    if (isMap(node)) for (const { key, value } of node.items) values += valuesOf(key) + valuesOf(value);
    else if (isSeq(node)) for (const item of node.items) values += valuesOf(item);
    if (anchor !== undefined) anchors.set(anchor, { values });
    return values;
  };
  const values = valuesOf(document.contents);
  if (faults.length > 0 || values <= mostValues) return faults;
  let last: Alias | undefined;
  visit(document, {
    Alias: (_key, alias) => {
      last = alias;
    },
  });
  const problem = `aliases make more than ${mostValues} values of this file; write the values out`;
  return [{ line: lineAt(last?.range?.[0] ?? 0), problem }];
}

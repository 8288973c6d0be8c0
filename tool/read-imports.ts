/** One import of a file, however it is written. */
export interface Import {
  /** As it is written; empty where only the running program knows. */
  readonly from: string;
  /** Erased before the file runs. */
  readonly typeOnly: boolean;
  /** The values that are taken by name; `*` for the whole module, or where the names can't be told. */
  readonly names: readonly string[];
}

/** One file as it was read. */
export interface Source {
  /** From the project's root. */
  readonly file: string;
  /** Without comments and strings. */
  readonly code: string;
  readonly imports: readonly (Import & {
    /** The file in the project, `undefined` for what lies outside. */
    readonly target: string | undefined;
  })[];
}

/** An import that goes against the arrows of docs/explanation/design.md. */
export interface Breach {
  readonly file: string;
  readonly imports: string;
  readonly why: string;
}

/** Every import of a TypeScript file: `import`, `export … from`, `import()` and `require()`, wherever a statement may stand. */
export function importsOf(text: string): readonly Import[] {
  const { code, strings } = withoutStrings(text);
  const string = (at: string | undefined): string => strings[Number(at)] ?? '';
  const declared = code.matchAll(
    /(?:^|[;{}\n])\s*(?:import|export)\b\s*(type\b\s*(?!from\b))?(?:([\w\s{},*$]*?)\s*\bfrom\s*)?"(\d+)"/g,
  );
  const asked = code.matchAll(/\b(?:import|require|getBuiltinModule)\s*\(\s*(?:"(\d+)"\s*[,)])?/g);
  return [
    ...[...declared].map(([, type, what, at]) => {
      const names = what === undefined ? [] : namesOf(what);
      // An import of types alone by name is erased as a whole only under `import type`.
      return { from: string(at), typeOnly: type !== undefined, names: type === undefined ? names : [] };
    }),
    ...[...asked].map(([, at]) => ({ from: string(at), typeOnly: false, names: ['*'] })),
  ];
}

/** `a, { b, type C, d as e }`: a, b, d */
function namesOf(what: string): readonly string[] {
  const [, outside = '', inside = ''] = /^([^{]*)\{?([^}]*)\}?/s.exec(what) ?? [];
  if (outside.includes('*')) return ['*'];
  const named = inside.split(',').map((one) => one.trim());
  const values = named.filter((one) => one !== '' && !one.startsWith('type '));
  return [...(outside.replace(',', '').trim() === '' ? [] : ['default']), ...values.map(firstWord)];
}

const firstWord = (text: string): string => text.split(/\s/, 1)[0] ?? '';

/**
 * The code without its comments, and with a number for every string, which may hold anything. What a template has between its braces
 * is code again.
 */
export function withoutStrings(text: string): { readonly code: string; readonly strings: readonly string[] } {
  const strings: string[] = [];
  const inner: string[] = [];
  let code = '';
  let at = 0;
  while (at < text.length) {
    const token = tokenAt(text, at, code);
    at += token.length;
    if (token.kind === 'code') code += text.slice(at - token.length, at);
    if (token.kind === 'space') code += ' ';
    if (token.kind === 'string') {
      code += `"${strings.length}"`;
      strings.push(token.value);
      inner.push(...token.inner);
    }
  }
  for (const one of inner) {
    const found = withoutStrings(one);
    code += `\n;${found.code.replace(/"(\d+)"/g, (_, n: string) => `"${Number(n) + strings.length}"`)}`;
    strings.push(...found.strings);
  }
  return { code, strings };
}

type Token =
  | { readonly kind: 'code' | 'space'; readonly length: number }
  | { readonly kind: 'string'; readonly length: number; readonly value: string; readonly inner: readonly string[] };

function tokenAt(text: string, at: number, before: string): Token {
  const rest = text.slice(at, at + 2);
  if (rest === '//') return { kind: 'space', length: endOf(text, '\n', at) - at };
  if (rest === '/*') return { kind: 'space', length: Math.min(text.length, endOf(text, '*/', at) + 2) - at };
  const [first = ''] = rest;
  if (first === '"' || first === "'") return quoted(text, at, first);
  if (first === '`') return template(text, at);
  if (first === '/' && mayBeExpression(before)) return pattern(text, at);
  return { kind: 'code', length: 1 };
}

function endOf(text: string, what: string, from: number): number {
  const end = text.indexOf(what, from);
  return end < 0 ? text.length : end;
}

function quoted(text: string, from: number, mark: string): Token {
  let at = from + 1;
  while (at < text.length && text[at] !== mark && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return { kind: 'string', length: at + 1 - from, value: text.slice(from + 1, at), inner: [] };
}

function template(text: string, from: number): Token {
  const inner: string[] = [];
  let at = from + 1;
  while (at < text.length && text[at] !== '`') {
    if (text.startsWith('${', at)) {
      const end = closingBrace(text, at + 2);
      inner.push(text.slice(at + 2, end));
      at = end + 1;
    } else at += text[at] === '\\' ? 2 : 1;
  }
  // What is put together when the program runs can't be told here.
  const value = inner.length === 0 ? text.slice(from + 1, at) : '';
  return { kind: 'string', length: at + 1 - from, value, inner };
}

function closingBrace(text: string, from: number): number {
  let depth = 1;
  let at = from;
  for (let before = ''; at < text.length; ) {
    const token = tokenAt(text, at, before);
    if (token.kind === 'code' && text[at] === '{') depth++;
    if (token.kind === 'code' && text[at] === '}' && --depth === 0) return at;
    before = token.kind === 'code' ? before + (text[at] ?? '') : `${before}"`;
    at += token.length;
  }
  return at;
}

function pattern(text: string, from: number): Token {
  let isClass = false;
  let at = from + 1;
  for (; at < text.length && text[at] !== '\n' && (isClass || text[at] !== '/'); at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '[') isClass = true;
    else if (text[at] === ']') isClass = false;
  }
  return { kind: 'string', length: at + 1 - from, value: '', inner: [] };
}

/** Whether a slash after this code begins a pattern: after a value it divides. */
function mayBeExpression(code: string): boolean {
  const before = code.trimEnd();
  return /(^|[=(,:;[!&|?{}+\-*%<>~^]|\b(return|typeof|case|in|of|do|else|void|delete|throw|await|yield))$/.test(
    before.slice(-12),
  );
}

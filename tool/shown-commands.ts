import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AnyCommand } from './reference.ts';

/** A command as a page shows it. */
export interface ShownCommand {
  readonly page: string;
  /** Without `isthmus` and without what the shell takes for itself. */
  readonly words: readonly string[];
}

/** Every isthmus command in the code of both READMEs and of the pages that people write. */
export function shownCommands(project: string): readonly ShownCommand[] {
  const pages = readdirSync(join(project, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && name !== 'reference/cli.md')
    .map((name) => `docs/${name}`);
  return ['README.md', 'README.zh-CN.md', ...pages].flatMap((page) =>
    commandsIn(readFileSync(join(project, page), 'utf8')).map((words) => ({ page, words })),
  );
}

/** Every link to a file of the project and to a heading of one, from the pages at its top and below docs/. */
export function pageLinks(
  project: string,
): readonly { readonly page: string; readonly link: string; readonly target: string; readonly heading?: string }[] {
  const inDocs = readdirSync(join(project, 'docs'), { recursive: true, encoding: 'utf8' }).map(
    (name) => `docs/${name}`,
  );
  const pages = [...readdirSync(project), ...inDocs].filter((name) => name.endsWith('.md'));
  return pages.flatMap((page) =>
    [...readFileSync(join(project, page), 'utf8').matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      const [path = '', heading] = link.split('#');
      if (/^[a-z]+:/.test(path)) return [];
      const target = path === '' ? join(project, page) : join(project, dirname(page), path);
      return [{ page, link, target, ...(heading !== undefined && { heading }) }];
    }),
  );
}

/**
 * What links call the headings of a page: small letters, no punctuation, `-` for a space, and `-1` behind the second one of the same words.
 * @source github.com/Flet/github-slugger, which GitHub's own rule is known by
 */
export function headingsOf(markdown: string): readonly string[] {
  const text = markdown.split(/^```.*$/m).filter((_, i) => i % 2 === 0);
  const slugs = text
    .flatMap((part) => [...part.matchAll(/^#+ (.*)$/gm)])
    .map(([, title = '']) => title.replaceAll(/\]\([^)]*\)/g, ''))
    .map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    );
  return slugs.map((slug, i) => {
    const before = slugs.slice(0, i).filter((one) => one === slug).length;
    return before === 0 ? slug : `${slug}-${before}`;
  });
}

/** Of a page's fenced blocks each line, and in running text what stands between backticks. */
export function commandsIn(markdown: string): readonly (readonly string[])[] {
  const [text = [], blocks = []] = [0, 1].map((side) => markdown.split(/^```.*$/m).filter((_, i) => i % 2 === side));
  const inline = text.flatMap((part) => [...part.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? ''));
  return [...inline, ...blocks.flatMap((block) => block.split('\n'))].flatMap((line) =>
    // What follows `--` is a command of its own; a comment and a pipe end one.
    (line.split(/\s#|\s\|\s/)[0] ?? '').split(' -- ').flatMap((part) => {
      const [, rest] = /^\s*(?:\$ )?(?:bin\/)?isthmus(?: (.*))?$/.exec(part) ?? [];
      return rest === undefined ? [] : [rest.match(/'[^']*'|\S+/g) ?? []];
    }),
  );
}

/** Why the program would not take a command; `undefined` when it would. A command group alone is a mention of it. */
export function faultOf(words: readonly string[], command: AnyCommand): string | undefined {
  const [first, ...rest] = words;
  const inner = command.commands.find((one) => one.name() === first);
  if (inner !== undefined) return faultOf(rest, inner);
  const takes = command.registeredArguments;
  // Such a command hands on all that it is given, options too.
  if (first === undefined || takes.at(-1)?.variadic) return undefined;
  const known = ['--help', '-h', ...command.options.flatMap(({ long, short }) => [long, short])];
  const unknown = words.find((word) => /^--?[a-z]/.test(word) && !known.includes(word));
  if (unknown !== undefined) return `${command.name()} has no option ${unknown}`;
  return takes.length === 0 && !first.startsWith('-') ? `${command.name()} takes no ${first}` : undefined;
}

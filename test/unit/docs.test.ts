import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describedProgram } from '../../tool/reference.ts';
import { commandsIn, faultOf, headingsOf, pageLinks, shownCommands } from '../../tool/shown-commands.ts';

const program = describedProgram();

test('every command that the pages show is one that the program takes', () => {
  const shown = shownCommands(join(import.meta.dirname, '../..'));
  expect(shown.length).toBeGreaterThan(60);
  const faults = shown.map(({ page, words }) => ({ page, words, fault: faultOf(words, program) }));
  expect(faults.filter(({ fault }) => fault !== undefined)).toEqual([]);
});

test('commands are found in blocks and in running text, behind -- too', () => {
  const page = 'Run `isthmus status`.\n```\n$ isthmus lab exec office -- isthmus up --yes   # goes on\nls\n```\n';
  expect(commandsIn(page)).toEqual([['status'], ['lab', 'exec', 'office'], ['up', '--yes']]);
});

test.each([
  [['up', '--fast'], 'up has no option --fast'],
  [['node', 'drain', 'web-1'], 'node takes no drain'],
  [['bundle', 'export', '/srv/bundle', 'bundle.tar'], undefined],
  [['lab', 'kubectl', 'get', 'pods', '-A'], undefined],
])('%j: %s', (words, fault) => {
  expect(faultOf(words, program)).toBe(fault);
});

test('every link from one page of ours to another leads to a file', () => {
  const links = pageLinks(join(import.meta.dirname, '../..'));
  expect(links.length).toBeGreaterThan(30);
  expect(links.filter(({ target }) => !existsSync(target)).map(({ page, link }) => `${page}: ${link}`)).toEqual([]);
});

test('every link to a heading leads to one', () => {
  const links = pageLinks(join(import.meta.dirname, '../..')).filter(({ heading }) => heading !== undefined);
  expect(links.length).toBeGreaterThan(30);
  const isLost = ({ target, heading = '' }: (typeof links)[number]): boolean =>
    existsSync(target) && !headingsOf(readFileSync(target, 'utf8')).includes(heading);
  expect(links.filter(isLost).map(({ page, link }) => `${page}: ${link}`)).toEqual([]);
});

test('headings are found as links call them', () => {
  const page = '# Don’t `up` twice\n```\n# a comment\n```\n## Who asked, [and why](x.md)\n## Nodes\n## Nodes\n';
  expect(headingsOf(page)).toEqual(['dont-up-twice', 'who-asked-and-why', 'nodes', 'nodes-1']);
});

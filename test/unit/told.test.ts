import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { balancerReasons } from '#balancer/reasons.ts';
import { networkReasons } from '#network/reasons.ts';
import { cutReasons } from '#node/cut/reasons.ts';
import { denialReasons } from '#node/identity/reasons.ts';
import { nodeReasons } from '#node/life/reasons.ts';
import { fenceReasons } from '#storage/fence/reasons.ts';
import { roomReasons } from '#storage/guard/reasons.ts';
import { poolReasons } from '#storage/local/reasons.ts';
import { orphanReasons } from '#storage/orphans/reasons.ts';
import { writtenPage } from '../../tool/reference.ts';

const sources = globSync('src/**/*.ts', { cwd: new URL('../..', import.meta.url).pathname })
  .filter((path) => !path.endsWith('.test.ts'))
  .map((path) => ({ path, text: readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8') }));

test('every metric of the code is on its page, and no other', () => {
  const made = sources.flatMap(({ text }) =>
    [...text.matchAll(/\b(?:counter|gauge|histogram)\(\s*'(isthmus_\w+)'/g)].map(([, name]) => name),
  );
  const shown = [...writtenPage('metrics.md').matchAll(/^\| `(isthmus_\w+)`/gm)].map(([, name]) => name);
  expect(made.length).toBeGreaterThan(5);
  expect(shown).toEqual(made.toSorted((a = '', b = '') => a.localeCompare(b)));
});

test('every reason that the balancers publish is on the page of reasons, and no other', () => {
  const texts = sources
    .filter(({ path }) => path.startsWith('src/balancer/') && !path.endsWith('/reasons.ts'))
    .map(({ text }) => text);
  // What is published is one of them by its type.
  const stale = Object.keys(balancerReasons).filter((name) => !texts.some((text) => text.includes(`'${name}'`)));
  expect(stale).toEqual([]);
  const page = writtenPage('events.md');
  expect(Object.keys(balancerReasons).filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
});

test('every reason of silent nodes is used, and on the page of reasons', () => {
  const plan = sources.find(({ path }) => path === 'src/storage/fence/plan-fence.ts')?.text ?? '';
  const page = writtenPage('events.md');
  const reasons = Object.keys(fenceReasons);
  expect(reasons.filter((name) => !plan.includes(`why: '${name}'`) || !page.includes(`| \`${name}\` |`))).toEqual([]);
});

test('every reason for which a certificate is refused is used, and on the page of reasons', () => {
  const plan = sources.find(({ path }) => path === 'src/node/identity/plan-approval.ts')?.text ?? '';
  const page = writtenPage('events.md');
  const isStale = (name: string): boolean => !plan.includes(`'${name}'`) || !page.includes(`| \`${name}\` |`);
  expect(Object.keys(denialReasons).filter(isStale)).toEqual([]);
});

test('every reason of missing machines is used, and on the page of reasons', () => {
  const plan = sources.find(({ path }) => path === 'src/node/life/plan-node-life.ts')?.text ?? '';
  const page = writtenPage('events.md');
  const reasons = Object.keys(nodeReasons);
  expect(reasons.filter((name) => !plan.includes(`why: '${name}'`) || !page.includes(`| \`${name}\` |`))).toEqual([]);
});

test('every reason of machines of the site that do not answer is used, and on the page of reasons', () => {
  const texts = sources
    .filter(({ path }) => ['plan-verdict.ts', 'judge.ts'].some((file) => path === `src/node/cut/${file}`))
    .map(({ text }) => text);
  const page = writtenPage('events.md');
  const isStale = (name: string): boolean =>
    !texts.some((text) => text.includes(`'${name}'`)) || !page.includes(`| \`${name}\` |`);
  expect(Object.keys(cutReasons).filter(isStale)).toEqual([]);
});

test('every reason of folders and disks for volumes is used, and on the page of reasons', () => {
  const texts = sources
    .filter(({ path }) => path.startsWith('src/storage/local/') && !path.endsWith('/reasons.ts'))
    .map(({ text }) => text);
  const page = writtenPage('events.md');
  const isStale = (name: string): boolean =>
    !texts.some((text) => text.includes(`reason: '${name}'`)) || !page.includes(`| \`${name}\` |`);
  expect(Object.keys(poolReasons).filter(isStale)).toEqual([]);
});

test('every reason of what no volume names is used, and on the page of reasons', () => {
  const { text = '' } = sources.find(({ path }) => path === 'src/storage/orphans/cloud-orphan-controller.ts') ?? {};
  const page = writtenPage('events.md');
  const isStale = (name: string): boolean => !text.includes(`reason: '${name}'`) || !page.includes(`| \`${name}\` |`);
  expect(Object.keys(orphanReasons).filter(isStale)).toEqual([]);
});

test('every reason of claims that wait for room is used, and on the page of reasons', () => {
  const { text = '' } = sources.find(({ path }) => path === 'src/storage/guard/guard-controller.ts') ?? {};
  const page = writtenPage('events.md');
  const isStale = (name: string): boolean => !text.includes(`reason: '${name}'`) || !page.includes(`| \`${name}\` |`);
  expect(Object.keys(roomReasons).filter(isStale)).toEqual([]);
});

test('every reason that the network publishes is on the page of reasons, and no other', () => {
  const texts = sources
    .filter(({ path }) => path.startsWith('src/network/') && !/\/(fence|reasons)\.ts$/.test(path))
    .map(({ text }) => text);
  const published = texts
    .flatMap((text) => [...text.matchAll(/\breason(?:: | = )([^,;\n]+)/g)].map(([, value = '']) => value))
    .flatMap((value) => [...value.matchAll(/'([A-Z][A-Za-z]+)'/g)].map(([, name = '']) => name));
  expect(published.length).toBeGreaterThan(3);
  expect(published.filter((name) => !(name in networkReasons))).toEqual([]);
  const stale = Object.keys(networkReasons).filter((name) => !texts.some((text) => text.includes(`'${name}'`)));
  expect(stale).toEqual([]);
});

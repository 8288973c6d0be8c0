import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { alsoTagged, filesTagged, tagsOf, testFiles } from '../tags.ts';

test.each([
  ['src/network/ipam/plan-warm-pool.test.ts', ['network', 'ipam']],
  ['lab/ucloud/uhost.test.ts', ['lab', 'ucloud']],
  ['test/lab/network/cni.test.ts', ['network']],
  ['test/lab/lab-cloud.test.ts', ['lab']],
  ['test/lab/cluster/killed.test.ts', ['cluster', 'up']],
])('%s is found by %j', (path, tags) => {
  expect(tagsOf(path)).toEqual(tags);
});

test('every test file has a tag, and belongs to one project', () => {
  const files = testFiles();
  expect(files.filter(({ path }) => tagsOf(path).length === 0)).toEqual([]);
  expect(new Set(files.map(({ project }) => project))).toEqual(new Set(['unit', 'api', 'lab', 'long']));
});

test('the table of further tags names only files that exist', () => {
  const gone = Object.keys(alsoTagged).filter((path) => !existsSync(join(import.meta.dirname, '../..', path)));
  expect(gone).toEqual([]);
});

test('--only with a tag that no test has is refused, with the tags that exist', () => {
  expect(() => filesTagged(['netwrok'])).toThrow(/no test has the tag "netwrok"; there are: .*\bnetwork\b/);
  const both = filesTagged(['up', 'kube']).map(({ path }) => path);
  expect(both).toContain('test/lab/main-job.test.ts');
  expect(both.some((path) => path.startsWith('src/kube/'))).toBe(true);
  expect(both.some((path) => path.startsWith('src/network/'))).toBe(false);
});

test('services and machines are several parts at once', () => {
  const paths = (tag: string): readonly string[] => filesTagged([tag]).map(({ path }) => path);
  expect(paths('services')).toContain('test/long/balancer/no-request-lost.test.ts');
  expect(paths('services').some((path) => path.startsWith('src/ingress/'))).toBe(true);
  expect(paths('machines')).toContain('test/long/node/false-answers.test.ts');
  expect(paths('machines').some((path) => path.startsWith('src/cluster/join/'))).toBe(true);
  expect(paths('machines').some((path) => path.startsWith('src/balancer/'))).toBe(false);
});

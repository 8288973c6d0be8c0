import { expect, test } from 'vitest';
import { factsOfEverything } from '#capability/facts.example.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { capabilities } from '../../src/program/capabilities.ts';
import { writtenPage } from '../../tool/reference.ts';

const page = writtenPage('objects.md');
const objects = capabilities
  .flatMap((part) => part.objects(factsOfEverything))
  .map(({ object }) => object)
  // What runs for the addon is on its own page.
  .filter(({ metadata }) => metadata.namespace !== 'isthmus-ingress');

test('every program that a cluster gets is on the page of objects', () => {
  const programs = objects.filter(({ kind = '' }) => ['Deployment', 'DaemonSet'].includes(kind));
  expect(programs.length).toBeGreaterThan(6);
  expect(programs.map(({ metadata }) => metadata.name).filter((name) => !page.includes(name))).toEqual([]);
});

test('every admission policy that a cluster gets is on the page of objects, and no other', () => {
  const made = objects.filter(({ kind = '' }) => kind.endsWith('AdmissionPolicy')).map(({ metadata }) => metadata.name);
  const [, section = ''] = page.split('### Admission policies');
  const shown = [...(section.split('\n#')[0] ?? '').matchAll(/`(isthmus-[a-z-]+)`/g)].map(([, name = '']) => name);
  expect(made.length).toBeGreaterThan(10);
  expect(shown.toSorted()).toEqual(made.toSorted());
});

test('every port of our programs is on the page of objects', () => {
  const missing = Object.values(healthPorts).filter((port) => !page.includes(`| ${port} |`));
  expect(missing).toEqual([]);
});

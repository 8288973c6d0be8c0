import { beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { machines } from '#kube/api/machine.ts';
import { type PodRangeObject, podRanges } from '#kube/api/pod-range.ts';
import { crdFor } from '#kube/crd.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { establishCrds, ourCrds } from '../../support/establish-crds.ts';

const api = apiServerForTests();

beforeAll(async () => {
  await establishCrds(api.kube);
});

const since = '2026-11-22T15:29:36.780Z';
const cloudRange = (name: string, ...ips: readonly string[]): PodRangeObject => ({
  metadata: { name },
  spec: { ground: 'cloud', addresses: ips.map((ip) => ({ ip, state: 'usable', since })) },
});
const siteRange = (name: string, subnet: string): PodRangeObject => ({
  metadata: { name },
  spec: { ground: 'site', subnet },
});
const refused = (object: KubeObject, resource: Resource<KubeObject> = podRanges): Promise<string> =>
  api.kube.create(resource, object).then(
    () => 'accepted',
    (e: Error) => e.message,
  );

test('applying our definitions again changes nothing', async () => {
  await establishCrds(api.kube);
  const definitions = await Promise.all(
    ourCrds.map((crd) => api.kube.read(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd.metadata.name}`)),
  );
  expect(definitions.map((text) => (JSON.parse(text) as KubeObject).metadata.generation)).toEqual(ourCrds.map(() => 1));
});

test('pod ranges of both grounds and machines are kept as written', async () => {
  const cloud = cloudRange('web-1', '10.9.128.7', '10.9.128.9');
  expect(await api.kube.create(podRanges, cloud)).toMatchObject({ spec: cloud.spec });
  const site = siteRange('base-1', '172.16.3.0/24');
  expect(await api.kube.create(podRanges, site)).toMatchObject({ spec: site.spec });
  const spec = { address: '192.168.50.13', hostKey: `SHA256:${'A'.repeat(43)}` };
  expect(await api.kube.create(machines, { metadata: { name: 'base-1' }, spec })).toMatchObject({ spec });
});

test('the status is written apart, and only a new spec is a new generation', async () => {
  const made = await api.kube.create(podRanges, cloudRange('split', '10.9.128.20'));
  const status = { inUse: 0, free: 1, network: 'working', observedGeneration: 1 } as const;
  const both = { ...made, spec: { ...made.spec, ground: 'site' as const }, status };
  const written = await api.kube.replace(podRanges, both, { subresource: 'status' });
  expect(written).toMatchObject({ spec: made.spec, status, metadata: { generation: 1 } });
  const changed = await api.kube.merge(podRanges, made.metadata, { spec: { addresses: [] }, status: { free: 9 } });
  expect(changed).toMatchObject({ status, metadata: { generation: 2 } });
});

test('two managers may each apply their own addresses of one list', async () => {
  const { metadata } = await api.kube.create(podRanges, { metadata: { name: 'keyed' }, spec: { ground: 'cloud' } });
  await api.kube.apply(podRanges, cloudRange(metadata.name, '10.9.128.30'), { manager: 'one' });
  const both = await api.kube.apply(podRanges, cloudRange(metadata.name, '10.9.128.31'), { manager: 'two' });
  expect(both.spec.addresses?.map(({ ip }) => ip)).toEqual(['10.9.128.30', '10.9.128.31']);
});

test.each<[string, KubeObject & { readonly spec: unknown }, string]>([
  ['an unknown ground', { metadata: { name: 'x' }, spec: { ground: 'sea' } }, 'supported values: "cloud", "site"'],
  ['no ground', { metadata: { name: 'x' }, spec: {} }, 'spec.ground: Required value'],
  ['one address twice', cloudRange('x', '10.9.0.5', '10.9.0.5'), 'Duplicate value: {"ip":"10.9.0.5"}'],
  ['an octet above 255', cloudRange('x', '10.9.0.256'), 'is no IPv4 address, write 10.9.0.12'],
  ['an address of the other family', cloudRange('x', 'fd00::1'), 'is no IPv4 address, write 10.9.0.12'],
  ['a range with host bits', siteRange('x', '172.16.3.1/24'), 'is no IPv4 range, write 172.16.3.0/24'],
  ['an address where a range is due', siteRange('x', '172.16.3.0'), 'is no IPv4 range, write 172.16.3.0/24'],
  [
    'a time that is none',
    {
      metadata: { name: 'x' },
      spec: { ground: 'cloud', addresses: [{ ip: '10.9.0.5', state: 'usable', since: 'now' }] },
    },
    'must be of type date-time',
  ],
])('a pod range with %s is refused', async (_, object, why) => {
  expect(await refused(object)).toContain(why);
});

test('a machine with a host key of another form is refused', async () => {
  const spec = { address: '192.168.50.14', hostKey: 'aa:bb:cc' };
  expect(await refused({ metadata: { name: 'x' }, spec } as KubeObject, machines)).toContain(
    'spec.hostKey in body should match',
  );
});

test('defaults, tagged unions, maps, loose objects and int-or-string of a zod type are what the server enforces', async () => {
  const sampleSpec = z.object({
    mode: z.enum(['fast', 'safe']).default('safe'),
    shape: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('disk'), gib: z.number().int().min(1).max(500) }),
      z.object({ kind: z.literal('share'), path: z.string() }),
    ]),
    labels: z.record(z.string(), z.string()).optional(),
    loose: z.looseObject({}).optional(),
    port: z.union([z.number().int(), z.string()]).meta({ 'x-kubernetes-int-or-string': true }).optional(),
  });
  const samples: Resource<KubeObject & { readonly spec: unknown }> = {
    group: 'test.isthmus.dev',
    version: 'v1',
    plural: 'samples',
    kind: 'Sample',
    namespaced: true,
  };
  const crd = crdFor(samples, { spec: sampleSpec }, { singular: 'sample', description: 'For this test.' });
  await establishCrds(api.kube, [crd]);
  const made = (name: string, spec: object) => ({ metadata: { name, namespace: 'default' }, spec });

  const spec = { shape: { kind: 'disk', gib: 10 }, labels: { a: 'b' }, loose: { any: { thing: 1 } }, port: 'http' };
  const kept = await api.kube.create(samples, made('kept', { ...spec, unknown: 'pruned' }));
  expect(kept.spec).toEqual({ ...spec, mode: 'safe' });
  await api.kube.create(samples, made('numbered', { shape: { kind: 'share', path: '/a' }, port: 80 }));
  expect(await refused(made('x', { shape: { kind: 'tape' } }), samples)).toContain('supported values: "disk", "share"');
  expect(await refused(made('x', { shape: { kind: 'disk', gib: 501 } }), samples)).toContain(
    'less than or equal to 500',
  );
  expect(await refused(made('x', { shape: { gib: 5 } }), samples)).toContain('spec.shape.kind: Required value');
});

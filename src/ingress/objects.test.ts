import type { IPodSpec } from 'kubernetes-models/v1';
import { expect, test } from 'vitest';
import type { ClusterFacts } from '#capability/capability.ts';
import { exampleFacts } from '#capability/facts.example.ts';
import type { KubeObject } from '#kube/kube.ts';
import { ingressNamespace } from './names.ts';
import { ingressObjects } from './objects.ts';

const facts = (ingress: { replicas: number } | undefined, tag = '1'): ClusterFacts => ({
  ...exampleFacts,
  cluster: {
    ...exampleFacts.cluster,
    cloudMachines: ['cp-1', 'web-1', 'web-2'].map((name) => ({ name })),
    addons: { ingress },
  },
  image: (part) => `example.com/${part}${tag}`,
});

interface Workload extends KubeObject {
  readonly spec?: { readonly replicas?: number; readonly template?: { readonly spec?: IPodSpec } };
}

const made = ingressObjects(facts({ replicas: 3 }));
const workloads = made
  .map(({ object }): Workload => object)
  .filter(({ spec }) => spec?.template?.spec !== undefined)
  .map(({ metadata, spec }) => ({
    name: metadata.name,
    namespace: metadata.namespace,
    spec,
    pod: spec?.template?.spec,
  }));

test('a cluster that does not ask for it gets nothing, and finds no image missing', () => {
  const none = { ...facts(undefined), image: () => expect.fail('no image is asked for') };
  expect(ingressObjects(none)).toEqual([]);
});

test('everything runs on cloud nodes, because the balancer reaches no others', () => {
  expect(workloads).toHaveLength(4);
  for (const { name, pod } of workloads)
    expect([name, pod?.nodeSelector]).toEqual([name, { 'isthmus.dev/ground': 'cloud' }]);
});

test('what faces the internet is a plain process with an image of the bundle, and has no port of its node', () => {
  const facing = workloads.filter(({ namespace }) => namespace === ingressNamespace);
  expect(facing).toHaveLength(3);
  for (const { pod } of facing) {
    expect(pod).not.toHaveProperty('hostNetwork');
    expect(pod?.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    for (const container of [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]) {
      expect(container.imagePullPolicy).toBe('Never');
      expect(container.image).toMatch(/^example\.com\/(projectcontour\/contour|envoyproxy\/envoy):1$/);
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect((container.ports ?? []).flatMap(({ hostPort }) => hostPort ?? [])).toEqual([]);
    }
  }
});

test('replicas go to different nodes as far as there are so many, the control plane not counted', () => {
  const domains = (replicas: number) =>
    ingressObjects(facts({ replicas }))
      .map(({ object }): Workload => object)
      .find(({ metadata, kind }) => kind === 'Deployment' && metadata.name === 'envoy')
      ?.spec?.template?.spec?.topologySpreadConstraints?.map(({ minDomains }) => minDomains);
  expect([1, 2, 3].map(domains)).toEqual([
    [undefined, 1],
    [undefined, 2],
    [undefined, 2],
  ]);
});

test('as many Envoys as asked for', () => {
  expect(workloads.find(({ name }) => name === 'envoy')?.spec?.replicas).toBe(3);
});

test('another Contour makes its certificates by another Job, because a Job cannot be changed; the same one by the same', () => {
  const jobOf = (tag: string) =>
    ingressObjects(facts({ replicas: 2 }, tag)).find(({ resource }) => resource.kind === 'Job')?.object.metadata.name;
  expect(jobOf('1')).toBe(jobOf('1'));
  expect(jobOf('1')).not.toBe(jobOf('2'));
});

test('definitions are upstream’s five', () => {
  const definitions = made.filter(({ resource }) => resource.kind === 'CustomResourceDefinition');
  expect(definitions.map(({ object }) => object.metadata.name.replace('.projectcontour.io', ''))).toEqual([
    'contourconfigurations',
    'contourdeployments',
    'extensionservices',
    'httpproxies',
    'tlscertificatedelegations',
  ]);
});

test('nothing of it has a name without its namespace that upstream’s own manifests use', () => {
  const wide = made.filter(({ resource }) => ['ClusterRole', 'ClusterRoleBinding'].includes(resource.kind));
  expect(wide.map(({ object }) => object.metadata.name)).toEqual([
    'isthmus-ingress-contour',
    'isthmus-ingress-contour',
  ]);
});

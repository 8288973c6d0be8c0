import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownPrefix } from '#balancer/annotations.ts';
import { parseWish } from '#balancer/parse-wish.ts';
import type { KubeObject } from '#kube/kube.ts';
import type { ServiceObject } from '#kube/resources.ts';
import { minutes } from '#unit/clock.ts';
import { renderChart } from '../support/helm.ts';

const guide = join(import.meta.dirname, '../../docs/guide/ingress');

function only(all: readonly KubeObject[], kind: string, isIt: (one: KubeObject) => boolean = () => true): KubeObject {
  const found = all.filter((one) => one.kind === kind && isIt(one));
  expect([kind, found.length]).toEqual([kind, 1]);
  return found[0] as KubeObject;
}

test(
  'the chart of ingress-nginx, with the values of the guide, gives what the guide says, and a Service that we serve',
  async () => {
    const chart = { module: 'k8s.io/ingress-nginx', chart: 'charts/ingress-nginx' };
    const all = await renderChart('ingress-nginx', chart, join(guide, 'ingress-nginx.values.yaml'));
    const service = only(all, 'Service', (one) => (one as ServiceObject).spec?.type === 'LoadBalancer');
    expect(service).toMatchObject({
      metadata: { annotations: { [`${ownPrefix}proxy-protocol`]: 'true' } },
      spec: { loadBalancerClass: 'isthmus.dev/balancer', externalTrafficPolicy: 'Cluster' },
    });
    // The API server gives node ports.
    const { spec } = service as ServiceObject;
    const ports = (spec?.ports ?? []).map((port, at) => ({ ...port, nodePort: 30_000 + at }));
    const most = { network: 5, direct: 50, application: 50 };
    const wish = parseWish({ ...(service as ServiceObject), spec: { ...spec, ports } }, { subnet: 'subnet-1', most });
    expect(wish).toMatchObject({ ok: true, wish: { listeners: [{ port: 80, proxyProtocol: true }, { port: 443 }] } });
    expect(only(all, 'Deployment')).toMatchObject({
      spec: {
        replicas: 2,
        template: {
          spec: {
            nodeSelector: { 'isthmus.dev/ground': 'cloud' },
            topologySpreadConstraints: [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: expect.anything() as object } },
            ],
          },
        },
      },
    });
    // The spread counts the pods of this Deployment.
    const { template } = (only(all, 'Deployment') as { spec?: { template: Template } }).spec as { template: Template };
    const [spread] = template.spec.topologySpreadConstraints;
    expect(template.metadata.labels).toMatchObject(spread?.labelSelector.matchLabels ?? { none: 'none' });
    expect(only(all, 'PodDisruptionBudget')).toMatchObject({ spec: { minAvailable: 1 } });
    expect(only(all, 'ConfigMap')).toMatchObject({ data: { 'use-proxy-protocol': 'true' } });
  },
  minutes(20),
);

interface Template {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly topologySpreadConstraints: readonly {
      readonly labelSelector: { readonly matchLabels: Readonly<Record<string, string>> };
    }[];
  };
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ownPrefix, serviceAnnotations } from '#balancer/annotations.ts';
import { balancerClass } from '#balancer/service.ts';

/**
 * The Helm values of docs/guide/ingress.md, without the charts: what they hold, and that each key is one that the chart reads. That of ingress-nginx
 * is rendered in test/long/ingress-values.test.ts; the others can't be had as Go modules.
 * @source traefik/traefik-helm-chart traefik/values.yaml @0037475, service.spec: traefik/templates/_service.tpl @06c7b60 ·
 *         haproxytech/helm-charts kubernetes-ingress/values.yaml @001890e
 */
const files = {
  'ingress-nginx': {
    at: 'controller',
    replicas: 'controller.replicaCount',
    class: 'controller.service.loadBalancerClass',
    policy: 'controller.service.externalTrafficPolicy',
    service: 'controller.service',
    proxy: ['controller.config.use-proxy-protocol'],
    others: ['controller.minAvailable'],
  },
  traefik: {
    at: '',
    replicas: 'deployment.replicas',
    class: 'service.spec.loadBalancerClass',
    policy: 'service.spec.externalTrafficPolicy',
    service: 'service',
    proxy: ['ports.web.proxyProtocol.trustedIPs', 'ports.websecure.proxyProtocol.trustedIPs'],
    others: ['podDisruptionBudget.enabled', 'podDisruptionBudget.maxUnavailable'],
  },
  haproxy: {
    at: 'controller',
    replicas: 'controller.replicaCount',
    class: 'controller.service.loadBalancerClass',
    policy: 'controller.service.externalTrafficPolicy',
    service: 'controller.service',
    proxy: ['controller.config.proxy-protocol'],
    others: [
      'controller.kind',
      'controller.PodDisruptionBudget.enable',
      'controller.PodDisruptionBudget.maxUnavailable',
      ...['http', 'https', 'quic', 'stat', 'admin'].map((port) => `controller.service.enablePorts.${port}`),
    ],
  },
} as const;

/** `controller.service.type` and its value, for every leaf; what Kubernetes itself defines is one leaf. */
function leaves(value: unknown, path: readonly string[] = []): readonly (readonly [string, unknown])[] {
  const whole = ['nodeSelector', 'annotations', 'topologySpreadConstraints'].includes(path.at(-1) ?? '');
  if (whole || typeof value !== 'object' || value === null || Array.isArray(value)) return [[path.join('.'), value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

test.each(Object.entries(files))(
  '%s is placed on cloud nodes, behind a balancer of ours that tells the client',
  (name, keys) => {
    const text = readFileSync(join(import.meta.dirname, `../../docs/guide/ingress/${name}.values.yaml`), 'utf8');
    const found = new Map(leaves(parse(text)));
    const own = (key: string): string => (keys.at === '' ? key : `${keys.at}.${key}`);
    expect(found.get(own('nodeSelector'))).toEqual({ 'isthmus.dev/ground': 'cloud' });
    expect(found.get(own('topologySpreadConstraints'))).toEqual([
      expect.objectContaining({ topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' }),
    ]);
    expect(found.get(keys.replicas)).toBe(2);
    expect(found.get(`${keys.service}.type`)).toBe('LoadBalancer');
    expect(found.get(keys.class)).toBe(balancerClass);
    expect(found.get(keys.policy)).toBe('Cluster');
    const told = `${ownPrefix}${serviceAnnotations.annotations.proxyProtocol.own}`;
    expect(found.get(`${keys.service}.annotations`)).toEqual({ [told]: 'true' });
    for (const key of keys.proxy) expect(found.get(key)).toBeTruthy();
    expect([...found.keys()].toSorted()).toEqual(
      [
        own('nodeSelector'),
        own('topologySpreadConstraints'),
        keys.replicas,
        `${keys.service}.type`,
        `${keys.service}.annotations`,
        keys.class,
        keys.policy,
        ...keys.proxy,
        ...keys.others,
      ].toSorted(),
    );
  },
);

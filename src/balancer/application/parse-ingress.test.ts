import { expect, test } from 'vitest';
import type { IngressObject } from '#kube/resources.ts';
import { type ParsedIngress, parseIngress } from './parse-ingress.ts';

const own = 'isthmus.dev/balancer-';
const uk8s = 'alb.ingress.kubernetes.io/';

const web = { service: { name: 'web', port: { number: 80 } } };

function ingress(
  annotations: Readonly<Record<string, string>> = {},
  spec: NonNullable<IngressObject['spec']> = {},
): IngressObject {
  return { metadata: { name: 'web', namespace: 'shop', annotations }, spec: { ingressClassName: 'alb', ...spec } };
}

const read = (annotations: Readonly<Record<string, string>>, spec: NonNullable<IngressObject['spec']> = {}) =>
  parseIngress(ingress(annotations, spec));
const refusalsOf = (parsed: ParsedIngress): readonly string[] => parsed.refusals.map(({ message }) => message);

test('a manifest of UK8S means what ours means', () => {
  const theirs = {
    'load-balancer-type': 'inner',
    'listen-ports': '[{"HTTP": 80}, {"HTTPS":443}]',
    certificates: 'ssl-1,ssl-2',
    'subnet-id': 'subnet-9',
    'load-balancer-chargetype': 'dynamic',
    'monitor-path': '/healthz',
    'monitor-domain': 'shop.example',
    'monitor-method': 'GET',
    'eip-paymode': 'sharebandwidth',
    'eip-sharebandwidthid': 'bwshare-1',
  };
  const ours = {
    access: 'private',
    listen: '[{"HTTP": 80}, {"HTTPS":443}]',
    certificates: 'ssl-1,ssl-2',
    subnet: 'subnet-9',
    charge: 'hour',
    'check-path': '/healthz',
    'check-host': 'shop.example',
    'check-method': 'GET',
    pays: 'shared',
    'shared-bandwidth': 'bwshare-1',
  };
  const prefixed = (prefix: string, all: object) =>
    Object.fromEntries(Object.entries(all).map(([key, value]) => [`${prefix}${key}`, value as string]));
  expect(read(prefixed(uk8s, theirs))).toEqual(read(prefixed(own, ours)));
  expect(read(prefixed(own, ours))).toMatchObject({
    refusals: [],
    wish: {
      values: { access: 'private', checkPath: '/healthz' },
      listen: [
        { protocol: 'HTTP', port: 80 },
        { protocol: 'HTTPS', port: 443 },
      ],
      certificates: ['ssl-1', 'ssl-2'],
    },
  });
});

test.each<[string, Readonly<Record<string, string>>, RegExp]>([
  [
    'an unknown annotation',
    { [`${uk8s}load-balancer-tipe`]: 'inner' },
    /did you mean alb\.ingress\.kubernetes\.io\/load-balancer-type/,
  ],
  [
    'an annotation of another cloud',
    { [`${uk8s}target-type`]: 'ip' },
    /unknown annotation alb\.ingress\.kubernetes\.io\/target-type/,
  ],
  ['ports in a wrong form', { [`${own}listen`]: '80,443' }, /write a list such as \[\{"HTTP": 80\}/],
  ['a port that there is not', { [`${own}listen`]: '[{"HTTP": 70000}]' }, /has the port 70000: write 1 to 65535/],
  [
    'a port for both',
    { [`${own}listen`]: '[{"HTTP": 443}, {"HTTPS": 443}]', [`${own}certificates`]: 'ssl-1' },
    /has the port 443 for HTTP and for HTTPS/,
  ],
  ['HTTPS without a certificate', { [`${own}listen`]: '[{"HTTPS": 443}]' }, /has HTTPS, but there is no certificate/],
  ['a redirect to nowhere', { [`${own}redirect`]: 'true' }, /is "true", but there is no certificate for HTTPS/],
  ['a shared bandwidth without a name', { [`${own}pays`]: 'shared' }, /name the shared bandwidth/],
])('%s is refused with what would be right, and the paths are read all the same', (_title, annotations, message) => {
  const parsed = read(annotations, {
    rules: [{ host: 'shop.example', http: { paths: [{ pathType: 'Prefix', path: '/', backend: web }] } }],
  });
  expect(refusalsOf(parsed)).toEqual([expect.stringMatching(message)]);
  expect(parsed.wish.paths).toHaveLength(1);
});

test('hosts and paths are matched as Ingress says', () => {
  const paths = [
    ['Exact', '/cart'],
    ['Exact', '/cart/'],
    ['Prefix', '/'],
    ['Prefix', '/api/'],
    ['ImplementationSpecific', '/old'],
  ].map(([pathType = '', path = '']) => ({ pathType, path, backend: web }));
  const { wish } = read(
    {},
    {
      rules: [
        { host: 'Shop.Example', http: { paths } },
        { host: '*.example', http: { paths: [{ pathType: 'Prefix', backend: web }] } },
        { http: { paths: [{ pathType: 'Prefix', path: '/x', backend: web }] } },
      ],
    },
  );
  const host = { by: 'exact', text: 'shop.example' };
  expect(wish.paths.map(({ match }) => match)).toEqual([
    { host, path: { by: 'exact', text: '/cart' } },
    { host, path: { by: 'exact', text: '/cart/' } },
    { host, path: { by: 'prefix', text: '/' } },
    { host, path: { by: 'prefix', text: '/api' } },
    { host, path: { by: 'prefix', text: '/old' } },
    { host: { by: 'wildcard', text: '*.example' }, path: { by: 'prefix', text: '/' } },
    { host: undefined, path: { by: 'prefix', text: '/x' } },
  ]);
});

test('a path that sends to no Service is told, and the others are served', () => {
  const resource = { resource: { kind: 'StorageBucket', name: 'static' } };
  const { wish, refusals } = read(
    {},
    {
      defaultBackend: resource,
      rules: [
        {
          host: 'shop.example',
          http: {
            paths: [
              { pathType: 'Prefix', path: '/static', backend: resource },
              { pathType: 'Prefix', path: '/', backend: web },
            ],
          },
        },
      ],
    },
  );
  expect(refusals).toEqual([]);
  expect(wish.paths).toMatchObject([{ says: 'shop.example/', backend: { service: 'web', port: 80 } }]);
  expect(wish.fallback).toBeUndefined();
  expect(wish.faults.map(({ message }) => message)).toEqual([
    'path shop.example/static sends to StorageBucket static: only Services with a port can be back ends',
    'its default backend sends to StorageBucket static: only Services with a port can be back ends',
  ]);
});

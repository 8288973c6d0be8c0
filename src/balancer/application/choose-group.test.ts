import { expect, test } from 'vitest';
import type { BackEnd } from '#cloud/balancer.ts';
import type { IngressObject } from '#kube/resources.ts';
import { ip } from '#unit/ip.ts';
import { fail, ok } from '#unit/result.ts';
import { askedExample } from '../seen.example.ts';
import { chooseGroup, type GroupChosen, type MemberSeen, portsToPods, shareOfService } from './choose-group.ts';
import { parseIngress } from './parse-ingress.ts';
import type { WishedEntry } from './wish.ts';

const limits = { subnet: 'subnet-1', most: { listeners: 50, rules: 100, certificates: 25 }, secure: new Set<number>() };
const year2026 = 1_790_000_000;

type Paths = Readonly<Record<string, string>>;

/** `shop.example/cart` to the Service `cart`. */
function member(
  name: string,
  paths: Paths,
  {
    age = 1,
    annotations = {},
    spec = {},
    secrets = {},
  }: {
    readonly age?: number;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly spec?: NonNullable<IngressObject['spec']>;
    readonly secrets?: Readonly<Record<string, string>>;
  } = {},
): MemberSeen {
  const rules = Object.entries(paths).map(([where, service]) => {
    const [, host = '', path = ''] = /^([^/]*)(\/.*)$/.exec(where) ?? [];
    const backend = { service: { name: service, port: { number: 80 } } };
    return { ...(host !== '' && { host }), http: { paths: [{ pathType: 'Prefix', path, backend }] } };
  });
  const prefixed = Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [`isthmus.dev/balancer-${key}`, value]),
  );
  return {
    key: `shop/${name}`,
    createdAt: `2026-11-29T10:00:0${age}Z`,
    parsed: parseIngress({ metadata: { name, annotations: prefixed }, spec: { rules, ...spec } }),
    secrets: new Map(
      Object.entries(secrets).map(([secret, host]) => [
        secret,
        host === ''
          ? fail('it does not exist')
          : ok({
              digest: `digest-${secret}`,
              before: [`old-${secret}`],
              notAfter: year2026 + 1000,
              covers: (one: string) => one === host,
            }),
      ]),
    ),
    targetsOf: ({ service }) =>
      service === 'gone'
        ? { to: [], faults: [{ reason: 'BackendMissing', message: 'Service gone does not exist' }] }
        : { to: [podOf(service)], faults: [] },
  };
}

function podOf(service: string): BackEnd {
  return { machine: `uhost-${service}`, port: 30_000 };
}

const choose = (...members: readonly MemberSeen[]): GroupChosen => chooseGroup(members, limits, year2026);
const toldOf = ({ told }: GroupChosen): object =>
  Object.fromEntries([...told].map(([key, all]) => [key, all.map(({ reason, message }) => `${reason}: ${message}`)]));

/** `shop.example/cart → uhost-cart` */
function routesOf(entry: WishedEntry | undefined): readonly string[] {
  return (entry?.routes ?? []).map(({ match, action }) => {
    const to = action.do === 'answer' ? action.status : action.to.map(({ machine }) => machine?.slice(6)).join();
    return `${match.host?.text ?? '*'}${match.path?.text ?? ''} → ${to}`;
  });
}

test('one Ingress with one host is one port with one route, and nobody else is answered', () => {
  const chosen = choose(member('web', { 'shop.example/': 'web' }));
  expect(chosen).toMatchObject({ refused: new Set(), told: new Map() });
  expect(chosen.wish).toEqual({
    ...askedExample,
    layer: 'application',
    listeners: [
      {
        protocol: 'HTTP',
        port: 80,
        scheduler: 'round-robin',
        idleTimeout: 60_000,
        sticky: { by: 'nothing' },
        check: { by: 'connection' },
        redirectTo: undefined,
        certificates: [],
        routes: [
          {
            of: 'shop/web',
            service: 'web',
            match: { host: { by: 'exact', text: 'shop.example' }, path: { by: 'prefix', text: '/' } },
            action: { do: 'send', to: [podOf('web')] },
          },
        ],
        last: { do: 'answer', status: 404, text: 'no Ingress is for this host and path' },
      },
    ],
  });
});

test('hosts come before wildcards, special paths before general ones, and each host has an answer for every path', () => {
  const { wish } = choose(
    member('web', { '*.example/': 'any', 'shop.example/': 'web', 'shop.example/cart': 'cart' }),
    member('api', { 'api.example/v1': 'v1', '/health': 'health' }, { age: 2 }),
  );
  expect(routesOf(wish?.listeners[0])).toEqual([
    'shop.example/cart → cart',
    'api.example/v1 → v1',
    'api.example/ → 404',
    'shop.example/ → web',
    '*.example/ → any',
    '*/health → health',
  ]);
});

test('what no path is for goes to the default backend', () => {
  const spec = { defaultBackend: { service: { name: 'front', port: { name: 'http' } } } };
  const { wish } = choose(member('web', { 'shop.example/cart': 'cart' }, { spec }));
  expect(wish?.listeners[0]?.last).toEqual({ do: 'send', to: [podOf('front')] });
});

test('a Service with many paths does not go without its pods, and Ingresses of a group do not ask for more than an ALB takes', () => {
  const shares = (...members: readonly MemberSeen[]): number =>
    shareOfService(
      members.map(({ parsed }) => parsed.wish),
      300,
    );
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`shop.example/${at}`, 'web']));
  expect(shares(member('web', many))).toBe(300);
  const spec = tls('tls') as NonNullable<IngressObject['spec']>;
  expect(shares(member('web', many, { spec }))).toBe(150);
  const front = { defaultBackend: { service: { name: 'front', port: { number: 80 } } } };
  expect(shares(member('web', many, { spec: front }), member('cart', { '/cart': 'cart', '/web': 'web' }))).toBe(100);
  const each = Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`/${at}`, `s${at}`]));
  expect([shares(member('web', each)), shares()]).toEqual([1, 300]);
});

test('pods with a readiness gate wait for every port that sends to them, also as the default backend', () => {
  const spec = {
    defaultBackend: { service: { name: 'front', port: { number: 80 } } },
    tls: [{ hosts: ['shop.example'], secretName: 'tls' }],
  };
  const web = member(
    'web',
    { 'shop.example/': 'web', 'shop.example/old': 'nodes', 'shop.example/none': 'nobody', 'api.example/v1': 'web' },
    { spec, secrets: { tls: 'shop.example' } },
  );
  const toPods: MemberSeen = {
    ...web,
    targetsOf: ({ service }) => ({
      to:
        service === 'nobody'
          ? []
          : service === 'nodes'
            ? [podOf('nodes')]
            : [{ address: ip('10.9.0.20'), vpc: 'v', subnet: 's', port: 80 }],
      faults: [],
    }),
  };
  expect([...portsToPods(choose(toPods))].toSorted(([a], [b]) => a.localeCompare(b))).toEqual([
    ['shop/front', new Set([80, 443])],
    ['shop/web', new Set([80, 443])],
  ]);
  expect(portsToPods({ wish: undefined })).toEqual(new Map());
  // A port that only redirects sends to nobody.
  const annotations = { redirect: 'true' };
  const redirecting = member(
    'web',
    { 'shop.example/': 'web' },
    { spec, secrets: { tls: 'shop.example' }, annotations },
  );
  expect([...portsToPods(choose({ ...toPods, parsed: redirecting.parsed }))].map(([, ports]) => [...ports])).toEqual([
    [443],
    [443],
  ]);
});

test('a path that an older Ingress of the group has is told, and the rest of the younger one is served', () => {
  const chosen = choose(
    member('late', { 'shop.example/': 'late', 'late.example/': 'late' }, { age: 5 }),
    member('early', { 'shop.example/': 'early' }, { age: 1 }),
  );
  expect(toldOf(chosen)).toEqual({
    'shop/late': ['PathTaken: path shop.example/ is already in the older Ingress shop/early: the first one is served'],
  });
  expect(routesOf(chosen.wish?.listeners[0])).toEqual(['late.example/ → late', 'shop.example/ → early']);
  expect(chosen.refused.size).toBe(0);
});

test('a missing Service is told for its path, which is answered by nobody, and the others are served', () => {
  const chosen = choose(member('web', { 'shop.example/': 'web', 'shop.example/old': 'gone' }));
  expect(toldOf(chosen)).toEqual({
    'shop/web': ['BackendMissing: path shop.example/old: Service gone does not exist'],
  });
  expect(routesOf(chosen.wish?.listeners[0])).toEqual(['shop.example/old → ', 'shop.example/ → web']);
});

test('an Ingress that wants another balancer than the older ones of its group is told, and what it had is kept right', () => {
  const chosen = choose(
    member('early', { 'shop.example/': 'early' }, { annotations: { access: 'private' } }),
    member('late', { 'late.example/': 'late' }, { age: 2, annotations: { access: 'public' } }),
    member('quiet', { 'quiet.example/': 'quiet' }, { age: 3 }),
  );
  expect(toldOf(chosen)).toEqual({
    'shop/late': [
      'BadAnnotation: isthmus.dev/balancer-access is "public", but the older Ingress shop/early of the same group has "private": write the same, or leave it out',
    ],
  });
  expect(chosen).toMatchObject({ refused: new Set(['shop/late']), wish: { isPublic: false } });
  expect(routesOf(chosen.wish?.listeners[0])).toEqual(['quiet.example/ → quiet', 'shop.example/ → early']);
  expect([...chosen.kept]).toEqual([['exact late.example prefix /', { do: 'send', to: [podOf('late')] }]]);
});

test('of a group that cannot be understood at all nothing is wished, and everything is kept', () => {
  const chosen = choose(member('web', { 'shop.example/': 'web' }, { annotations: { acess: 'private' } }));
  expect(chosen).toMatchObject({ wish: undefined, refused: new Set(['shop/web']) });
  expect(toldOf(chosen)).toEqual({ 'shop/web': [expect.stringMatching(/^BadAnnotation: .*acess/)] });
  expect(chosen.kept.size).toBe(1);
});

test('the default backend of an Ingress that cannot be understood goes on, also for its hosts', () => {
  const spec = { defaultBackend: { service: { name: 'front', port: { number: 80 } } } };
  const annotations = { acess: 'private' };
  const paths = { 'shop.example/cart': 'cart', '/any': 'any' };
  const broken = member('web', paths, { annotations, spec });
  const chosen = choose(broken, member('late', { 'late.example/': 'late' }, { age: 2 }));
  const front = { do: 'send', to: [podOf('front')] };
  expect(chosen.keptLast).toEqual(front);
  expect(chosen.kept.get('exact shop.example prefix /')).toEqual(front);
  const named = ['exact shop.example prefix /cart', '- prefix /any'];
  expect([...chosen.kept.keys()]).toEqual(['exact shop.example prefix /', ...named]);
  expect([...choose(member('web', paths, { annotations })).kept.keys()]).toEqual(named);
  // One that another Ingress of the group has takes its place.
  const back = { defaultBackend: { service: { name: 'back', port: { number: 80 } } } };
  const both = choose(broken, member('late', {}, { age: 2, spec: back }));
  expect(both.kept.get('exact shop.example prefix /')).toEqual({ do: 'send', to: [podOf('back')] });
  expect(choose(member('web', {}, { spec })).keptLast).toBeUndefined();
});

const tls = (...secrets: readonly string[]) => ({
  tls: secrets.map((secretName) => ({ secretName, hosts: ['shop.example'] })),
});

test('a certificate of a Secret opens HTTPS beside HTTP; those of the cloud come before it', () => {
  const spec = (secret: string) => tls(secret) as NonNullable<IngressObject['spec']>;
  const web = member('web', {}, { spec: spec('web-tls'), secrets: { 'web-tls': 'shop.example' } });
  expect(choose(web).wish?.listeners).toMatchObject([
    { protocol: 'HTTP', port: 80, certificates: [], redirectTo: undefined },
    { protocol: 'HTTPS', port: 443, certificates: [{ digest: 'digest-web-tls' }] },
  ]);
  const annotations = { certificates: 'ssl-1, ssl-2', redirect: 'true' };
  const paths = { 'shop.example/': 'web' };
  const both = member('web', paths, { spec: spec('web-tls'), secrets: { 'web-tls': 'shop.example' }, annotations });
  expect(choose(both).wish?.listeners).toMatchObject([
    { port: 80, redirectTo: 443, routes: [] },
    { port: 443, certificates: [{ id: 'ssl-1' }, { id: 'ssl-2' }, { digest: 'digest-web-tls' }] },
  ]);
});

test('a Secret that cannot be used is told; other certificates are served, and without any the port stays closed', () => {
  const spec = tls('good', 'bad') as NonNullable<IngressObject['spec']>;
  const some = choose(member('web', {}, { spec, secrets: { good: 'shop.example', bad: '' } }));
  expect(toldOf(some)).toEqual({
    'shop/web': ['SecretUnusable: Secret bad cannot be used for TLS: it does not exist'],
  });
  expect(some.wish?.listeners[1]).toMatchObject({ port: 443, certificates: [{ digest: 'digest-good' }] });
  const shut = { spec: tls('bad') as never, secrets: { bad: '' }, annotations: { listen: '[{"HTTPS": 443}]' } };
  expect(choose(member('web', {}, shut)).wish).toBeUndefined();
  const none = choose(member('web', {}, { spec: tls('bad') as never, secrets: { bad: '' } }));
  expect(none.wish?.listeners.map(({ port }) => port)).toEqual([80]);
});

test('a Secret that is deleted and made anew closes no port that answers, and ends no redirect to it', () => {
  const annotations = { redirect: 'true' };
  const web = member('web', {}, { spec: tls('bad') as never, secrets: { bad: '' }, annotations });
  const chosen = chooseGroup([web], { ...limits, secure: new Set([443]) }, year2026);
  expect(toldOf(chosen)).toEqual({
    'shop/web': [
      'SecretUnusable: Secret bad cannot be used for TLS: it does not exist; port 443 keeps the certificates that it has until it can',
    ],
  });
  expect(chosen.wish?.listeners).toMatchObject([
    { port: 80, redirectTo: 443 },
    { port: 443, certificates: [], lacks: { isDefault: true, replaced: [] } },
  ]);
});

test.each([
  ['the first of its Secrets', tls('bad', 'good'), {}, { isDefault: true, replaced: ['old-good'] }],
  ['another one', tls('good', 'bad'), {}, { isDefault: false, replaced: ['old-good'] }],
  [
    'any, beside a certificate of the cloud',
    tls('bad', 'good'),
    { certificates: 'ssl-1' },
    { isDefault: false, replaced: ['old-good'] },
  ],
  ['none', tls('good'), {}, undefined],
] as const)('a port that lacks %s says so', (_, spec, annotations, lacks) => {
  const secrets = { good: 'shop.example', bad: '' };
  const { wish } = choose(member('web', {}, { spec: spec as never, secrets, annotations }));
  expect(wish?.listeners[1]?.lacks).toEqual(lacks);
});

test('a certificate that is for another host or has expired is told and served', () => {
  const spec = tls('tls') as NonNullable<IngressObject['spec']>;
  const chosen = chooseGroup([member('web', {}, { spec, secrets: { tls: 'other.example' } })], limits, year2026 + 2000);
  expect(toldOf(chosen)).toEqual({
    'shop/web': [
      'CertificateUnfit: the certificate of Secret tls has expired: renew it',
      'CertificateUnfit: the certificate of Secret tls is not for shop.example: clients refuse it there',
    ],
  });
  expect(chosen.wish?.listeners[1]?.certificates).toEqual([{ digest: 'digest-tls' }]);
});

test('a port that an older Ingress has for the other protocol is told', () => {
  const listen = (text: string) => ({ annotations: { listen: text, certificates: 'ssl-1' } });
  const chosen = choose(
    member('early', { 'a.example/': 'a' }, listen('[{"HTTP": 8080}]')),
    member('late', { 'b.example/': 'b' }, { age: 2, ...listen('[{"HTTPS": 8080}, {"HTTP": 80}]') }),
  );
  expect(toldOf(chosen)).toEqual({
    'shop/late': [
      'PortInUse: port 8080 is HTTPS, but the older Ingress shop/early of the same group has it for HTTP: use another port',
    ],
  });
  expect(chosen.wish?.listeners.map((one) => [one.port, ...routesOf(one)])).toEqual([
    [80, 'b.example/ → b'],
    [8080, 'a.example/ → a'],
  ]);
});

test('when the rules are used up the youngest go without, and each is told', () => {
  const few = { ...limits, most: { ...limits.most, rules: 4 } };
  const chosen = chooseGroup(
    [
      member('early', { 'a.example/': 'a', 'b.example/x': 'b' }),
      member('late', { 'c.example/x': 'c', 'a.example/x': 'x' }, { age: 2 }),
    ],
    few,
    year2026,
  );
  expect(routesOf(chosen.wish?.listeners[0])).toEqual([
    'a.example/x → x',
    'b.example/x → b',
    'a.example/ → a',
    'b.example/ → 404',
  ]);
  expect(toldOf(chosen)).toEqual({
    'shop/late': [
      'TooManyRules: path c.example/x is not served, because the ALB takes no more rules: put it into another group',
    ],
  });
});

test('of two Ingresses of one second the one whose name comes first has the path', () => {
  const both = ['b', 'a'].map((name) => member(name, { 'shop.example/': name }));
  expect(routesOf(choose(...both).wish?.listeners[0])).toEqual(['shop.example/ → a']);
  expect(routesOf(choose(...both.toReversed()).wish?.listeners[0])).toEqual(['shop.example/ → a']);
});

test('a path that is twice in one Ingress is told', () => {
  const web = member('web', {});
  const path = (service: string) => ({
    pathType: 'Prefix',
    path: '/',
    backend: { service: { name: service, port: { number: 80 } } },
  });
  const rules = [{ host: 'shop.example', http: { paths: [path('one'), path('two')] } }];
  const chosen = choose({ ...web, parsed: parseIngress({ metadata: { name: 'web' }, spec: { rules } }) });
  expect(toldOf(chosen)).toEqual({
    'shop/web': ['PathTaken: path shop.example/ is twice in it: the first one is served'],
  });
  expect(routesOf(chosen.wish?.listeners[0])).toEqual(['shop.example/ → one']);
});

test('the oldest default backend of a group counts, and what stands against it is told', () => {
  const front = (name: string) => ({ spec: { defaultBackend: { service: { name, port: { number: 80 } } } } });
  const chosen = choose(
    member('none', {}, { age: 0 }),
    member('early', {}, front('gone')),
    member('other', {}, { age: 2, ...front('back') }),
    member('same', {}, { age: 3, ...front('gone') }),
  );
  expect(chosen.wish?.listeners[0]).toMatchObject({ last: { do: 'send', to: [] }, lastService: 'shop/gone' });
  expect(toldOf(chosen)).toEqual({
    'shop/early': ['BackendMissing: default backend: Service gone does not exist'],
    'shop/other': [
      'PathTaken: its default backend is not used, because the older Ingress shop/early of the same group has one: leave one of them out',
    ],
  });
});

test('ports beyond what an ALB takes are told to each Ingress that wants them', () => {
  const few = { ...limits, most: { ...limits.most, listeners: 1 } };
  const listen = { annotations: { listen: '[{"HTTP": 81}, {"HTTP": 80}]' } };
  const chosen = chooseGroup([member('a', {}, listen), member('b', {}, { age: 2, ...listen })], few, year2026);
  expect(chosen.wish?.listeners.map(({ port }) => port)).toEqual([80]);
  const told = ['TooManyPorts: an ALB takes 1 ports, so port 81 is not served'];
  expect(toldOf(chosen)).toEqual({ 'shop/a': told, 'shop/b': told });
});

test('certificates beyond what a port takes are left out from the end, each is counted once, and every Ingress is told', () => {
  const few = (certificates: number) => ({ ...limits, most: { ...limits.most, certificates } });
  const spec = tls('one', 'two', 'one') as NonNullable<IngressObject['spec']>;
  const secrets = { one: 'shop.example', two: 'shop.example' };
  const web = member('web', {}, { spec, secrets, annotations: { certificates: 'ssl-1' } });
  const all = [{ id: 'ssl-1' }, { digest: 'digest-one' }, { digest: 'digest-two' }];
  const enough = chooseGroup([web], few(2), year2026);
  expect(enough.wish?.listeners[1]?.certificates).toEqual(all);
  expect(toldOf(enough)).toEqual({});
  const short = chooseGroup([web, { ...web, key: 'shop/z' }], few(1), year2026);
  expect(short.wish?.listeners[1]?.certificates).toEqual(all.slice(0, 2));
  const told = ['TooManyCertificates: port 443 has 3 certificates, and an ALB takes 2: the last ones are left out'];
  expect(toldOf(short)).toEqual({ 'shop/web': told, 'shop/z': told });
});

test('a Secret that has not been read yet is told, and a certificate that ends now has expired', () => {
  const spec = tls('tls') as NonNullable<IngressObject['spec']>;
  expect(toldOf(choose(member('web', {}, { spec })))).toEqual({
    'shop/web': ['SecretUnusable: Secret tls cannot be used for TLS: it has not been read yet'],
  });
  const web = member('web', {}, { spec, secrets: { tls: 'shop.example' } });
  const toldAt = (at: number): object => toldOf(chooseGroup([web], limits, at));
  expect(toldAt(year2026 + 999)).toEqual({});
  expect(toldAt(year2026 + 1000)).toEqual({
    'shop/web': ['CertificateUnfit: the certificate of Secret tls has expired: renew it'],
  });
});

test.each<[string, Readonly<Record<string, string>>, WishedEntry['check']]>([
  ['a path', { 'check-path': '/up' }, { by: 'http', method: 'HEAD', path: '/up', host: undefined }],
  ['a host', { 'check-host': 'shop.example' }, { by: 'http', method: 'HEAD', path: '/', host: 'shop.example' }],
  [
    'a method',
    { 'check-path': '/up', 'check-method': 'GET' },
    { by: 'http', method: 'GET', path: '/up', host: undefined },
  ],
])('back ends are asked by HTTP when %s is named', (_title, annotations, check) => {
  const { wish, told } = choose(member('web', {}, { annotations }));
  expect([wish?.listeners[0]?.check, told]).toEqual([check, new Map()]);
});

test('what a younger Ingress says, and an older one leaves open, is said for all; the same twice is no contradiction', () => {
  const chosen = choose(
    member('early', {}),
    member('late', {}, { age: 2, annotations: { access: 'private' } }),
    member('later', {}, { age: 3, annotations: { access: 'private' } }),
  );
  expect(chosen).toMatchObject({ wish: { isPublic: false }, told: new Map() });
});

test('an Ingress that cannot be understood says nothing for the others', () => {
  const chosen = choose(
    member('early', {}, { annotations: { acess: 'x', access: 'private' } }),
    member('late', {}, { age: 2, annotations: { access: 'public' } }),
  );
  expect(chosen).toMatchObject({ refused: new Set(['shop/early']), wish: { isPublic: true } });
});

test('nodes are asked for where an Ingress says so', () => {
  const asked: boolean[] = [];
  const asking = (one: MemberSeen): MemberSeen => ({
    ...one,
    targetsOf: (_ref, toPods) => {
      asked.push(toPods);
      return { to: [], faults: [] };
    },
  });
  choose(
    asking(member('web', { '/': 'web' })),
    asking(member('nodes', { '/n': 'web' }, { age: 2, annotations: { targets: 'nodes' } })),
  );
  expect(asked).toEqual([true, false]);
});

test('a rule for every host needs no other beside it, and the last place is used', () => {
  const few = { ...limits, most: { ...limits.most, rules: 2 } };
  const chosen = chooseGroup([member('web', { '/a': 'a', '/b': 'b', '/c': 'c' })], few, year2026);
  expect(routesOf(chosen.wish?.listeners[0])).toEqual(['*/a → a', '*/b → b']);
});

test('each port has rules of the one number that the ALB takes', () => {
  const few = { ...limits, most: { ...limits.most, rules: 3 } };
  const listen = { annotations: { listen: '[{"HTTP": 80}, {"HTTP": 81}]' } };
  const chosen = chooseGroup([member('web', { '/a': 'a', '/b': 'b' }, listen)], few, year2026);
  expect(chosen.wish?.listeners.map(routesOf)).toEqual([['*/a → a', '*/b → b'], ['*/a → a']]);
});

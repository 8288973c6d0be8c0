import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type ApplicationBalancer,
  type ApplicationListener,
  type ApplicationListening,
  type ApplicationRule,
  matchKey,
  type RuleAction,
} from '#cloud/application-balancer.ts';
import { type BackEnd, backEndKey } from '#cloud/balancer.ts';
import type { CloudCertificate } from '#cloud/certificate.ts';
import type { Inbound } from '#cloud/inbound.ts';
import { Bug } from '#unit/bug.ts';
import { seconds } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import { type Known, textOfStep } from '../plan-life.ts';
import { askedExample, balancerExample, addressExample as eip } from '../seen.example.ts';
import { listenerExample } from './listener.example.ts';
import { byPrecedence } from './match.ts';
import { type ApplicationSeen, type ApplicationStep, planApplication } from './plan-application.ts';
import type { ApplicationWish, RouteAction, WishedEntry, WishedRoute } from './wish.ts';

const node = (name: string): BackEnd => ({ machine: `uhost-${name}`, port: 30_080 });
const sends = (...names: readonly string[]): RouteAction => ({ do: 'send', to: names.map(node) });
const nobody: RouteAction = { do: 'answer', status: 404, text: 'nobody' };

function route(host: string, path: string, ...names: readonly string[]): WishedRoute {
  const match = { host: { by: 'exact', text: host }, path: { by: 'prefix', text: path } } as const;
  return { of: 'shop/web', service: 'web', match, action: sends(...names) };
}

const entry: WishedEntry = {
  protocol: 'HTTP',
  port: 80,
  scheduler: 'round-robin',
  idleTimeout: seconds(60),
  sticky: { by: 'nothing' },
  check: { by: 'connection' },
  redirectTo: undefined,
  certificates: [],
  routes: [route('shop', '/', 'a')],
  last: nobody,
};
const wish: ApplicationWish = {
  ...askedExample,
  layer: 'application',
  listeners: [entry],
};
const secure: WishedEntry = {
  ...entry,
  protocol: 'HTTPS',
  port: 443,
  certificates: [{ id: 'ssl-theirs' }, { digest: 'd-1' }],
};

const target = (name: string, healthy: boolean | undefined = true) => ({
  ...node(name),
  id: `target-${name}`,
  healthy,
});
const to = (...names: readonly string[]): RuleAction => ({
  do: 'send',
  to: names.map((name) => ({ backEnd: `target-${name}`, weight: 1 })),
});
const shopRule: ApplicationRule = { id: 'rule-1', match: route('shop', '/').match, action: to('a') };
const lastRule: ApplicationRule = { id: 'rule-0', match: undefined, action: nobody };

function listener(change: Partial<ApplicationListener> = {}): ApplicationListener {
  return listenerExample({ backEnds: [target('a')], rules: [shopRule, lastRule], ...change });
}

const alb: ApplicationBalancer = {
  ...balancerExample,
  senders: [ip('10.9.0.10')],
  listeners: [listener()],
};
const kept = { actions: new Map<string, RouteAction>(), others: false, left: new Set<string>() };

interface Change {
  readonly listeners?: readonly ApplicationListener[];
  readonly wish?: Partial<ApplicationWish> | 'nonsense';
  readonly cloud?: Partial<Known<ApplicationListener>>;
  readonly seen?: Partial<ApplicationSeen>;
}

function seenWith({ listeners = alb.listeners, wish: change, cloud, seen }: Change = {}): ApplicationSeen {
  return {
    mark: 'shop',
    owner: 'u-1',
    vpc: 'vpc-1',
    wish:
      change === 'nonsense'
        ? { ok: false, refusals: [{ reason: 'BadAnnotation', message: 'write public' }] }
        : { ok: true, wish: { ...wish, ...change } },
    kind: 'Ingress',
    kept,
    isClaimed: true,
    record: { uses: 'made', layer: 'application', balancer: 'alb-1', address: 'eip-1' },
    published: [{ ip: '106.75.0.9' }],
    looks: 6,
    mostListeners: 50,
    cloud: {
      state: 'known',
      balancer: { ...alb, listeners },
      surplus: [],
      addresses: [eip],
      certificates: [],
      bound: [],
      inDoubt: false,
      markLost: undefined,
      ...cloud,
    },
    ...seen,
  };
}

const at = { balancer: 'alb-1', listener: 'listener-1' };
const { routes: _, last: __, certificates: ___, ...plain } = entry;
const certificate: CloudCertificate = {
  id: 'ssl-1',
  mark: 'shop',
  owner: 'u-1',
  digest: 'd-1',
  createdAt: 1,
  isUsed: false,
};
const held = (reason: string, message: string | RegExp = /./, more: object = {}) => ({
  do: 'hold',
  reason,
  message: expect.stringMatching(message),
  ...more,
});
const rule = (id: string, path: string, ...names: readonly string[]): ApplicationRule => ({
  id,
  match: route('shop', path).match,
  action: to(...names),
});

test.each<[string, Change, object]>([
  ['at rest', {}, held('Serving', /^load balancer alb-1 answers HTTP 80 and sends to 1 back end$/)],
  ['given a port', { listeners: [] }, { do: 'listen', balancer: 'alb-1', listener: '', wish: plain }],
  [
    'closed to everybody first',
    { listeners: [listener({ backEnds: [], rules: [{ ...lastRule, action: to() }] })] },
    { do: 'reroute', ...at, rule: 'rule-0', wish: { action: nobody } },
  ],
  [
    'given back ends',
    { listeners: [listener({ backEnds: [], rules: [lastRule] })] },
    { do: 'add', ...at, backEnds: [node('a')] },
  ],
  [
    'given a rule',
    { listeners: [listener({ rules: [lastRule] })] },
    { do: 'route', ...at, wish: { match: shopRule.match, action: to('a') } },
  ],
  [
    'rid of a back end after it has left the rules',
    { listeners: [listener({ backEnds: [target('a'), target('b')] })] },
    { do: 'drop', ...at, ids: ['target-b'] },
  ],
  [
    'told to leave a back end out of the rules before it goes',
    {
      listeners: [
        listener({ backEnds: [target('a'), target('b')], rules: [{ ...shopRule, action: to('a', 'b') }, lastRule] }),
      ],
    },
    { do: 'reroute', ...at, rule: 'rule-1', wish: { action: to('a') } },
  ],
  [
    'rid of a back end that is there twice',
    { listeners: [listener({ backEnds: [target('a'), { ...target('a'), id: 'target-x' }] })] },
    { do: 'drop', ...at, ids: ['target-x'] },
  ],
  ['changed', { listeners: [listener({ idleTimeout: seconds(1) })] }, { do: 'change', ...at, wish: plain }],
  ['changed in how it is checked', { listeners: [listener({ check: undefined })] }, { do: 'change', ...at }],
  [
    'left alone with the same check',
    {
      wish: { listeners: [{ ...entry, check: { by: 'http', method: 'HEAD', path: '/', host: undefined } }] },
      listeners: [listener({ check: { by: 'http', method: 'HEAD', path: '/', host: undefined } })],
    },
    held('Serving'),
  ],
  [
    'left alone when it asks back ends for a host that nobody names any more, because the cloud forgets none',
    {
      wish: { listeners: [{ ...entry, check: { by: 'http', method: 'HEAD', path: '/', host: undefined } }] },
      listeners: [listener({ check: { by: 'http', method: 'HEAD', path: '/', host: 'old.example' } })],
    },
    held('Serving'),
  ],
  [
    'checked on another path',
    {
      wish: { listeners: [{ ...entry, check: { by: 'http', method: 'HEAD', path: '/', host: undefined } }] },
      listeners: [listener({ check: { by: 'http', method: 'HEAD', path: '/old', host: undefined } })],
    },
    { do: 'change', ...at },
  ],
  [
    'rid of a port',
    { listeners: [listener(), listener({ id: 'listener-2', port: 81 })] },
    { do: 'unlisten', balancer: 'alb-1', listener: 'listener-2' },
  ],
  [
    'rid of a port that has the wrong protocol, before the right one comes',
    { listeners: [listener({ protocol: 'HTTPS', certificates: ['ssl-9'] })] },
    { do: 'unlisten', balancer: 'alb-1', listener: 'listener-1' },
  ],
  [
    'told that a port of a shared ALB is in use',
    { listeners: [listener({ owner: 'u-2' })] },
    held('PortInUse', /^port 80 of load balancer alb-1 is already in use by another Service or Ingress/),
  ],
  [
    'told that somebody made the port by hand',
    { listeners: [listener({ mark: undefined, owner: undefined })] },
    held('PortInUse', /by somebody else/),
  ],
  [
    'told that it is full',
    { listeners: [], seen: { mostListeners: 0 } },
    held('TooManyPorts', /has 0 listeners and takes no more, so port 80/),
  ],
  ['given a certificate', { wish: { listeners: [secure] } }, { do: 'certify', digest: 'd-1' }],
  ['not given a certificate twice', { wish: { listeners: [secure] }, cloud: { inDoubt: true } }, held('InDoubt')],
  [
    'opened for HTTPS before HTTP sends there',
    {
      wish: { listeners: [{ ...entry, redirectTo: 443 }, secure] },
      listeners: [],
      cloud: { certificates: [certificate] },
    },
    { do: 'listen', balancer: 'alb-1', listener: '', wish: { port: 443, certificates: ['ssl-theirs', 'ssl-1'] } },
  ],
  [
    'given the renewed certificate before the old one goes',
    {
      wish: { listeners: [secure] },
      listeners: [listener({ protocol: 'HTTPS', port: 443, certificates: ['ssl-theirs', 'ssl-0'] })],
      cloud: { certificates: [{ ...certificate, id: 'ssl-0', digest: 'd-0' }, certificate] },
    },
    { do: 'change', ...at, wish: { certificates: ['ssl-theirs', 'ssl-1'] } },
  ],
  [
    'rid of the old certificate',
    {
      wish: { listeners: [secure] },
      listeners: [listener({ protocol: 'HTTPS', port: 443, certificates: ['ssl-theirs', 'ssl-1'] })],
      cloud: { certificates: [{ ...certificate, id: 'ssl-0', digest: 'd-0' }, certificate] },
    },
    { do: 'discard', certificate: 'ssl-0' },
  ],
  [
    'told that nobody passes the check',
    { listeners: [listener({ backEnds: [target('a', false)] })] },
    held(
      'ChecksFail',
      /^no back end of shop\/ on port 80 passes the check of the load balancer \(a connection to its port\)/,
      {
        checks: true,
        faults: [{ of: 'shop/web', reason: 'ChecksFail', message: expect.stringMatching(/^no back end of shop\//) }],
      },
    ),
  ],
  [
    'given time until its back ends have been checked',
    { listeners: [listener({ backEnds: [target('a', false)] })], seen: { looks: 5 } },
    held('Making', /still checks new back ends/, { checks: true }),
  ],
  [
    'told that nobody passes for the default',
    {
      wish: { listeners: [{ ...entry, last: sends('b') }] },
      listeners: [
        listener({ backEnds: [target('a'), target('b', false)], rules: [shopRule, { ...lastRule, action: to('b') }] }),
      ],
    },
    held('ChecksFail', /^no back end of the default on port 80/, { checks: true }),
  ],
  [
    'told that a security group closes a node port',
    { seen: { inbound: new Map([['uhost-a', { guarded: true, groups: ['g-1'], rules: [] } satisfies Inbound]]) } },
    held('PortClosed', /the security group g-1 closes TCP port 30080 of uhost-a/, { checks: true }),
  ],
  [
    'waiting until one of the new kind is well',
    {
      wish: {
        listeners: [{ ...entry, routes: [{ ...route('shop', '/'), action: { do: 'send', to: [podOf('p')] } }] }],
      },
      listeners: [
        listener({
          backEnds: [target('a'), { ...podOf('p'), id: 'target-p', healthy: undefined }],
          rules: [{ ...shopRule, action: to('a', 'p') }, lastRule],
        }),
      ],
    },
    held('Making', /still checks new back ends/, { checks: true }),
  ],
  [
    'told what it cannot change',
    { wish: { subnet: 'subnet-2' } },
    held('CannotChange', /delete and create the Ingress/),
  ],
])('an ALB is %s', (_title, change, expected) => {
  expect(planApplication(seenWith(change))).toMatchObject(expected);
});

const asking = (change: object) => ({ by: 'http', method: 'HEAD', path: '/up', host: 'shop', ...change }) as const;
const wishing = (change: Partial<WishedEntry>): Partial<ApplicationWish> => ({ listeners: [{ ...entry, ...change }] });
const foreign = listener({ id: 'listener-9', port: 81, mark: undefined, owner: undefined });
const unchecked = (name: string) => ({ ...target(name), healthy: undefined });
const spare = [certificate, { ...certificate, id: 'ssl-2', createdAt: 2 }];
const https = listener({ protocol: 'HTTPS', port: 443, certificates: ['ssl-theirs', 'ssl-1'] });
const everywhere: WishedRoute = { ...route('', '/', 'a'), match: { host: undefined, path: undefined } };

test.each<[string, Change, object]>([
  [
    'published as a proxy for a Service',
    { seen: { kind: 'Service' } },
    { do: 'publish', ingress: [{ ip: '106.75.0.9', ipMode: 'Proxy' }] },
  ],
  [
    'no proxy for a Service while no port of it is served',
    { wish: { listeners: [] }, listeners: [], seen: { kind: 'Service' } },
    held('Serving'),
  ],
  [
    'changed in how it chooses',
    { listeners: [listener({ scheduler: 'source-hash' })] },
    { do: 'change', ...at, wish: plain },
  ],
  [
    'changed in what a client keeps',
    { listeners: [listener({ sticky: { by: 'own-cookie' } })] },
    { do: 'change', ...at },
  ],
  [
    'changed to the cookie of another name',
    {
      wish: wishing({ sticky: { by: 'cookie', name: 'new' } }),
      listeners: [listener({ sticky: { by: 'cookie', name: 'old' } })],
    },
    { do: 'change', ...at },
  ],
  ['changed to send nobody elsewhere', { listeners: [listener({ redirectTo: 443 })] }, { do: 'change', ...at }],
  [
    'checked by another method',
    { wish: wishing({ check: asking({}) }), listeners: [listener({ check: asking({ method: 'GET' }) })] },
    { do: 'change', ...at },
  ],
  [
    'checked for another host',
    { wish: wishing({ check: asking({}) }), listeners: [listener({ check: asking({ host: 'old' }) })] },
    { do: 'change', ...at },
  ],
  ['checked by a connection again', { listeners: [listener({ check: asking({}) })] }, { do: 'change', ...at }],
  [
    'given the last port that there is room for',
    { listeners: [foreign], seen: { mostListeners: 2 } },
    { do: 'listen', balancer: 'alb-1', listener: '' },
  ],
  [
    'given no port beyond that',
    { listeners: [foreign], seen: { mostListeners: 1 } },
    held('TooManyPorts', /^load balancer alb-1 has 1 listeners and takes no more, so port 80 is not served$/, {
      faults: [{ reason: 'TooManyPorts', message: expect.any(String), of: undefined }],
    }),
  ],
  [
    'rid of the younger of two certificates that are the same',
    { wish: { listeners: [secure] }, listeners: [https], cloud: { certificates: spare } },
    { do: 'discard', certificate: 'ssl-2' },
  ],
  [
    'not rid of a certificate while somebody cannot be understood',
    {
      wish: { listeners: [secure] },
      listeners: [https],
      cloud: { certificates: spare },
      seen: { kept: { ...kept, others: true } },
    },
    held('Serving'),
  ],
  [
    'given nothing twice for somebody who cannot be understood',
    {
      wish: 'nonsense',
      cloud: { inDoubt: true },
      seen: { kept: { ...kept, others: true, actions: new Map([[matchKey(shopRule.match as never), sends('b')]]) } },
    },
    held('BadAnnotation', /^write public; load balancer alb-1 serves as before$/),
  ],
  [
    'told which request nobody answers well, for every host and path',
    {
      wish: wishing({ check: asking({ host: undefined }), routes: [everywhere] }),
      listeners: [
        listener({
          check: asking({}),
          backEnds: [target('a', false)],
          rules: [{ ...shopRule, match: everywhere.match }, lastRule],
        }),
      ],
    },
    held('ChecksFail', /^no back end of \*\/ on port 80 passes the check of the load balancer \(HEAD \/up\): look/, {
      checks: true,
      faults: [{ reason: 'ChecksFail', message: expect.any(String), of: 'shop/web' }],
    }),
  ],
  [
    "not told of a rule that is nobody's",
    {
      wish: wishing({ routes: [{ ...route('shop', '/', 'a'), of: undefined }] }),
      listeners: [listener({ backEnds: [target('a', false)] })],
    },
    held('Serving'),
  ],
  [
    'not told while one of two is well',
    {
      wish: wishing({ routes: [route('shop', '/', 'a', 'b')] }),
      listeners: [
        listener({
          backEnds: [target('a', false), target('b')],
          rules: [{ ...shopRule, action: to('a', 'b') }, lastRule],
        }),
      ],
    },
    held('Serving', /^load balancer alb-1 answers HTTP 80 and sends to 2 back ends$/),
  ],
  [
    'not told while one has not been checked',
    { listeners: [listener({ backEnds: [unchecked('a')] })] },
    held('Serving'),
  ],
  [
    'not told of nobody',
    {
      wish: wishing({ routes: [route('shop', '/')] }),
      listeners: [listener({ backEnds: [], rules: [{ ...shopRule, action: to() }, lastRule] })],
    },
    held('Serving', /sends to 0 back ends$/),
  ],
  [
    'answering on each port, and counts a back end once',
    {
      wish: { listeners: [entry, { ...entry, port: 81 }] },
      listeners: [listener(), listener({ id: 'listener-2', port: 81 })],
    },
    held('Serving', /^load balancer alb-1 answers HTTP 80, HTTP 81 and sends to 1 back end$/),
  ],
  [
    'told all that stands against it, for all',
    { wish: { subnet: 'subnet-2' }, seen: { faults: [{ reason: 'NoCloudNode', message: 'no node' }] } },
    held('NoCloudNode', /^no node; load balancer alb-1 serves, but cannot be changed/, {
      faults: [
        { reason: 'NoCloudNode', message: 'no node', of: undefined },
        { reason: 'CannotChange', message: expect.stringMatching(/^load balancer alb-1 serves/), of: undefined },
      ],
    }),
  ],
  [
    'checking the new default as well',
    {
      wish: wishing({ last: sends('b') }),
      listeners: [
        listener({
          backEnds: [target('a'), unchecked('b')],
          rules: [shopRule, { ...lastRule, action: to('a', 'b') }],
        }),
      ],
    },
    held('Making', /^load balancer alb-1 still checks new back ends; what it had before serves/, { checks: true }),
  ],
])('an ALB is also %s', (_title, change, expected) => {
  const step = planApplication(seenWith(change));
  expect(step).toMatchObject(expected);
  if (step.do === 'hold') expect(Object.keys(step).toSorted()).toEqual(Object.keys(expected).toSorted());
});

const deaf = { guarded: true, groups: ['g-1'], rules: [] } satisfies Inbound;
const keepsOthers = { ...kept, others: true };
const unknown = { state: 'known', found: undefined } as const;
const toTheirs: WishedEntry = { ...secure, certificates: [{ id: 'ssl-theirs' }] };
const { redirectTo: ____, ...plainly } = plain;
const opensHttps = {
  do: 'listen',
  balancer: 'alb-1',
  listener: '',
  wish: { ...plainly, protocol: 'HTTPS', port: 443, certificates: ['ssl-theirs'] },
};
const sentToB = listener({
  backEnds: [target('a'), target('b')],
  rules: [shopRule, { ...lastRule, action: to('b') }],
});

/** A port of its own for `b`. */
function besides(protocol: 'HTTP' | 'HTTPS', port: number, healthy: boolean): Change {
  const certificates = protocol === 'HTTPS' ? ['ssl-theirs'] : [];
  const second = { ...(protocol === 'HTTPS' ? toTheirs : entry), port, routes: [route('shop', '/', 'b')] };
  const rules = [{ ...shopRule, action: to('b') }, lastRule];
  const backEnds = [target('b', healthy)];
  return {
    wish: { listeners: [entry, second] },
    listeners: [listener(), listener({ id: 'listener-2', protocol, port, certificates, backEnds, rules })],
  };
}

function answers(ports = 'HTTP 80', count = '1 back end'): ApplicationStep {
  return {
    do: 'hold',
    reason: 'Serving',
    message: `load balancer alb-1 answers ${ports} and sends to ${count}`,
  };
}

function unwell(port: number): { readonly reason: 'ChecksFail'; readonly message: string; readonly of: string } {
  const message = `no back end of shop/ on port ${port} passes the check of the load balancer (a connection to its port): look whether the pods answer it and nothing drops it on the way`;
  return { of: 'shop/web', reason: 'ChecksFail', message };
}

test.each<[string, Change, object]>([
  [
    'a wish for layer 4 waits for a balancer that does not exist: the ALB serves as before',
    { seen: { wish: { ok: true, wish: { ...askedExample, layer: 'network', use: 'clb-typo' } }, named: unknown } },
    held('BalancerUnknown', /^there is no load balancer clb-typo .*; load balancer alb-1 serves as before$/),
  ],
  [
    'a wish waits for another ALB: the back ends of its last rule are kept right',
    {
      wish: { use: 'alb-typo', listeners: [{ ...entry, last: sends('a') }] },
      listeners: [sentToB],
      seen: { named: unknown },
    },
    { do: 'reroute', ...at, rule: 'rule-0', wish: { action: to('a') } },
  ],
  [
    'a wish that answers by itself waits for another ALB: the last rule sends where it sent before',
    { wish: { use: 'alb-typo' }, listeners: [sentToB], seen: { named: unknown } },
    held('BalancerUnknown', /; load balancer alb-1 serves as before$/),
  ],
  [
    'nobody can be understood and the cloud is in doubt: what makes nothing is done all the same',
    { wish: 'nonsense', cloud: { inDoubt: true }, listeners: [listener({ backEnds: [target('a'), target('b')] })] },
    { do: 'drop', ...at, ids: ['target-b'] },
  ],
  [
    'nobody can be understood, of a port whose rules the cloud does not show yet: its back ends stay',
    { wish: 'nonsense', listeners: [listener({ rules: [] })] },
    { do: 'hold', reason: 'BadAnnotation', message: 'write public; load balancer alb-1 serves as before', lists: true },
  ],
  [
    'nobody can be understood, of a port of whose rules the cloud does not show the last: back ends that only others have stay',
    { wish: 'nonsense', listeners: [listener({ backEnds: [target('a'), target('b')], rules: [shopRule] })] },
    { do: 'hold', reason: 'BadAnnotation', message: 'write public; load balancer alb-1 serves as before', lists: true },
  ],
  [
    'nobody can be understood, of one port the cloud shows no rules yet: the other one is kept right meanwhile',
    {
      wish: 'nonsense',
      listeners: [
        listener({ rules: [] }),
        listener({ id: 'listener-2', port: 81, backEnds: [target('a'), target('b')] }),
      ],
    },
    { do: 'drop', balancer: 'alb-1', listener: 'listener-2', ids: ['target-b'] },
  ],
  [
    'a wish waits for another ALB, of a port whose rules the cloud does not show yet: its back ends stay',
    { wish: { use: 'alb-typo' }, listeners: [listener({ rules: [] })], seen: { named: unknown } },
    held('BalancerUnknown', /; load balancer alb-1 serves as before$/, { lists: true }),
  ],
  [
    'a port that is only kept, whose rules the cloud does not show yet, keeps its back ends',
    {
      listeners: [listener(), listener({ id: 'listener-2', port: 81, rules: [] })],
      seen: { kept: keepsOthers },
    },
    held(
      'InDoubt',
      /^the cloud does not show yet what port 81 .* it is asked again before its back ends are changed$/,
      {
        lists: true,
      },
    ),
  ],
  [
    'an HTTPS port without certificate that is not open is not told as one that answers',
    { wish: { listeners: [entry, { ...secure, certificates: [] }] } },
    answers(),
  ],
  [
    'no port is open',
    { wish: { listeners: [{ ...secure, certificates: [] }] }, listeners: [] },
    held('Serving', /^load balancer alb-1 answers no port and sends to 0 back ends$/),
  ],
  [
    'a certificate whose digest nobody knows goes',
    {
      wish: { listeners: [secure] },
      listeners: [https],
      cloud: { certificates: [certificate, { ...certificate, id: 'ssl-3', digest: undefined }] },
    },
    { do: 'discard', certificate: 'ssl-3' },
  ],
  [
    'of two HTTP ports the lower one is opened first',
    { wish: { listeners: [{ ...entry, port: 81 }, entry] }, listeners: [] },
    { do: 'listen', balancer: 'alb-1', listener: '', wish: plain },
  ],
  [
    'of two HTTPS ports the lower one is opened first',
    { wish: { listeners: [toTheirs, { ...toTheirs, port: 8443 }] }, listeners: [] },
    opensHttps,
  ],
  [
    'an HTTPS port is opened before a higher HTTP port sends there',
    { wish: { listeners: [toTheirs, { ...entry, port: 8080, redirectTo: 443 }] }, listeners: [] },
    opensHttps,
  ],
  [
    'a port that is only kept loses back ends that no rule of it sends to',
    {
      listeners: [listener(), listener({ id: 'listener-2', port: 81, backEnds: [target('a'), target('b')] })],
      seen: { kept: keepsOthers },
    },
    { do: 'drop', balancer: 'alb-1', listener: 'listener-2', ids: ['target-b'] },
  ],
  [
    'a port that is only kept is at rest',
    { listeners: [listener({ id: 'listener-2', port: 81 }), listener()], seen: { kept: keepsOthers } },
    answers('HTTP 80, HTTP 81'),
  ],
  [
    'a rule that is only kept does something that we never ask for',
    {
      listeners: [listener({ rules: [{ ...rule('rule-3', '/old', 'a'), action: undefined }, shopRule, lastRule] })],
      seen: { kept: keepsOthers },
    },
    answers(),
  ],
  [
    'a rule is kept for one Ingress and wished by another: the wish counts',
    {
      seen: { kept: { ...keepsOthers, actions: new Map([[matchKey(route('shop', '/').match), sends('b')]]) } },
    },
    answers(),
  ],
  [
    'a default is kept for one Ingress and wished by another: the wish counts',
    {
      wish: wishing({ last: sends('a') }),
      listeners: [listener({ rules: [shopRule, { ...lastRule, action: to('a') }] })],
      seen: { kept: { ...keepsOthers, last: new Map([[80, sends('b')]]) } },
    },
    answers(),
  ],
  [
    'the last rule does something that we never ask for: it is closed',
    { listeners: [listener({ rules: [shopRule, { ...lastRule, action: undefined }] })] },
    { do: 'reroute', ...at, rule: 'rule-0', wish: { action: nobody } },
  ],
  [
    'a port without certificate, whose Secret cannot be used, is left alone',
    {
      wish: { listeners: [{ ...secure, certificates: [], lacks: { isDefault: true, replaced: [] } }] },
      listeners: [listener({ protocol: 'HTTPS', port: 443, certificates: [] })],
    },
    answers('HTTPS 443'),
  ],
  [
    'a port of which one Secret cannot be used is opened with the others',
    { wish: { listeners: [{ ...toTheirs, lacks: { isDefault: false, replaced: [] } }] }, listeners: [] },
    opensHttps,
  ],
  [
    'HTTP answers on the port of an HTTPS without certificate: nothing of it is told of the other',
    {
      wish: { listeners: [{ ...secure, port: 80, certificates: [] }] },
      listeners: [
        listener({
          backEnds: [target('a', false), target('b')],
          rules: [{ ...shopRule, action: to('a', 'b') }, lastRule],
        }),
      ],
      seen: { kept: keepsOthers },
    },
    answers('HTTP 80', '2 back ends'),
  ],
  [
    'a port that sends everybody to HTTPS is left alone',
    {
      wish: { listeners: [{ ...entry, redirectTo: 443 }, toTheirs] },
      listeners: [listener({ redirectTo: 443 }), { ...https, id: 'listener-2', certificates: ['ssl-theirs'] }],
    },
    answers('HTTP 80, HTTPS 443'),
  ],
  [
    'a check that asks for the host that is wished is left alone',
    { wish: wishing({ check: asking({}) }), listeners: [listener({ check: asking({}) })] },
    answers(),
  ],
  [
    'back ends of ports of others are not counted',
    { listeners: [listener(), { ...foreign, backEnds: [target('b')] }] },
    answers(),
  ],
  ['all are well at the first look', { seen: { looks: 0 } }, answers()],
  ['two ports send to different back ends', besides('HTTP', 81, true), answers('HTTP 80, HTTP 81', '2 back ends')],
  [
    'both protocols send to different back ends',
    besides('HTTPS', 443, true),
    answers('HTTP 80, HTTPS 443', '2 back ends'),
  ],
  ...([['HTTP', 81] as const, ['HTTPS', 443] as const] as const).map(([protocol, port]): [string, Change, object] => [
    `nobody is well on ${protocol} ${port}, and somebody is on HTTP 80`,
    besides(protocol, port, false),
    { do: 'hold', ...unwell(port), of: undefined, faults: [unwell(port)], checks: true },
  ]),
  [
    'of several faults one is of the checks: they are looked at again',
    {
      listeners: [listener({ backEnds: [target('a', false)] })],
      seen: { faults: [{ reason: 'NoCloudNode', message: 'no node' }] },
    },
    {
      do: 'hold',
      reason: 'NoCloudNode',
      message: `no node; ${unwell(80).message}`,
      faults: [{ of: undefined, reason: 'NoCloudNode', message: 'no node' }, unwell(80)],
      checks: true,
    },
  ],
  [
    'where the ALB sends from is not known: no security group is said to close a port',
    {
      cloud: { balancer: { ...alb, senders: undefined } },
      seen: { inbound: new Map([['uhost-a', deaf]]) },
    },
    answers(),
  ],
])('%s', (_title, change, step) => {
  expect(planApplication(seenWith(change))).toEqual(step);
});

test('the ports that security groups close are told in order, each with all its machines', () => {
  const backEnds = [
    { ...node('b'), port: 30_081, id: 'target-c', healthy: true },
    { ...podOf('p'), id: 'target-p', healthy: true },
    { ...podOf('q'), id: 'target-q', healthy: true },
    target('b'),
    target('a'),
  ];
  const all: RouteAction = { do: 'send', to: backEnds.map(({ id: _id, healthy: _healthy, ...one }) => one) };
  const rules = [{ ...shopRule, action: to('a', 'b', 'c', 'p', 'q') }, lastRule];
  const seen = seenWith({
    wish: wishing({ routes: [{ ...route('shop', '/'), action: all }] }),
    listeners: [listener({ backEnds, rules })],
    seen: {
      inbound: new Map([
        ['uhost-a', deaf],
        ['uhost-b', deaf],
      ]),
      // Where the other pod runs is not known.
      homes: new Map([[podOf('p').address ?? '', 'uhost-a']]),
    },
  });
  const closed = (port: string, open: string) => ({
    of: undefined,
    reason: 'PortClosed',
    message: `the security group g-1 closes TCP port ${port} to the load balancer (10.9.0.10): add a rule that accepts TCP ${open} from subnet subnet-1`,
  });
  const faults = [
    closed('8080 of uhost-a', '8080'),
    closed('30080 of uhost-a, uhost-b', '30000-32767'),
    closed('30081 of uhost-b', '30000-32767'),
  ];
  expect(planApplication(seen)).toEqual({
    do: 'hold',
    reason: 'PortClosed',
    message: faults.map(({ message }) => message).join('; '),
    faults,
    checks: true,
  });
});

function podOf(name: string): BackEnd {
  return { address: ip(`10.9.0.${name.codePointAt(0)}`), vpc: 'vpc-1', subnet: 'subnet-1', port: 8080 };
}

test('while an Ingress cannot be understood its rules stay, their back ends are kept right, and others of the group are served', () => {
  const late = {
    actions: new Map([[matchKey(route('late', '/').match), sends('b')]]),
    others: true,
    left: new Set<string>(),
  };
  const lateRule = { ...shopRule, id: 'rule-2', match: route('late', '/').match };
  const had = [
    listener({ rules: [rule('rule-3', '/old', 'a'), lateRule, shopRule, lastRule] }),
    listener({ id: 'listener-2', port: 81 }),
  ];
  for (const asks of [{}, { wish: 'nonsense' }] as const) {
    const seen = seenWith({ listeners: had, ...asks, seen: { kept: late } });
    expect(planApplication(seen)).toEqual({ do: 'add', ...at, backEnds: [node('b')] });
    const added = had.map((one) => (one.id === 'listener-1' ? { ...one, backEnds: [target('a'), target('b')] } : one));
    expect(planApplication(seenWith({ listeners: added, ...asks, seen: { kept: late } }))).toEqual({
      do: 'reroute',
      ...at,
      rule: 'rule-2',
      wish: { action: to('b') },
    });
    const right = added.map((one) => ({
      ...one,
      rules: one.rules.map((two) => (two.id === 'rule-2' ? { ...two, action: to('b') } : two)),
    }));
    expect(planApplication(seenWith({ listeners: right, ...asks, seen: { kept: late } }))).toMatchObject({
      do: 'hold',
    });
    // What is of somebody who has left goes all the same.
    const gone = { ...late, left: new Set([matchKey(route('shop', '/old').match)]) };
    expect(planApplication(seenWith({ listeners: right, ...asks, seen: { kept: gone } }))).toMatchObject({
      do: 'unroute',
      rule: 'rule-3',
    });
  }
});

test('naming an ALB that does not exist takes no rule from the one that serves, and its back ends are kept right', () => {
  const others = [
    listener({ backEnds: [target('a'), target('b')], rules: [rule('rule-3', '/old', 'a'), shopRule, lastRule] }),
  ];
  const naming = (routes: readonly WishedRoute[]): Change => ({
    listeners: others,
    wish: { use: 'alb-typo', listeners: [{ ...entry, routes }] },
    seen: { named: { state: 'known', found: undefined } },
  });
  expect(planApplication(seenWith(naming([route('shop', '/', 'a')])))).toEqual({
    do: 'drop',
    ...at,
    ids: ['target-b'],
  });
  expect(planApplication(seenWith(naming([route('shop', '/', 'b')])))).toMatchObject({ do: 'reroute', rule: 'rule-1' });
  const rested = naming([route('shop', '/', 'a'), route('new', '/', 'a')]);
  const right = { ...rested, listeners: [listener({ rules: [rule('rule-3', '/old', 'a'), shopRule, lastRule] })] };
  expect(planApplication(seenWith(right))).toEqual(
    held('BalancerUnknown', /^there is no load balancer alb-typo .*; load balancer alb-1 serves as before$/),
  );
});

test('a port whose Secret cannot be used any more keeps the certificates that it has', () => {
  const lacking: WishedEntry = { ...secure, certificates: [], lacks: { isDefault: true, replaced: [] } };
  const https = listener({ protocol: 'HTTPS', port: 443, certificates: ['ssl-1'] });
  const change: Change = { wish: { listeners: [lacking] }, listeners: [https], cloud: { certificates: [certificate] } };
  expect(planApplication(seenWith(change))).toMatchObject(held('Serving', /answers HTTPS 443/));
  const slow = listener({ ...https, idleTimeout: seconds(1) });
  expect(planApplication(seenWith({ ...change, listeners: [slow] }))).toMatchObject({
    do: 'change',
    wish: { certificates: ['ssl-1'] },
  });
  // It is not opened without one.
  const closed = { ...change, listeners: [], cloud: {} };
  expect(planApplication(seenWith(closed))).toMatchObject({ do: 'hold' });
});

test.each([
  ['further hosts', { isDefault: false, replaced: [] }, ['ssl-1', 'ssl-lost'], ['ssl-1', 'ssl-lost']],
  ['the default', { isDefault: true, replaced: [] }, ['ssl-lost', 'ssl-1'], ['ssl-lost', 'ssl-1']],
  [
    'further hosts, beside a new one',
    { isDefault: false, replaced: [] },
    ['ssl-0', 'ssl-lost'],
    ['ssl-1', 'ssl-0', 'ssl-lost'],
  ],
  [
    'none that has a successor',
    { isDefault: false, replaced: ['d-old'] },
    ['ssl-old', 'ssl-lost'],
    ['ssl-1', 'ssl-lost'],
  ],
  ['nothing when all can be used', undefined, ['ssl-1', 'ssl-lost'], ['ssl-1']],
] as const)('of several Secrets one cannot be used: a port keeps its certificate for %s', (_, lacks, has, wanted) => {
  const wished: WishedEntry = { ...secure, certificates: [{ digest: 'd-1' }], lacks };
  const step = planApplication(
    seenWith({
      wish: { listeners: [wished] },
      listeners: [listener({ protocol: 'HTTPS', port: 443, certificates: has })],
      cloud: {
        certificates: [
          certificate,
          ...['lost', 'old'].flatMap((name) =>
            has.some((id) => id === `ssl-${name}`) ? { ...certificate, id: `ssl-${name}`, digest: `d-${name}` } : [],
          ),
        ],
      },
    }),
  );
  if (has.join() === wanted.join()) expect(step).toMatchObject(held('Serving'));
  else expect(step).toMatchObject({ do: 'change', wish: { certificates: wanted } });
});

test('a port whose last rule the cloud does not show yet is given nobody, and the lists are asked again', () => {
  const there = listener({ backEnds: [], rules: [] });
  const waits = held('InDoubt', /does not show yet what port 80 of load balancer alb-1 does/, { lists: true });
  expect(planApplication(seenWith({ listeners: [there] }))).toMatchObject(waits);
  // Others are served meanwhile.
  const other = { ...entry, port: 81 };
  expect(planApplication(seenWith({ listeners: [there], wish: { listeners: [entry, other] } }))).toMatchObject({
    do: 'listen',
    wish: { port: 81 },
  });
});

test('a security group that closes the port of a pod is told with the machine that the pod runs on', () => {
  const inbound = new Map([['uhost-a', { guarded: true, groups: ['g-1'], rules: [] } satisfies Inbound]]);
  const toPod: WishedEntry = {
    ...entry,
    routes: [{ ...route('shop', '/'), action: { do: 'send', to: [podOf('p')] } }],
  };
  const there = listener({
    backEnds: [{ ...podOf('p'), id: 'target-p', healthy: true }],
    rules: [{ ...shopRule, action: to('p') }, lastRule],
  });
  const change: Change = { wish: { listeners: [toPod] }, listeners: [there] };
  const homes = new Map([[podOf('p').address ?? '', 'uhost-a']]);
  expect(planApplication(seenWith({ ...change, seen: { inbound, homes } }))).toMatchObject(
    held('PortClosed', /closes TCP port 8080 of uhost-a .* add a rule that accepts TCP 8080 from subnet subnet-1$/),
  );
  expect(planApplication(seenWith({ ...change, seen: { inbound: new Map(), homes } }))).toMatchObject(held('Serving'));
});

test('a default backend whose Ingress cannot be understood goes on answering, with its back ends', () => {
  const serving = listener({
    backEnds: [target('a'), target('b')],
    rules: [shopRule, { ...lastRule, action: to('b') }],
  });
  const keeping = (...names: readonly string[]) => ({
    kept: { ...kept, others: true, last: new Map([[80, sends(...names)]]) },
  });
  for (const asks of [{}, { wish: 'nonsense' }] as const) {
    expect(planApplication(seenWith({ listeners: [serving], ...asks, seen: keeping('b') }))).toMatchObject({
      do: 'hold',
    });
    expect(planApplication(seenWith({ listeners: [serving], ...asks, seen: keeping('a') }))).toMatchObject({
      do: 'reroute',
      rule: 'rule-0',
      wish: { action: to('a') },
    });
  }
  // It is given nothing that it had not before.
  for (const asks of [{}, { wish: 'nonsense' }] as const)
    expect(planApplication(seenWith({ ...asks, seen: keeping('b') }))).toMatchObject({ do: 'hold' });
});

test('of an ALB that is not there or not ours nothing is kept', () => {
  for (const change of [
    { cloud: { balancer: undefined } },
    { listeners: [listener({ owner: 'u-2' })] },
    { seen: { isClaimed: false } },
    { cloud: { markLost: 'alb-1' } },
  ])
    expect(planApplication(seenWith({ wish: 'nonsense', ...change }))).toEqual(held('BadAnnotation', /^write public$/));
});

/** What the cloud does with a step; it refuses whatever is not ours. */
function performed(seen: ApplicationSeen, step: ApplicationStep, serial: number): ApplicationSeen {
  const { cloud } = seen;
  if (cloud.state !== 'known') throw new Bug('the cloud of this test is always known');
  const { balancer } = cloud;
  const having = (change: Partial<Known<ApplicationListener>>): ApplicationSeen => ({
    ...seen,
    cloud: { ...cloud, ...change },
  });
  const onListeners = (
    next: (all: readonly ApplicationListener[]) => readonly ApplicationListener[],
  ): ApplicationSeen => {
    if (balancer === undefined) throw new Bug('there is no ALB');
    return having({ balancer: { ...balancer, listeners: next(balancer.listeners) } });
  };
  const onListener = (id: string, next: (one: ApplicationListener) => ApplicationListener): ApplicationSeen => {
    const there = balancer?.listeners.find((one) => one.id === id);
    expect([there?.mark, there?.owner]).toEqual(['shop', 'u-1']);
    return onListeners((all) => all.map((one) => (one.id === id ? next(one) : one)));
  };
  const onRules = (
    id: string,
    next: (rules: readonly ApplicationRule[]) => readonly ApplicationRule[],
  ): ApplicationSeen => onListener(id, (one) => ({ ...one, rules: next(one.rules) }));
  switch (step.do) {
    case 'claim':
      return { ...seen, isClaimed: true, record: step.record };
    case 'record':
      return { ...seen, record: step.record };
    case 'publish':
      return { ...seen, published: step.ingress };
    case 'create':
      return having({ balancer: { ...alb, id: `alb-${serial}`, listeners: [] } });
    case 'listen':
      return onListeners((all) => [...all, opened(step.wish, serial)]);
    case 'change':
      return onListener(step.listener, (one) => ({ ...one, ...step.wish }));
    case 'unlisten':
      onListener(step.listener, (one) => one);
      return onListeners((all) => all.filter(({ id }) => id !== step.listener));
    case 'add':
      return onListener(step.listener, (one) => ({
        ...one,
        backEnds: [
          ...one.backEnds,
          ...step.backEnds.map((two, index) => ({ ...two, id: `target-${serial}-${index}`, healthy: true })),
        ],
      }));
    case 'drop':
      return onListener(step.listener, (one) => ({
        ...one,
        backEnds: one.backEnds.filter(({ id }) => !step.ids.includes(id)),
      }));
    case 'route':
      return onRules(step.listener, (rules) => [{ id: `rule-${serial}`, ...step.wish }, ...rules]);
    case 'reroute':
      return onRules(step.listener, (rules) =>
        rules.map((one) => (one.id === step.rule ? { ...one, ...step.wish } : one)),
      );
    case 'unroute':
      return onRules(step.listener, (rules) => rules.filter(({ id }) => id !== step.rule));
    case 'certify':
      return having({
        certificates: [...cloud.certificates, { ...certificate, id: `ssl-${serial}`, digest: step.digest }],
      });
    case 'discard':
      expect(balancer?.listeners.flatMap((one) => one.certificates) ?? []).not.toContain(step.certificate);
      return having({ certificates: cloud.certificates.filter(({ id }) => id !== step.certificate) });
    case 'allocate':
      return having({ addresses: [{ ...eip, id: `eip-${serial}`, boundTo: undefined }] });
    case 'bind':
      return having({
        addresses: cloud.addresses.map((one) => (one.id === step.address ? { ...one, boundTo: step.balancer } : one)),
      });
    case 'release':
      return having({ addresses: cloud.addresses.filter(({ id }) => id !== step.address) });
    case 'remove':
      expect(balancer?.mark).toBe('shop');
      return having({ balancer: undefined });
    case 'unclaim':
      return { ...seen, isClaimed: false };
    case 'resize':
    case 'ignore':
    case 'hold':
      return seen;
  }
}

function opened(listening: ApplicationListening, serial: number): ApplicationListener {
  const redirectTo = listening.protocol === 'HTTP' ? listening.redirectTo : undefined;
  const certificates = listening.protocol === 'HTTPS' ? listening.certificates : [];
  // As a cloud does that sends to everybody.
  const rules = [{ id: `rule-last-${serial}`, match: undefined, action: to() }];
  return {
    ...listening,
    redirectTo,
    certificates,
    id: `listener-${serial}`,
    mark: 'shop',
    owner: 'u-1',
    backEnds: [],
    rules,
  };
}

const names = ['a', 'b', 'c'];
const someRoute = fc
  .tuple(fc.constantFrom('shop', 'web'), fc.constantFrom('/', '/x', '/x/y'), fc.subarray(names))
  .map(([host, path, of]) => route(host, path, ...of));
const someRoutes = fc
  .uniqueArray(someRoute, { maxLength: 5, selector: ({ match }) => matchKey(match) })
  .map((all) => all.toSorted((x, y) => byPrecedence(x.match, y.match)));
const someEntry = fc
  .record({
    port: fc.constantFrom(80, 443, 8080),
    isSecure: fc.boolean(),
    routes: someRoutes,
    digests: fc.subarray(['d-1', 'd-2'], { minLength: 1 }),
    last: fc.constantFrom(nobody, sends('a'), sends('b', 'c')),
  })
  .map(({ port, isSecure, routes, digests, last }): WishedEntry => {
    const certificates = isSecure ? digests.map((digest) => ({ digest })) : [];
    return { ...entry, port, protocol: isSecure ? 'HTTPS' : 'HTTP', certificates, routes, last };
  });
const someWish = fc
  .uniqueArray(someEntry, { minLength: 1, maxLength: 3, selector: ({ port }) => port })
  .map((listeners): ApplicationWish => ({ ...wish, listeners }));
const someFaces = fc.constantFrom<Partial<ApplicationListener>>(
  {},
  { owner: 'u-2' },
  { mark: undefined, owner: undefined },
);
const someListener = fc
  .record({ entry: someEntry, face: someFaces, backEnds: fc.subarray(names), extra: fc.subarray(['/', '/x', '/old']) })
  .map(
    ({ entry: { port, protocol }, face, backEnds, extra }) =>
      (serial: number): ApplicationListener =>
        listener({
          id: `old-${serial}`,
          port,
          protocol,
          certificates: protocol === 'HTTPS' ? ['ssl-old'] : [],
          backEnds: backEnds.map((name) => target(name)),
          rules: [...extra.map((path, index) => rule(`old-${serial}-${index}`, path, ...backEnds)), lastRule],
          ...face,
        }),
  );
const someListeners = fc
  .uniqueArray(someListener, { maxLength: 3, selector: (one) => one(0).port })
  .map((all) => all.map((one, index) => one(index)));

test('from every state each wish is reached, step by step, and what is not ours is left as it was', () => {
  fc.assert(
    fc.property(someListeners, someWish, fc.boolean(), fc.boolean(), (listeners, wanted, isThere, isClaimed) => {
      const foreign = listeners.filter(({ owner }) => owner !== 'u-1');
      let seen = seenWith({
        listeners,
        cloud: isThere
          ? { certificates: [{ ...certificate, id: 'ssl-old', digest: 'd-old' }] }
          : { balancer: undefined, addresses: [] },
        seen: isClaimed ? {} : { isClaimed: false, record: { uses: 'made', layer: 'application' } },
      });
      seen = { ...seen, wish: { ok: true, wish: wanted } };
      for (let taken = 0; ; taken++) {
        const step = planApplication(seen);
        if (step.do === 'hold') break;
        seen = performed(seen, step, taken);
        expect(taken).toBeLessThan(120);
      }
      const balancer = seen.cloud.state === 'known' ? seen.cloud.balancer : undefined;
      const all = balancer?.listeners ?? [];
      if (isThere) expect(all.filter(({ owner }) => owner !== 'u-1')).toEqual(foreign);
      for (const wished of wanted.listeners) {
        const there = all.find(({ port }) => port === wished.port);
        if (isThere && there?.owner !== 'u-1') continue;
        expect([there?.protocol, there?.rules.length]).toEqual([wished.protocol, wished.routes.length + 1]);
        const keys = new Map(there?.backEnds.map((one) => [one.id, backEndKey(one)]));
        const textOf = (action: RuleAction | undefined): unknown =>
          action?.do === 'send' ? action.to.map(({ backEnd }) => keys.get(backEnd) ?? '?').toSorted() : action;
        const goal = (action: RouteAction): unknown =>
          action.do === 'send' ? action.to.map(backEndKey).toSorted() : action;
        for (const { match, action } of wished.routes)
          expect(
            textOf(
              there?.rules.find((one) => one.match !== undefined && matchKey(one.match) === matchKey(match))?.action,
            ),
          ).toEqual(goal(action));
        expect(textOf(there?.rules.at(-1)?.action)).toEqual(goal(wished.last));
      }
      // And back to nothing.
      seen = { ...seen, wish: undefined };
      for (let taken = 200; seen.isClaimed; taken++) {
        seen = performed(seen, planApplication(seen), taken);
        expect(taken).toBeLessThan(260);
      }
      expect(seen.cloud).toMatchObject({ balancer: undefined, addresses: [], certificates: [] });
    }),
    { numRuns: 300 },
  );
});

test('a certificate that the cloud refuses does not keep back ends from being kept right, and is given after them', () => {
  const wished = { listeners: [{ ...secure, certificates: [{ digest: 'd-2' }], routes: [route('shop', '/', 'b')] }] };
  const there = listener({ protocol: 'HTTPS', port: 443, certificates: ['ssl-1'] });
  const seenOf = (one: ApplicationListener, refused?: ReadonlySet<string>) =>
    seenWith({ listeners: [one], wish: wished, cloud: { certificates: [certificate] }, seen: { refused } });
  const certify = { do: 'certify', digest: 'd-2' };
  expect(planApplication(seenOf(there))).toEqual(certify);
  const refused = new Set([textOfStep(certify)]);
  expect(planApplication(seenOf(there, refused))).toEqual({ do: 'add', ...at, backEnds: [node('b')] });
  const right = { ...there, backEnds: [target('b')], rules: [{ ...shopRule, action: to('b') }, lastRule] };
  expect(planApplication(seenOf(right, refused))).toEqual(certify);
  // Where the cloud does not show yet what a port does, there is nothing to be done beside it.
  expect(planApplication(seenOf({ ...there, rules: [] }, refused))).toEqual(certify);
  // A port of another protocol or number is not what the certificate is for.
  for (const change of [{ protocol: 'HTTP' }, { port: 444 }] as const)
    expect(planApplication(seenOf({ ...right, ...change }, refused))).toEqual(
      expect.objectContaining({ do: 'unroute' }),
    );
});

test('a rule that the cloud refuses does not keep the others from being kept right, and is asked for after them', () => {
  const routes = [route('shop', '/cart', 'b'), route('shop', '/', 'b')];
  const seenOf = (change: Partial<ApplicationListener>, refused?: ReadonlySet<string>) =>
    seenWith({ listeners: [listener(change)], wish: { listeners: [{ ...entry, routes }] }, seen: { refused } });
  const both = { backEnds: [target('a'), target('b')] };
  const made = planApplication(seenOf(both));
  expect(made).toMatchObject({ do: 'route', wish: { match: routes[0]?.match } });
  const refused = new Set([textOfStep(made)]);
  const changed = { ...both, rules: [{ ...shopRule, action: to('b') }, lastRule] };
  expect(planApplication(seenOf(both, refused))).toEqual({
    do: 'reroute',
    ...at,
    rule: 'rule-1',
    wish: { action: to('b') },
  });
  expect(planApplication(seenOf(changed, refused))).toEqual({ do: 'drop', ...at, ids: ['target-a'] });
  expect(planApplication(seenOf({ ...changed, backEnds: [target('b')] }, refused))).toEqual(made);
});

import { expect, test } from 'vitest';
import type { SeenBalancer } from '#cloud/balancer.ts';
import type { CloudCertificate } from '#cloud/certificate.ts';
import { ip } from '#unit/ip.ts';
import {
  chooseStep,
  isOurs,
  type Known,
  type LayerWish,
  type LifeSeen,
  type LifeStep,
  type LifeWish,
  type OwnedListener,
  planFixed,
  planLife,
  textOfStep,
} from './plan-life.ts';
import { askedExample, balancerExample, addressExample as eip } from './seen.example.ts';

const asked: LayerWish = {
  ...askedExample,
  layer: 'application',
};
const listener: OwnedListener = { id: 'listener-1', mark: 'shop', owner: 'u-1' };
const alb: SeenBalancer<OwnedListener> = {
  ...balancerExample,
  listeners: [listener],
};
const certificate: CloudCertificate = {
  id: 'ssl-1',
  mark: 'shop',
  owner: 'u-1',
  digest: 'digest',
  createdAt: 1,
  isUsed: false,
};

interface Change extends Partial<Omit<LifeSeen<OwnedListener>, 'cloud'>> {
  readonly cloud?: Partial<Known<OwnedListener>>;
  readonly asks?: Partial<LayerWish> | 'nothing' | 'nonsense';
  readonly serves?: { readonly do: string };
  readonly mode?: 'VIP' | 'Proxy';
}

const refusals = [
  { reason: 'BadAnnotation', message: 'write public' },
  { reason: 'NotSupported', message: 'no SCTP' },
] as const;

function planned({ cloud, asks, serves, mode, ...change }: Change): object {
  const seen: LifeSeen<OwnedListener> = {
    mark: 'shop',
    owner: 'u-1',
    vpc: 'vpc-1',
    isClaimed: true,
    record: { uses: 'made', layer: 'application', balancer: 'alb-1', address: 'eip-1' },
    published: [{ ip: '106.75.0.9' }],
    ...change,
    cloud: {
      state: 'known',
      balancer: alb,
      surplus: [],
      addresses: [eip],
      certificates: [],
      bound: [],
      inDoubt: false,
      markLost: undefined,
      ...cloud,
    },
  };
  const wish: LifeWish | undefined =
    asks === 'nothing'
      ? undefined
      : asks === 'nonsense'
        ? { ok: false, refusals }
        : { ok: true, wish: { ...asked, ...asks } };
  return planLife<OwnedListener, LifeStep | { readonly do: string }, LayerWish>(seen, wish, {
    isOwn: (one): one is LayerWish => one.layer === 'application',
    keep: ({ reason, message }) => ({ do: 'hold', reason, message: `${message}; kept` }),
    serve: () => ({ step: serves, faults: [] }),
    rest: ({ id }) => ({ do: 'hold', reason: 'Serving', message: id }),
    ipMode: () => mode,
  });
}

const held = (reason: string, message: string | RegExp = /./) => ({
  do: 'hold',
  reason,
  message: expect.stringMatching(message),
});

test.each<[string, Change, object]>([
  ['at rest', {}, held('Serving', /^alb-1$/)],
  ['not asked for and never claimed', { asks: 'nothing', isClaimed: false }, { do: 'ignore', why: 'not-ours' }],
  [
    'claimed before anything is asked for',
    { isClaimed: false },
    { do: 'claim', record: { uses: 'made', layer: 'application' } },
  ],
  [
    'claimed for one of somebody else',
    { isClaimed: false, asks: { use: 'alb-9' } },
    { do: 'claim', record: { uses: 'existing', layer: 'application', balancer: 'alb-9' } },
  ],
  [
    'claimed for connections, which needs no word of it',
    { isClaimed: false, asks: { layer: 'network' } },
    { do: 'claim', record: { uses: 'made' } },
  ],
  ['kept when it cannot be understood', { asks: 'nonsense' }, held('BadAnnotation', /^write public; no SCTP; kept$/)],
  ['made', { cloud: { balancer: undefined } }, { do: 'create', wish: asked }],
  ['not made twice', { cloud: { balancer: undefined, inDoubt: true } }, held('InDoubt')],
  [
    'recorded',
    { record: { uses: 'made', layer: 'application', group: 'g-1' } },
    { do: 'record', record: { uses: 'made', layer: 'application', group: 'g-1', balancer: 'alb-1' } },
  ],
  [
    'rid of another one',
    { cloud: { surplus: [{ ...alb, id: 'alb-2' }] } },
    { do: 'remove', balancer: 'alb-2', why: 'surplus' },
  ],
  ['left alone without its mark', { cloud: { markLost: 'alb-1' } }, held('MarkLost', /isthmus-shop again$/)],
  ['given what serves', { serves: { do: 'reroute' } }, { do: 'reroute' }],
  ['given what is new', { serves: { do: 'route' } }, { do: 'route' }],
  ['given no rule that may be there already', { serves: { do: 'route' }, cloud: { inDoubt: true } }, held('InDoubt')],
  ['given no listener that may be there', { serves: { do: 'listen' }, cloud: { inDoubt: true } }, held('InDoubt')],
  ['given no back end that may be there', { serves: { do: 'add' }, cloud: { inDoubt: true } }, held('InDoubt')],
  ['given no certificate that may be there', { serves: { do: 'certify' }, cloud: { inDoubt: true } }, held('InDoubt')],
  [
    'given what changes nothing that may be there',
    { serves: { do: 'unroute' }, cloud: { inDoubt: true } },
    { do: 'unroute' },
  ],
  ['given an address', { cloud: { addresses: [] } }, { do: 'allocate', wish: asked }],
  ['not given a second address', { cloud: { addresses: [], inDoubt: true } }, held('InDoubt')],
  [
    'recorded with its address',
    { record: { uses: 'made', layer: 'application', balancer: 'alb-1' } },
    { do: 'record', record: { uses: 'made', layer: 'application', balancer: 'alb-1', address: 'eip-1' } },
  ],
  [
    'bound',
    { cloud: { addresses: [{ ...eip, boundTo: undefined }] } },
    { do: 'bind', address: 'eip-1', balancer: 'alb-1' },
  ],
  [
    'told whose its address is',
    { cloud: { addresses: [{ ...eip, boundTo: 'uhost-9' }] } },
    held('AddressTaken', /was bound to uhost-9 by hand/),
  ],
  [
    'resized',
    { asks: { address: { ...asked.address, bandwidth: 9 } } },
    { do: 'resize', address: 'eip-1', bandwidth: 9 },
  ],
  [
    'not resized when a shared bandwidth pays',
    { asks: { address: { ...asked.address, bandwidth: 9, pays: { shared: 'b-1' } } } },
    held('Serving'),
  ],
  ['published', { published: [] }, { do: 'publish', ingress: [{ ip: '106.75.0.9' }] }],
  [
    'published with the way in which clients reach it',
    { mode: 'Proxy' },
    { do: 'publish', ingress: [{ ip: '106.75.0.9', ipMode: 'Proxy' }] },
  ],
  [
    'at rest when it is published with that way',
    { mode: 'Proxy', published: [{ ip: '106.75.0.9', ipMode: 'Proxy' }] },
    held('Serving', /^alb-1$/),
  ],
  ['published inside alone', { asks: { isPublic: false } }, { do: 'publish', ingress: [{ ip: '10.9.0.9' }] }],
  [
    'rid of its public address after that',
    { asks: { isPublic: false }, published: [{ ip: '10.9.0.9' }] },
    { do: 'release', address: 'eip-1', why: 'not-wanted' },
  ],
  [
    'rid of a second address',
    { cloud: { addresses: [eip, { ...eip, id: 'eip-2' }] } },
    { do: 'release', address: 'eip-2', why: 'surplus' },
  ],
  [
    'without an address yet',
    { asks: { isPublic: false }, cloud: { balancer: { ...alb, address: undefined } } },
    { ...held('Making', /has no address yet/), checks: true },
  ],
  ['given up: the address first', { asks: 'nothing' }, { do: 'release', address: 'eip-1', why: 'not-wanted' }],
  [
    'given up: then itself',
    { asks: 'nothing', cloud: { addresses: [] } },
    { do: 'remove', balancer: 'alb-1', why: 'not-wanted' },
  ],
  [
    'given up: another one before it',
    { asks: 'nothing', cloud: { addresses: [], surplus: [{ ...alb, id: 'alb-2' }] } },
    { do: 'remove', balancer: 'alb-2', why: 'not-wanted' },
  ],
  [
    'not given up without its mark',
    { asks: 'nothing', cloud: { markLost: 'alb-1' } },
    held('MarkLost', /^load balancer alb-1 /),
  ],
  [
    'given up: then its certificates',
    { asks: 'nothing', cloud: { addresses: [], balancer: undefined, certificates: [certificate], inDoubt: true } },
    { do: 'discard', certificate: 'ssl-1' },
  ],
  [
    'given up: not before lists can be believed',
    { asks: 'nothing', cloud: { addresses: [], balancer: undefined, inDoubt: true } },
    held('InDoubt'),
  ],
  ['given up: nothing is left', { asks: 'nothing', cloud: { addresses: [], balancer: undefined } }, { do: 'unclaim' }],
  [
    'rid of what it had for the other layer',
    { record: { uses: 'made', balancer: 'nlb-1' } },
    { do: 'release', address: 'eip-1', why: 'not-wanted' },
  ],
  [
    'given up for one of the other layer',
    { record: { uses: 'made', balancer: 'nlb-1' }, asks: { layer: 'network' } },
    { do: 'release', address: 'eip-1', why: 'not-wanted' },
  ],
  [
    'recorded for this layer when the other has nothing any more',
    { record: { uses: 'made' }, cloud: { addresses: [], balancer: undefined } },
    { do: 'record', record: { uses: 'made', layer: 'application' } },
  ],
])('a balancer is %s', (_title, change, expected) => {
  expect(planned(change)).toStrictEqual(expected);
});

const foreign: OwnedListener = { id: 'listener-9', mark: undefined, owner: undefined };
const theirs = { ...alb, id: 'alb-9', mark: undefined, owner: undefined };
const uses = { record: { uses: 'existing', layer: 'application', balancer: 'alb-9' }, asks: { use: 'alb-9' } } as const;

test.each<[string, Change, object]>([
  [
    'is used with the addresses that it has',
    { ...uses, published: [], cloud: { balancer: theirs, bound: [ip('1.2.3.4')] } },
    { do: 'publish', ingress: [{ ip: '1.2.3.4' }] },
  ],
  [
    'is used inside when it has none',
    { ...uses, published: [], cloud: { balancer: theirs } },
    { do: 'publish', ingress: [{ ip: '10.9.0.9' }] },
  ],
  [
    'is used inside when nobody outside is to reach it',
    {
      ...uses,
      asks: { use: 'alb-9', isPublic: false },
      published: [],
      cloud: { balancer: theirs, bound: [ip('1.2.3.4')] },
    },
    { do: 'publish', ingress: [{ ip: '10.9.0.9' }] },
  ],
  [
    'keeps all that has its address',
    { ...uses, asks: { use: 'alb-9', isPublic: false }, published: [{ ip: '10.9.0.9' }], cloud: { balancer: theirs } },
    held('Serving', /^alb-9$/),
  ],
  [
    'is not there',
    { ...uses, cloud: { balancer: undefined } },
    held('BalancerUnknown', /there is no load balancer alb-9/),
  ],
  [
    'is in another VPC',
    { ...uses, cloud: { balancer: { ...theirs, vpc: 'vpc-2' } } },
    held('BalancerUnknown', /is in the VPC vpc-2/),
  ],
  [
    'was made for somebody',
    { ...uses, cloud: { balancer: { ...theirs, mark: 'shop' } } },
    held('BalancerUnknown', /was made for a Service or an Ingress/),
  ],
  [
    'loses our ports when it is left',
    {
      ...uses,
      asks: 'nothing',
      cloud: { balancer: { ...theirs, listeners: [foreign, listener] }, certificates: [certificate] },
    },
    { do: 'unlisten', balancer: 'alb-9', listener: 'listener-1' },
  ],
  [
    'loses our ports for one of our own',
    { ...uses, asks: { use: undefined }, cloud: { balancer: theirs } },
    { do: 'unlisten', balancer: 'alb-9', listener: 'listener-1' },
  ],
  [
    'loses our ports for another one',
    {
      ...uses,
      asks: { use: 'alb-8' },
      named: { state: 'known', found: { ...theirs, id: 'alb-8' } },
      cloud: { balancer: theirs },
    },
    { do: 'unlisten', balancer: 'alb-9', listener: 'listener-1' },
  ],
  [
    'has none of our ports, and our certificate goes',
    { ...uses, asks: 'nothing', cloud: { balancer: { ...theirs, listeners: [foreign] }, certificates: [certificate] } },
    { do: 'discard', certificate: 'ssl-1' },
  ],
  ['is gone when it is left', { ...uses, asks: 'nothing', cloud: { balancer: undefined } }, { do: 'unclaim' }],
  [
    'has nothing of ours any more',
    { ...uses, asks: 'nothing', cloud: { balancer: { ...theirs, listeners: [] } } },
    { do: 'unclaim' },
  ],
  ['is named, and has not been looked at', { asks: { use: 'alb-9' } }, held('CloudUnreadable', /: not asked yet$/)],
  [
    'is named, and cannot be looked at',
    { asks: { use: 'alb-9' }, named: { state: 'unreadable', why: 'no answer' } },
    held('CloudUnreadable', /: no answer$/),
  ],
  [
    'is named, and cannot be used: the own one stays',
    { asks: { use: 'alb-9' }, named: { state: 'known', found: undefined } },
    held('BalancerUnknown', /; kept$/),
  ],
  [
    'is named, and can be used: the own one goes',
    { asks: { use: 'alb-9' }, named: { state: 'known', found: theirs } },
    { do: 'release', address: 'eip-1', why: 'not-wanted' },
  ],
])('a balancer of somebody else %s', (_title, change, expected) => {
  expect(planned(change)).toStrictEqual(expected);
});

test('a cloud that cannot be read is no reason to give anything up', () => {
  const unreadable = { state: 'unreadable', why: 'no answer' } as never;
  for (const asks of [undefined, 'nothing'] as const)
    expect(planned({ cloud: unreadable, ...(asks && { asks }) })).toEqual(
      held('CloudUnreadable', /^cannot read the load balancers of the cloud: no answer$/),
    );
});

test('what the cloud cannot change is told, and never of a balancer of somebody else', () => {
  const other = { ...alb, subnet: 'subnet-2', charge: 'month' as const };
  const made = { record: { uses: 'made' } } as const;
  expect(planFixed(made, other, asked, 'Ingress')).toEqual([
    {
      reason: 'CannotChange',
      message:
        'load balancer alb-1 serves, but cannot be changed to what its annotations say (its subnet is subnet-2, not subnet-1, it is paid by the month, not by the hour): change them back, or delete and create the Ingress',
    },
  ]);
  expect(planFixed(made, alb, asked, 'Ingress')).toEqual([]);
  expect(planFixed(made, { ...alb, charge: undefined }, asked, 'Ingress')).toEqual([]);
  expect(planFixed({ record: { uses: 'existing', balancer: 'alb-1' } }, other, asked, 'Ingress')).toEqual([]);
});

test('a balancer that was made public or private stays so: its address is published, and what cannot be changed is told', () => {
  const isPublic = { ...alb, isPublic: true, subnet: '', address: undefined };
  const made = { record: { uses: 'made' } } as const;
  const message = expect.stringContaining('(it is public, not private): change them back') as string;
  expect(planFixed(made, isPublic, { ...asked, isPublic: false }, 'Service')).toEqual([
    { reason: 'CannotChange', message },
  ]);
  expect(planFixed(made, isPublic, asked, 'Service')).toEqual([]);
  expect(planFixed(made, { ...isPublic, isPublic: false }, asked, 'Service')).toEqual([
    {
      reason: 'CannotChange',
      message: expect.stringContaining('(it is private, not public): change them back') as string,
    },
  ]);
  // The address stays bound and published.
  expect(planned({ cloud: { balancer: isPublic }, asks: { isPublic: false } })).toEqual(planned({}));
  const isPrivate = { ...alb, isPublic: false };
  const inside = { cloud: { balancer: isPrivate, addresses: [] }, published: [] };
  expect(planned(inside)).toEqual({ do: 'publish', ingress: [{ ip: '10.9.0.9' }] });
});

test('only what carries both mark and owner is ours', () => {
  const whose = { mark: 'shop', owner: 'u-1' };
  const all = [whose, { ...whose, owner: 'u-2' }, { ...whose, mark: 'web' }, { mark: undefined, owner: undefined }];
  expect(all.map((one) => isOurs(whose, one))).toEqual([true, false, false, false]);
});

test('what the cloud has refused of late keeps nothing else from being done, and is tried again when nothing else is left', () => {
  const [first, second] = [
    { do: 'listen', port: 80 },
    { do: 'listen', port: 443 },
  ];
  const steps = [first, second];
  expect(chooseStep(steps, {})).toBe(first);
  expect(chooseStep(steps, { refused: new Set() })).toBe(first);
  expect(chooseStep(steps, { refused: new Set([textOfStep(first)]) })).toBe(second);
  expect(chooseStep(steps, { refused: new Set([textOfStep(second)]) })).toBe(first);
  expect(chooseStep(steps, { refused: new Set(steps.map(textOfStep)) })).toBe(first);
  expect(chooseStep([], {})).toBeUndefined();
});

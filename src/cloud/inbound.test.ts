import { expect, test } from 'vitest';
import { cidr, ip } from '#unit/ip.ts';
import { type Inbound, type InboundRule, type Knock, refuserOf } from './inbound.ts';

const accept: InboundRule = {
  group: 'g-1',
  admits: true,
  protocol: 'TCP',
  from: [cidr('10.9.0.0/24'), cidr('10.9.2.0/24')],
  ports: [
    { first: 80, last: 80 },
    { first: 30_000, last: 32_767 },
  ],
};
const drop: InboundRule = { ...accept, group: 'g-2', admits: false };
const knock: Knock = { protocol: 'TCP', port: 30_080, from: ip('10.9.0.3') };

const cases: readonly [string, readonly InboundRule[], Partial<Knock>, readonly string[] | undefined][] = [
  ['a rule that fits lets it in', [accept], {}, undefined],
  ['the second range and the first port fit too', [accept], { from: ip('10.9.2.9'), port: 80 }, undefined],
  ['the first port of a range fits', [accept], { port: 30_000 }, undefined],
  ['the last port of a range fits', [accept], { port: 32_767 }, undefined],
  ['a port before the range has no rule', [accept], { port: 29_999 }, ['g-1', 'g-2']],
  ['a port after the range has no rule', [accept], { port: 32_768 }, ['g-1', 'g-2']],
  ['another source has no rule', [accept], { from: ip('10.9.1.3') }, ['g-1', 'g-2']],
  ['another protocol has no rule', [accept], { protocol: 'UDP' }, ['g-1', 'g-2']],
  ['a rule for all protocols and ports fits', [{ ...accept, protocol: 'ALL', ports: undefined }], {}, undefined],
  ['a rule without sources fits nobody', [{ ...accept, from: [] }], {}, ['g-1', 'g-2']],
  ['a rule that drops is named', [drop], {}, ['g-2']],
  ['the first of two decides', [drop, accept], {}, ['g-2']],
  ['the first of two decides the other way round', [accept, drop], {}, undefined],
  ['without rules all groups have none', [], {}, ['g-1', 'g-2']],
];
test.each(cases)('%s', (_title, rules, change, refuser) => {
  const inbound: Inbound = { guarded: true, groups: ['g-1', 'g-2'], rules };
  expect(refuserOf(inbound, { ...knock, ...change })).toEqual(refuser);
});

test('a machine that nothing guards lets everything in', () => {
  expect(refuserOf({ guarded: false }, knock)).toBeUndefined();
});

test('of several interfaces all must refuse, because it is not known to which one a packet comes', () => {
  const closed = (group: string): Inbound => ({ guarded: true, groups: [group], rules: [] });
  const of = (...interfaces: readonly Inbound[]): Inbound => ({ guarded: 'by-interface', interfaces });
  expect(refuserOf(of(closed('g-1'), closed('g-2'), closed('g-1')), knock)).toEqual(['g-1', 'g-2']);
  expect(refuserOf(of(closed('g-1'), { guarded: true, groups: ['g-2'], rules: [accept] }), knock)).toBeUndefined();
  expect(refuserOf(of(closed('g-1'), { guarded: false }), knock)).toBeUndefined();
});

import { expect, test } from 'vitest';
import type { SinceBoot } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import type { Held } from './ledger.ts';
import { type LinkSeen, planRecovery, type RecoveryStep } from './plan-recovery.ts';

const address = ip('172.16.3.1');
const held = (leaving: boolean): Held => ({
  ip: address,
  container: 'a',
  ifname: 'eth0',
  since: 1 as SinceBoot,
  leaving,
});
const link = (...addresses: readonly string[]): LinkSeen => ({ name: 'ista', addresses: addresses.map(ip) });

const rows: readonly (readonly [string, Held | undefined, LinkSeen | undefined, RecoveryStep])[] = [
  [
    'keeps a pod that lives',
    held(false),
    link('172.16.3.1'),
    { do: 'keep', link: 'ista', ip: address, why: 'pod-lives' },
  ],
  ['frees what a reboot took away', held(false), undefined, { do: 'free', link: 'ista', why: 'link-is-gone' }],
  ['frees what left while nobody looked', held(true), undefined, { do: 'free', link: 'ista', why: 'link-is-gone' }],
  [
    'finishes a DEL that was answered',
    held(true),
    link('172.16.3.1'),
    { do: 'remove', link: 'ista', why: 'was-leaving' },
  ],
  ['takes back an ADD that was cut short', held(false), link(), { do: 'remove', link: 'ista', why: 'half-done' }],
  [
    'takes back a link that carries another address than the one written down',
    held(false),
    link('172.16.3.9'),
    { do: 'remove', link: 'ista', why: 'half-done' },
  ],
  [
    'adopts a living pod that no record knows',
    undefined,
    link('172.16.3.9'),
    { do: 'adopt', link: 'ista', ip: ip('172.16.3.9'), why: 'in-kernel-only' },
  ],
  ['removes an empty link of nobody', undefined, link(), { do: 'remove', link: 'ista', why: 'unknown-and-empty' }],
];

test.each(rows)('%s', (_title, record, seen, step) => {
  const ledger = { held: new Map(record ? [['ista', record]] : []), rests: new Map() };
  expect(planRecovery(ledger, seen ? [seen] : [])).toEqual([step]);
});

test('each record is held against its own link, and strangers come last', () => {
  const other: Held = { ...held(false), ip: ip('172.16.3.2') };
  const ledger = {
    held: new Map([
      ['ista', held(false)],
      ['istb', other],
    ]),
    rests: new Map(),
  };
  const links = [
    { name: 'istc', addresses: [ip('172.16.3.3')] },
    { name: 'istb', addresses: [ip('172.16.3.2')] },
    { name: 'ista', addresses: [address] },
  ];
  expect(planRecovery(ledger, links)).toEqual([
    { do: 'keep', link: 'ista', ip: address, why: 'pod-lives' },
    { do: 'keep', link: 'istb', ip: ip('172.16.3.2'), why: 'pod-lives' },
    { do: 'adopt', link: 'istc', ip: ip('172.16.3.3'), why: 'in-kernel-only' },
  ]);
});

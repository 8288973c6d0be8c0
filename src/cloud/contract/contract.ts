import { test } from 'vitest';
import { minutes } from '#unit/clock.ts';
import type { Cloud } from '../cloud.ts';
import { addressCases } from './address.contract.ts';
import { limitsOf } from './any-balancer.contract.ts';
import { applicationBalancerCases, layer7 } from './application-balancer.contract.ts';
import { balancerCases, layer4 } from './balancer.contract.ts';
import { expectAgreement, keepBooks } from './books.ts';
import type { Cases } from './case.ts';
import { certificateCases } from './certificate.contract.ts';
import { computeCases } from './compute.contract.ts';
import { direct, directBalancerCases } from './direct-balancer.contract.ts';
import { diskCases, snapshotCases, snapshotLimits } from './disk.contract.ts';
import { fileShareCases } from './file-share.contract.ts';
import { mannersOf } from './manners.ts';
import { networkCases } from './network.contract.ts';
import { persistent } from './persistent.ts';
import { publicAddressCases } from './public-address.contract.ts';
import type { Open } from './world.ts';

const capabilities: Readonly<Record<string, Cases>> = {
  compute: computeCases,
  addresses: addressCases,
  network: networkCases,
  balancers: balancerCases,
  'direct balancers': directBalancerCases,
  'application balancers': applicationBalancerCases,
  certificates: certificateCases,
  'public addresses': publicAddressCases,
  disks: diskCases,
  snapshots: snapshotCases,
  'file shares': fileShareCases,
};

/** What is tried only where nothing is wrong. */
const limits: Readonly<Record<string, Cases>> = {
  balancers: limitsOf(layer4),
  'direct balancers': limitsOf(direct),
  'application balancers': limitsOf(layer7),
  snapshots: snapshotLimits,
};

const manners: Readonly<Record<string, Cases>> = {
  compute: mannersOf(({ compute }, _world, opts) => compute.list('shop', opts)),
  addresses: mannersOf(({ addresses }, { noHome }, opts) => addresses.list(noHome, opts)),
  network: mannersOf(({ network }, { place }, opts) => network.subnet(place.subnet, opts)),
  balancers: mannersOf(({ balancers }, _world, opts) => balancers.list('shop', opts)),
  'direct balancers': mannersOf(({ directBalancers }, _world, opts) => directBalancers.list('shop', opts)),
  'application balancers': mannersOf(({ applicationBalancers }, _world, opts) =>
    applicationBalancers.list('shop', opts),
  ),
  certificates: mannersOf(({ certificates }, _world, opts) => certificates.list('shop', opts)),
  'public addresses': mannersOf(({ publicAddresses }, _world, opts) => publicAddresses.list('shop', opts)),
  disks: mannersOf(({ disks }, _world, opts) => disks.list('shop', opts)),
  snapshots: mannersOf(({ snapshots }, _world, opts) => snapshots.list('shop', opts)),
  'file shares': mannersOf(({ fileShares }, _world, opts) => fileShares.list('shop', opts)),
};

/** What a provider owes, each case in a cloud of its own. Call it at the top level of a test file, or in a `describe`. */
export function cloudContract(cloud: string, open: Open): void {
  const quiet = [capabilities, limits, manners].flatMap((cases) => named(cloud, cases));
  testAll(quiet, open, (provider) => provider);
}

/**
 * The same cases over a cloud in trouble, asked by a caller that does what the contract asks of callers. What a provider does
 * at a closed door is not among them: nothing behind the door can go wrong there.
 * @shape isIncluded: for a part of them; number: of the case, from 0; capability: `disks`
 */
export function cloudContractInTrouble(
  cloud: string,
  open: Open,
  isIncluded: (number: number, capability: string) => boolean = () => true,
): void {
  const included = named(cloud, capabilities).filter(([, , capability], number) => isIncluded(number, capability));
  testAll(included, open, persistent);
}

type Named = readonly [title: string, run: Cases[string], capability: string];

function named(cloud: string, all: Readonly<Record<string, Cases>>): readonly Named[] {
  return Object.entries(all).flatMap(([capability, cases]) =>
    Object.entries(cases).map(([title, run]): Named => [`${cloud} ${capability}: ${title}`, run, capability]),
  );
}

function testAll(cases: readonly Named[], open: Open, caller: (provider: Cloud) => Cloud): void {
  for (const [title, run] of cases) test.concurrent(title, () => runAndAudit(run, open, caller), minutes(5));
}

async function runAndAudit(run: Cases[string], open: Open, caller: (provider: Cloud) => Cloud): Promise<void> {
  const opened = await open();
  try {
    const { cloud, told } = keepBooks(caller(opened.cloud));
    await run({ ...opened, cloud, once: opened.cloud });
    expectAgreement(told(), await opened.ledger());
  } finally {
    await opened.close();
  }
}

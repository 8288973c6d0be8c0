import { afterAll, describe, expect, test } from 'vitest';
import type { FaultKind, FaultText } from '#lab/ucloud/fault-wish.ts';
import { isListed } from '#lab/ucloud/state.ts';
import { account, startTestCloud, type TestCloud } from '#lab/ucloud/test-cloud.ts';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import type { Result } from '#unit/result.ts';
import type { AddressHome } from '../../../src/cloud/address.ts';
import type { Cloud } from '../../../src/cloud/cloud.ts';
import type { CloudMachine } from '../../../src/cloud/compute.ts';
import { CloudError, type CloudFailure } from '../../../src/cloud/failure.ts';
import { connectUcloud } from '../../../src/cloud/ucloud/ucloud.ts';

/**
 * The provider in every kind of trouble, each for a third of the calls that can meet it, together with a caller that does what
 * the contract asks of callers: repeat what was not done, look after `unknown`. Afterwards the cloud's own ledger is read.
 * Lists of machines and of addresses lie; the second source, DescribePrivateIP, does not lie at the same time.
 */
const share = 0.34;
const anywhere = ['throttle', 'timeout', 'timeout-done', 'internal', 'unavailable', 'hang-up', 'hang-up-done'] as const;
const lists = ['empty-list', 'stale-list', 'half-page'] as const;
const troubles: readonly (readonly [FaultKind, readonly FaultText[]])[] = [
  ...anywhere.map((kind) => [kind, [{ action: '*', kind, chance: share }]] as const),
  ['slow', [{ action: '*', kind: 'slow', chance: share, delay: '150ms' }]],
  ...lists.map(
    (kind) =>
      [
        kind,
        ['DescribeUHostInstance', 'DescribeSecondaryIp'].map((action) => ({ action, kind, chance: share })),
      ] as const,
  ),
  ['unread-state', [{ action: 'DescribeUHostInstance', kind: 'unread-state', chance: share }]],
  ['fewer', [{ action: 'AllocateBatchSecondaryIp', kind: 'fewer' }]],
  ['install-fail', [{ action: 'CreateUHostInstance', kind: 'install-fail', times: 1 }]],
];

const within = seconds(20);
const opened: TestCloud[] = [];
afterAll(async () => {
  for (const cloud of opened) await cloud.close();
});

async function openTroubled(seed: number): Promise<{ readonly lab: TestCloud; readonly cloud: Cloud }> {
  const lab = await startTestCloud({ seed });
  opened.push(lab);
  const { region, zone, publicKey, privateKey, project } = account;
  const at = { endpoint: lab.url, region, zone, project: project.id, publicKey, privateKey };
  return { lab, cloud: connectUcloud({ ...at, poll: ms(20) }) };
}

/** Asks until it is done, as the contract allows: what was not done, and what nobody knows of, is asked for again. */
function persistently<T>(what: string, ask: () => Promise<Result<T, CloudFailure>>): Promise<T> {
  return waitFor(
    what,
    async () => {
      const answer = await ask();
      if (answer.ok) return { value: answer.value };
      const { failure } = answer;
      if (!['throttled', 'unavailable', 'unknown', 'state'].includes(failure.kind)) throw new CloudError(what, failure);
      throw new Error(failure.kind);
    },
    { within: seconds(60), every: ms(20) },
  ).then(({ value }) => value);
}

const wished = (name: string) => ({
  name,
  mark: 'shop',
  zone: account.zone,
  image: 'uimage-base',
  vpc: 'uvnet-lab',
  subnet: 'subnet-lab',
  cpu: 1,
  memory: gibi(1),
  bootDisk: gibi(20),
  userData: '',
});
const made = (cloud: Cloud, name: string) =>
  persistently(`making ${name}`, () => cloud.compute.create(wished(name), { within }));

/** Comes to run; one whose installation failed is removed and asked for again. */
async function running(cloud: Cloud, name: string): Promise<CloudMachine> {
  const { id } = await made(cloud, name);
  const settled = await waitFor(
    `${name} to settle`,
    async () => {
      const seen = await cloud.compute.find(id, { within });
      return seen.ok && ['running', 'failed'].includes(seen.value.state) && seen.value;
    },
    { within: seconds(60), every: ms(20) },
  );
  if (settled.state === 'running') return settled;
  await persistently(`removing ${name}`, () => cloud.compute.remove(id, 'shop', { within }));
  return running(cloud, name);
}

function homeOf({ id, zone, nic }: CloudMachine): AddressHome {
  if (nic === undefined) throw new Error(`${id} runs without an interface`);
  return { zone, vpc: nic.vpc, subnet: nic.subnet, object: nic.id, mac: nic.mac };
}

/** Never asks for more before it has looked at what there is. */
function extendedTo(cloud: Cloud, home: AddressHome, count: number): Promise<readonly Ip[]> {
  return waitFor(
    `${count} addresses`,
    async () => {
      const has = await persistently('listing addresses', () => cloud.addresses.list(home, { within }));
      if (has.length >= count) return has;
      await cloud.addresses.extend(home, count - has.length, { within });
      return false;
    },
    { within: seconds(60), every: ms(20) },
  );
}

function listedAs(lab: TestCloud, name: string): readonly string[] {
  return lab.cloud
    .objects()
    .machines.filter((machine) => machine.name === name && isListed(machine))
    .map(({ id }) => id);
}

/** @shape one world a seed and kind */
export function troubleSuite(seeds: readonly number[]): void {
  describe.concurrent.each(seeds)('with seed %i', (seed) => {
    test.concurrent.each(troubles)(
      '%s: one machine a wish, no address lost, and the end is the end',
      async (_, faults) => {
        const { lab, cloud } = await openTroubled(seed);
        for (const fault of faults) lab.plant(fault);
        const [web1, web2] = await Promise.all([running(cloud, 'web-1'), running(cloud, 'web-2')]);
        for (const { id, name } of [web1, web2]) {
          for (let again = 0; again < 3; again++) expect((await made(cloud, name)).id).toBe(id);
          expect(listedAs(lab, name)).toEqual([id]);
        }
        const home = homeOf(web1);
        const given = await extendedTo(cloud, home, 5);
        const [released, ...left] = given;
        await persistently('releasing', () => cloud.addresses.release(home, released as Ip, { within }));
        const ledger = lab.cloud.objects().addresses.filter(({ at }) => at !== 'leaving');
        expect(ledger.map(({ ip }) => ip).sort()).toEqual([...left].sort());
        expect(ledger.every(({ machine }) => machine === web1.id)).toBe(true);

        await persistently('removing', () => cloud.compute.remove(web2.id, 'shop', { within }));
        expect(listedAs(lab, 'web-2')).toEqual([]);
        expect(listedAs(lab, 'web-1')).toEqual([web1.id]);
        expect(lab.cloud.faults().some(({ met }) => met > 0)).toBe(true);
      },
      120_000,
    );
  });
}

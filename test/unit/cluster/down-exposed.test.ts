import { expect, test } from 'vitest';
import { openFastCloud } from '#lab/ucloud/test-balancer.ts';
import { makeCertificate } from '#lab/ucloud/test-certificate.ts';
import { account } from '#lab/ucloud/test-cloud.ts';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import type { Cloud } from '../../../src/cloud/cloud.ts';
import { valueOf } from '../../../src/cloud/contract/case.ts';
import { connectUcloud } from '../../../src/cloud/ucloud/ucloud.ts';
import { exposedOf, removeExposed } from '../../../src/cluster/down/exposed.ts';
import type { Session } from '../../../src/cluster/session.ts';

const within = seconds(30);

test('all that Services and Ingresses of a cluster have in the cloud goes with it, and nothing of another cluster', async () => {
  const lab = await openFastCloud();
  const { region, zone, publicKey, privateKey, project } = account;
  const at = { endpoint: lab.url, region, zone, project: project.id, publicKey, privateKey };
  const cloud = connectUcloud({ ...at, poll: ms(20) });
  await expose(cloud, 'shop');
  await expose(cloud, 'other');
  const steps: string[] = [];
  const report = {
    say: (line: string) => void steps.push(line),
    step(title: string, _why: string, work: () => Promise<unknown>) {
      steps.push(title.replace(/ \S+$/, ''));
      return work();
    },
  };
  const session = {
    cloud,
    config: { name: 'shop' },
    report,
    signal: new AbortController().signal,
  } as unknown as Session;
  const left = await waitFor(
    'the lists to have everything',
    async () => {
      const seen = await exposedOf(session);
      if (seen.length < 5) throw new Error(`${seen.length} of 5`);
      return seen;
    },
    { within, every: ms(20) },
  );
  for (const one of left) await removeExposed(session, one);
  expect(steps).toEqual([
    'remove public address',
    'remove load balancer',
    'remove classic load balancer',
    'remove application load balancer',
    'remove certificate',
  ]);
  const { balancers, classicBalancers, applicationBalancers, certificates, eips } = lab.cloud.objects();
  const tags = [...balancers, ...classicBalancers, ...applicationBalancers, ...eips].map(({ tag }) => tag);
  expect(tags).toEqual(['isthmus-other', 'isthmus-other', 'isthmus-other', 'isthmus-other']);
  expect(certificates.map(({ name }) => name)).toEqual([expect.stringMatching(/^isthmus-other[.]/)]);
});

/** A balancer of each kind, that of layer 7 with a certificate in use and a public address. */
async function expose(cloud: Cloud, mark: string): Promise<void> {
  const owned = { mark, owner: 'uid-1' };
  const paid = { name: mark, charge: 'hour', quantity: 1 } as const;
  const place = { vpc: 'uvnet-lab', subnet: 'subnet-lab' };
  const { balancers, directBalancers, applicationBalancers, publicAddresses, certificates } = cloud;
  await valueOf('creating', balancers.create({ ...owned, ...paid, ...place }, { within }));
  await valueOf('creating', directBalancers.create({ ...owned, ...paid, ...place }, { within }));
  const { id } = await valueOf('creating', applicationBalancers.create({ ...owned, ...paid, ...place }, { within }));
  const content = await makeCertificate(`${mark}.example`);
  const certificate = await valueOf('keeping', certificates.keep({ ...owned, ...content }, { within }));
  const listening = {
    protocol: 'HTTPS',
    port: 443,
    certificates: [certificate.id],
    scheduler: 'round-robin',
    idleTimeout: minutes(1),
    sticky: { by: 'nothing' },
    check: { by: 'connection' },
  } as const;
  await valueOf('opening', applicationBalancers.listen(id, { ...listening, ...owned }, { within }));
  const pays = { bandwidth: 2, pays: 'bandwidth', operator: undefined } as const;
  const address = await valueOf('allocating', publicAddresses.allocate({ ...owned, ...paid, ...pays }, { within }));
  await valueOf('binding', publicAddresses.bind(address.id, id, { within }));
}

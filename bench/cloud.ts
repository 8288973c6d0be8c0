import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cloud } from '#cloud/cloud.ts';
import { connectUcloud } from '#cloud/ucloud/ucloud.ts';
import type { Call } from '#lab/ucloud/gateway/gateway.ts';
import { createRememberingWorld } from '#lab/ucloud/remembering-world.ts';
import { createUcloud, type Ucloud } from '#lab/ucloud/ucloud.ts';
import { gibi } from '#unit/bytes.ts';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { cidr } from '#unit/ip.ts';

export const account = {
  publicKey: 'bench',
  privateKey: 'bench',
  project: { id: 'org-bench', name: 'bench' },
  region: 'cn-bj2',
  zone: 'cn-bj2-04',
} as const;
export const place = { VPCId: 'uvnet-bench', SubnetId: 'subnet-bench' } as const;
export const mark = 'bench';

export interface Sim {
  readonly url: string;
  readonly cloud: Ucloud;
  /** Every call since the beginning. */
  readonly calls: readonly Call[];
  close(): Promise<void>;
}

/** The simulated cloud, whose world only remembers. @unit speed: 1 is as slow as the real one; seed: of latencies and ids */
export async function startCloud({ speed, seed }: { readonly speed: number; readonly seed: number }): Promise<Sim> {
  const calls: Call[] = [];
  const cloud = createUcloud({
    world: createRememberingWorld(),
    account,
    vpc: {
      id: place.VPCId,
      name: 'bench',
      network: cidr('10.9.0.0/16'),
      subnets: [{ id: place.SubnetId, name: 'bench', cidr: cidr('10.9.0.0/20') }],
    },
    images: [{ id: 'uimage-base', name: 'Debian 13', sizeGib: 20 }],
    speed,
    seed,
    log: (entry) => void (entry.kind === 'call' && calls.push(entry)),
  });
  const server: Server = createServer(cloud.api);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cloud,
    calls,
    async close() {
      await cloud.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function connectTo({ url }: Pick<Sim, 'url'>, poll = seconds(2)): Cloud {
  return connectUcloud({ ...account, endpoint: url, project: account.project.id, poll });
}

/** Machines that run, `cloud-0` and so on. @shape their ids */
export async function makeMachines(sim: Sim, count: number): Promise<readonly string[]> {
  const { compute } = connectTo(sim, ms(20));
  const ids = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const wish = { name: `cloud-${n}`, mark, zone: account.zone, image: 'uimage-base', cpu: 2, userData: '' };
      const made = await compute.create(
        {
          ...wish,
          vpc: place.VPCId,
          subnet: place.SubnetId,
          memory: gibi(4),
          bootDisk: gibi(20),
          charge: 'hour',
          elastic: false,
        },
        { within: minutes(1) },
      );
      if (!made.ok) throw new Error(made.failure.raw.message);
      return made.value.id;
    }),
  );
  await waitFor(
    `${count} machines to run`,
    () => Promise.resolve(sim.cloud.objects().machines.every(({ life }) => life.state === 'Running')),
    { within: minutes(3), every: ms(100) },
  );
  return ids;
}

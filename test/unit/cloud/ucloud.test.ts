import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createUcloud } from '#lab/ucloud/server.ts';
import type { World } from '#lab/ucloud/world.ts';
import { ms } from '#unit/clock.ts';
import { cidr } from '#unit/ip.ts';
import type { Cloud } from '../../../src/cloud/cloud.ts';
import { addressContract } from '../../../src/cloud/contract/address.contract.ts';
import { computeContract } from '../../../src/cloud/contract/compute.contract.ts';
import { networkContract } from '../../../src/cloud/contract/network.contract.ts';
import type { ContractWorld, Trouble } from '../../../src/cloud/contract/world.ts';
import { connectUcloud } from '../../../src/cloud/ucloud/ucloud.ts';

computeContract('ucloud', openUcloud);
addressContract('ucloud', openUcloud);
networkContract('ucloud', openUcloud);

const account = {
  publicKey: 'contract-public-key',
  privateKey: 'contract-private-key',
  project: { id: 'org-contract', name: 'contract' },
  region: 'cn-bj2',
  zone: 'cn-bj2-05',
};

/** The simulated cloud behind a door of its own on loopback, some hundred times faster than the real one. */
async function openUcloud(): Promise<ContractWorld> {
  const ucloud = createUcloud({
    world: rememberingWorld(),
    account,
    vpc: {
      id: 'uvnet-contract',
      name: 'contract',
      network: cidr('10.9.0.0/16'),
      subnets: [
        { id: 'subnet-wide', name: 'wide', cidr: cidr('10.9.0.0/24') },
        { id: 'subnet-tight', name: 'tight', cidr: cidr('10.9.1.0/28') },
      ],
    },
    images: [{ id: 'uimage-base', name: 'base', sizeGib: 20 }],
    speed: 0.003,
    seed: 7,
    log: () => {},
  });
  let trouble: Trouble | undefined;
  const server = createServer((request, response) => doors[trouble ?? 'open'](ucloud.api)(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    cloud: connect(endpoint, account.privateKey),
    stranger: connect(endpoint, 'a-wrong-key'),
    place: { zone: account.zone, vpc: 'uvnet-contract', subnet: 'subnet-wide', image: 'uimage-base' },
    tightSubnet: 'subnet-tight',
    trouble: (kind) => {
      trouble = kind;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await ucloud.close();
    },
  };
}

function connect(endpoint: string, privateKey: string): Cloud {
  const { publicKey, region, zone } = account;
  return connectUcloud({ endpoint, region, zone, project: account.project.id, publicKey, privateKey, poll: ms(50) });
}

const doors: Readonly<Record<Trouble | 'open', (api: RequestListener) => RequestListener>> = {
  open: (api) => api,
  throttled: () => (request, response) => {
    request.resume();
    response.end(JSON.stringify({ RetCode: 153, Message: 'too many calls' }));
  },
  hanging: () => (request) => request.resume(),
  answersLost: (api) => (request, response) => api(request, cuttingAnswersOfChanges(response)),
};

function cuttingAnswersOfChanges<T extends ServerResponse>(response: T): T {
  const end = response.end.bind(response) as (body: unknown) => T;
  return Object.assign(response, {
    end: (body: unknown) => (String(body).includes('"Action":"Describe') ? end(body) : response.destroy()),
  });
}

/** Remembers which machines are on; has no packets. */
function rememberingWorld(): World {
  const on = new Set<string>();
  const switchOn = async (id: string): Promise<void> => void on.add(id);
  const switchOff = async (id: string): Promise<void> => void on.delete(id);
  return {
    boot: ({ id }) => switchOn(id),
    start: switchOn,
    stop: switchOff,
    off: switchOff,
    destroy: switchOff,
    giveAddress: async () => {},
    takeAddress: async () => {},
    shapeNetwork: async () => {},
    isOn: async (id) => on.has(id),
  };
}

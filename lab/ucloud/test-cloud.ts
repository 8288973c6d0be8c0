import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { cidr } from '#unit/ip.ts';
import { type FaultText, parseFault } from './gateway/fault-wish.ts';
import type { PlantedFault } from './gateway/faults.ts';
import { type Received, signatureOf } from './gateway/signature.ts';
import { createRememberingWorld, type RememberingWorld } from './remembering-world.ts';
import { createTestClock, type TestClock } from './test-clock.ts';
import { createUcloud, type LogEntry, type Ucloud, type UcloudOptions } from './ucloud.ts';

export const account = {
  publicKey: 'somebody@example.com1',
  privateKey: '46f09bb9fab4f12dfc160dae12273d5332b5debe',
  project: { id: 'org-lab', name: 'lab' },
  region: 'cn-bj2',
  zone: 'cn-bj2-04',
} as const;

export type Answer = Readonly<Record<string, unknown>> & { readonly RetCode: number | string };

/** A simulated cloud behind a real HTTP server on loopback, and a world that only remembers. */
export interface TestCloud {
  readonly url: string;
  readonly cloud: Ucloud;
  readonly world: RememberingWorld;
  readonly log: readonly LogEntry[];
  readonly clock: TestClock;
  /** One signed form POST in the account's region, zone and project. */
  readonly call: (action: string, params?: Readonly<Record<string, string | number>>) => Promise<Answer>;
  /** Plants trouble, as a person writes it. */
  readonly plant: (fault: FaultText) => PlantedFault;
  /** Any request, unsigned and as it is. */
  readonly send: (init: RequestInit & { readonly query?: string }) => Promise<Response>;
  readonly close: () => Promise<void>;
}

/** The VPC has a /24 and a /29: the small one has five usable addresses. */
export async function startTestCloud(
  options: Partial<UcloudOptions> = {},
  world: RememberingWorld = createRememberingWorld(),
): Promise<TestCloud> {
  const log: LogEntry[] = [];
  const clock = createTestClock();
  const cloud = createUcloud({
    world,
    clock,
    account,
    vpc: {
      id: 'uvnet-lab',
      name: 'lab',
      network: cidr('10.9.0.0/16'),
      subnets: [
        { id: 'subnet-lab', name: 'lab', cidr: cidr('10.9.0.0/24') },
        { id: 'subnet-small', name: 'small', cidr: cidr('10.9.1.0/29') },
      ],
    },
    images: [{ id: 'uimage-base', name: 'Debian 13', sizeGib: 20 }],
    speed: 0.001,
    seed: 7,
    log: (entry) => void log.push(entry),
    ...options,
  });
  const server = await listen(cloud.api);
  const url = urlOf(server);
  const send: TestCloud['send'] = ({ query = '', ...init }) => fetch(`${url}${query}`, init);
  return {
    url,
    cloud,
    world,
    log,
    clock,
    send,
    plant: (fault) => cloud.plant(parseFault(fault)),
    async call(Action, params = {}) {
      const common = { Action, Region: account.region, Zone: account.zone, ProjectId: account.project.id };
      const response = await send(signedForm({ ...common, ...params }));
      return (await response.json()) as Answer;
    },
    async close() {
      // Of a test that failed before it let go: its cloud would wait for the world for ever.
      world.release();
      await cloud.close();
      await closeServer(server);
    },
  };
}

/** A cloud that is closed when the test at hand ends. */
export async function openTestCloud(...args: Parameters<typeof startTestCloud>): Promise<TestCloud> {
  const cloud = await startTestCloud(...args);
  onTestFinished(cloud.close);
  return cloud;
}

export function until(what: string, look: () => boolean): Promise<boolean> {
  return waitFor(what, async () => look(), { within: seconds(20), every: ms(2) });
}

/** What the actions on secondary addresses want to know of an interface in the subnet `subnet-lab`. */
export function homeOf(machine: { id: string; mac: string; nic: string }) {
  return { ObjectId: machine.nic || machine.id, Mac: machine.mac, SubnetId: 'subnet-lab', VPCId: 'uvnet-lab' };
}

/** A form POST with public key and signature. */
export function signedForm(params: Readonly<Record<string, string | number>>): RequestInit {
  const plain = Object.entries({ PublicKey: account.publicKey, ...params }).map(([name, value]) => [name, `${value}`]);
  const all = Object.fromEntries(plain) as Record<string, Received> & Record<string, string>;
  return { method: 'POST', body: new URLSearchParams({ ...all, Signature: signatureOf(all, account.privateKey) }) };
}

export async function listen(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

export function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((e) => (e === undefined ? resolve() : reject(e)));
    server.closeAllConnections();
  });
}

/** What a create must name; a test adds what it is about. */
export const wish = {
  ImageId: 'uimage-base',
  Name: 'web-1',
  Tag: 'isthmus-shop',
  CPU: 2,
  Memory: 4096,
  ChargeType: 'Dynamic',
  LoginMode: 'ImagePasswd',
  'Disks.0.IsBoot': 'True',
  'Disks.0.Type': 'CLOUD_SSD',
  'Disks.0.Size': 20,
  VPCId: 'uvnet-lab',
  SubnetId: 'subnet-lab',
};

/** Waits until the API reports this state. */
export async function waitForState(test: TestCloud, id: string, state: string): Promise<Answer> {
  return waitFor(
    `${id} to be ${state}`,
    async () => {
      const answer = await test.call('DescribeUHostInstance', { 'UHostIds.0': id });
      const [machine] = answer.UHostSet as readonly { State: string }[];
      if (machine?.State !== state) throw new Error(`it is ${machine?.State}`);
      return machine as unknown as Answer;
    },
    { within: seconds(20), every: ms(5) },
  );
}

/** A machine that runs. */
export async function makeMachine(test: TestCloud, params: Readonly<Record<string, string | number>> = {}) {
  const created = await test.call('CreateUHostInstance', { ...wish, ...params });
  if (created.RetCode !== 0) throw new Error(`creating a machine: ${JSON.stringify(created)}`);
  const [id] = created.UHostIds as readonly [string];
  const machine = await waitForState(test, id, 'Running');
  const [nic] = machine.IPSet as readonly [{ IP: string; Mac: string; NetworkInterfaceId: string }];
  return { id, ip: nic.IP, mac: nic.Mac, nic: nic.NetworkInterfaceId };
}

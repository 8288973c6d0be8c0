import type { RequestListener, ServerResponse } from 'node:http';
import type { FaultText } from '#lab/ucloud/gateway/fault-wish.ts';
import { parseFault } from '#lab/ucloud/gateway/fault-wish.ts';
import { createRememberingWorld } from '#lab/ucloud/remembering-world.ts';
import { makeCertificate } from '#lab/ucloud/test-certificate.ts';
import { account, closeServer, listen, signedForm, urlOf } from '#lab/ucloud/test-cloud.ts';
import { createUcloud, type Ucloud } from '#lab/ucloud/ucloud.ts';
import { isListed } from '#lab/ucloud/uhost/state.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { cidr } from '#unit/ip.ts';
import type { Cloud } from '../../../src/cloud/cloud.ts';
import type { ContractWorld, Ledger, Trouble } from '../../../src/cloud/contract/world.ts';
import { makeHome } from '../../../src/cloud/ucloud/home.ts';
import { connectUcloud } from '../../../src/cloud/ucloud/ucloud.ts';

/**
 * The simulated cloud behind a door of its own on loopback, a thousand times faster than the real one.
 * @shape met: told at the end how many calls met one of the faults
 */
export async function openUcloud(
  faults: readonly FaultText[] = [],
  { seed, met }: { seed: number; met: (calls: number) => void } = { seed: 7, met: () => {} },
): Promise<ContractWorld> {
  const ucloud = createUcloud({
    world: createRememberingWorld(),
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
    speed: 0.001,
    seed,
    log: () => {},
  });
  const trials = troubling(ucloud, faults);
  let trouble: Trouble | undefined;
  const server = await listen((request, response) => {
    trials.nextCall();
    doors[trouble ?? 'open'](ucloud.api)(request, response);
  });
  return {
    cloud: connect(urlOf(server), account.privateKey),
    stranger: connect(urlOf(server), 'a-wrong-key'),
    place: { zone: account.zone, vpc: 'uvnet-contract', subnet: 'subnet-wide', image: 'uimage-base' },
    tightSubnet: 'subnet-tight',
    attach: (machine) => attach(ucloud, urlOf(server), machine),
    nextMachineApart: () => {
      ucloud.plant(parseFault({ action: 'CreateUHostInstance', kind: 'other-rdma-cluster', times: 1 }));
    },
    noHome: makeHome({
      zone: account.zone,
      vpc: 'uvnet-contract',
      subnet: 'subnet-wide',
      object: 'uhost-none',
      mac: '52:54:00:00:00:01',
    }),
    certificate: (host) => makeCertificate(host),
    trouble: (kind) => {
      trouble = kind;
    },
    ledger: async () => ledgerOf(ucloud),
    async close() {
      met(trials.met());
      await closeServer(server);
      await ucloud.close();
    },
  };
}

/** After so many calls a stale list is taken anew: it lags behind, and does not stand still as it was before anything was made. */
const lag = 12;

/** Plants the faults. @shape met: how many calls met one so far */
function troubling(ucloud: Ucloud, faults: readonly FaultText[]): { nextCall(): void; met(): number } {
  const plant = (): void => {
    for (const fault of faults) ucloud.plant(parseFault(fault));
  };
  const metOfPlanted = (): number => ucloud.faults().reduce((sum, { met }) => sum + met, 0);
  const isStale = faults.some(({ kind }) => kind === 'stale-list');
  let calls = 0;
  let metBefore = 0;
  plant();
  return {
    nextCall() {
      calls++;
      if (!isStale || calls % lag !== 0) return;
      metBefore += metOfPlanted();
      ucloud.clear();
      plant();
    },
    met: () => metBefore + metOfPlanted(),
  };
}

function connect(endpoint: string, privateKey: string): Cloud {
  const { publicKey, region, zone, project } = account;
  const pace = { poll: ms(20), pause: ms(10) };
  return connectUcloud({ endpoint, region, zone, project: project.id, publicKey, privateKey, ...pace });
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

/** Calls meet faults; what came of them stands in the books. */
async function attach(ucloud: Ucloud, url: string, machine: string): Promise<void> {
  const call = async (Action: string, params: Readonly<Record<string, string>>): Promise<void> => {
    const common = { Action, Region: account.region, Zone: account.zone, ProjectId: account.project.id };
    await fetch(url, signedForm({ ...common, ...params })).catch(() => undefined);
  };
  await waitFor(
    `a further interface in ${machine}`,
    async () => {
      const [one] = ucloud.objects().interfaces;
      if (one === undefined) await call('CreateNetworkInterface', { VPCId: 'uvnet-contract', SubnetId: 'subnet-wide' });
      else if (one.at === 'free') await call('AttachNetworkInterface', { InterfaceId: one.id, InstanceId: machine });
      return one?.at === 'attached';
    },
    { within: seconds(30), every: ms(20) },
  );
}

function ledgerOf(ucloud: Ucloud): Ledger {
  const { machines, addresses, interfaces, balancers, classicBalancers, applicationBalancers, certificates, eips } =
    ucloud.objects();
  const { udisks, snapshots, shares } = ucloud.objects();
  const listed = machines.filter(isListed);
  const homes = new Map([
    ...listed.map(({ id, nic }) => [id, nic ?? id] as const),
    ...interfaces.map(({ id }) => [id, id] as const),
  ]);
  return {
    machines: listed.map(({ id, name, tag }) => ({ id, name, mark: tag.replace(/^isthmus-/, '') })),
    addresses: addresses
      .filter(({ at }) => at !== 'leaving')
      .map(({ ip, port }) => ({ ip, home: homes.get(port) ?? `${port}, which is gone` })),
    owned: [
      ...balancers.map((one) => ({ ...ownedBy(one), kind: 'balancer' as const })),
      ...classicBalancers.map((one) => ({ ...ownedBy(one), kind: 'direct balancer' as const })),
      ...applicationBalancers.map((one) => ({ ...ownedBy(one), kind: 'application balancer' as const })),
      ...eips.map((one) => ({ ...ownedBy(one), kind: 'address' as const })),
      ...certificates.map(keptBy),
      ...udisks.map(ownDisk),
      ...snapshots.map(({ id, name }) => ({ id, ...parsedName(name), kind: 'snapshot' as const })),
      ...shares.map((one) => ({ ...ownedBy(one), kind: 'file share' as const })),
    ],
    attached: udisks.flatMap(({ id: disk, attachments }) =>
      attachments.filter(({ at }) => at !== 'detaching').map(({ machine }) => ({ disk, machine })),
    ),
    parts: [
      ...balancers.flatMap(({ id: of, listeners }) =>
        listeners.map(({ id, protocol, startPort }) => ({ id, of, key: `${protocol} ${startPort}` })),
      ),
      ...classicBalancers.flatMap(({ id: of, listeners }) =>
        listeners.map(({ id, protocol, port }) => ({ id, of, key: `${protocol} ${port}` })),
      ),
      ...applicationBalancers.flatMap(({ id: of, listeners }) =>
        listeners.map(({ id, port }) => ({ id, of, key: `${port}` })),
      ),
      ...applicationBalancers.flatMap(({ listeners }) =>
        listeners.flatMap(({ id: of, rules }) =>
          rules
            .filter(({ isDefault }) => !isDefault)
            .map(({ id, host, path }) => ({ id, of, key: JSON.stringify([host, path]) })),
        ),
      ),
      ...shares.flatMap(({ id: of, mountPoints }) =>
        mountPoints
          .filter(({ at }) => at !== 'closing')
          .map(({ subnet }) => ({ id: `${of} ${subnet}`, of, key: subnet })),
      ),
    ],
  };
}

/** What the name of a certificate tells: its mark, its owner's UID in short, and its digest. */
function keptBy({ id, name }: { readonly id: string; readonly name: string }) {
  const [mark = '', owner = '', digest] = name.replace(/^isthmus-/, '').split('.');
  const uid = Buffer.from(owner, 'base64url').toString('hex');
  const isShort = owner.length === 22;
  return {
    id,
    mark,
    owner: isShort ? uid.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : owner,
    digest,
    kind: 'certificate' as const,
  };
}

function ownedBy({ id, tag, remark }: { readonly id: string; readonly tag: string; readonly remark: string }) {
  return { id, mark: tag.replace(/^isthmus-/, ''), owner: remark.replace(/^isthmus\//, '') };
}

/** A disk's name is its owner, and behind it what it was made from. */
function ownDisk({ id, name, tag }: { readonly id: string; readonly name: string; readonly tag: string }) {
  const [owner] = name.split('_');
  return { id, mark: tag.replace(/^isthmus-/, ''), owner, kind: 'disk' as const };
}

function parsedName(name: string) {
  const [mark = '', owner] = name.replace(/^isthmus-/, '').split('_');
  return { mark, owner };
}

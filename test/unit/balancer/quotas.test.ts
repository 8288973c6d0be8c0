import { expect, test } from 'vitest';
import { endpointSlices, services } from '#kube/resources.ts';
import type { LimitChange } from '#lab/ucloud/limits.ts';
import { makeService } from '../../lab/balancer/services-world.ts';
import { exclude, lives, saidBy, signForLives } from '../../support/balancer-lives.ts';
import { TurnsWorld } from '../../support/lives-of-turns.ts';

const certificates = await signForLives();

/** What the account may not have, and what a Service or an Ingress says of that. */
interface Shortage {
  readonly life: string;
  readonly limit: LimitChange;
  readonly says: RegExp;
  /** What the cloud has meanwhile; with one node less it is `fewer`. */
  readonly has?: string;
  readonly fewer?: string;
}

const noBalancer = (kind: string, action: string, others: string): RegExp =>
  new RegExp(
    `^making the load balancer for (Service|Ingress) default/shop: ${action}: quota: .* \\[4207, .*\\]; the account may have no more load balancers of this kind \\(${kind}\\): delete one that is not needed, or have the quota raised, and it is made by itself; or name one that exists in isthmus.dev/balancer-id${others}$`,
  );
const otherKind = ', or another kind in isthmus.dev/balancer-kind';
const noAddress =
  /^asking for a public address for (Service|Ingress) default\/shop: AllocateEIP: quota: the account's quota of 0 EIPs .* \[4207, .*\]; the account may have no more public addresses \(EIP\): release one .* or have the quota raised, and it is given by itself; or set isthmus.dev\/balancer-access to private$/;

const shortages: readonly Shortage[] = [
  { life: 'an NLB', limit: { balancers: 0 }, says: noBalancer('NLB', 'CreateNetworkLoadBalancer', otherKind) },
  { life: 'a CLB4', limit: { classicBalancers: 0 }, says: noBalancer('CLB4', 'CreateULB', otherKind) },
  {
    life: 'an ALB of a Service',
    limit: { applicationBalancers: 0 },
    says: noBalancer('ALB', 'CreateLoadBalancer', otherKind),
  },
  {
    life: 'an Ingress on an ALB',
    limit: { applicationBalancers: 0 },
    says: noBalancer('ALB', 'CreateLoadBalancer', ''),
  },
  {
    life: 'an NLB',
    limit: { eips: 0 },
    says: noAddress,
    has: 'network: 80 to 2, 443 to 2',
    fewer: 'network: 80 to 1, 443 to 1',
  },
  {
    life: 'a CLB4',
    limit: { eips: 0 },
    says: noAddress,
    has: 'direct: 80 to 2, 443 to 2',
    fewer: 'direct: 80 to 1, 443 to 1',
  },
  {
    life: 'an ALB of a Service',
    limit: { eips: 0 },
    says: noAddress,
    has: 'application: 80 to 2, 443 to 2',
    fewer: 'application: 80 to 1, 443 to 1',
  },
  {
    life: 'an Ingress on an ALB',
    limit: { eips: 0 },
    says: noAddress,
    has: 'application: 80 to 2 by 1 rules, 443 to 2 by 1 rules; certificate old',
    fewer: 'application: 80 to 1 by 1 rules, 443 to 1 by 1 rules; certificate old',
  },
];

/** Within 20 s: a node goes when the checks of the others are known. */
const mostTurns = 20;

async function saying(world: TurnsWorld) {
  const { ofService, ofIngress } = await saidBy(world.kube, 'shop');
  return ofService ?? ofIngress;
}

test.each(shortages)(
  'a quota is used up ($limit): it is told with what helps, the rest goes on, and when it is raised so does $life',
  async ({ life, limit, says, has = '', fewer = '' }) => {
    const world = await TurnsWorld.open(certificates);
    const stages = lives[life]?.(world, 'shop') ?? [];
    const [made = expect.fail('there is no such life')] = stages;
    const [title, make, wanted] = made;
    world.testCloud.cloud.limit(limit);
    await make();
    for (let turn = 0; turn < 4; turn++) await world.turn('shop');
    expect(await saying(world)).toMatchObject({
      status: 'False',
      reason: 'CloudRefuses',
      message: expect.stringMatching(says),
    });
    expect(world.events.filter((event) => event.startsWith('CloudRefuses: '))).toEqual([
      expect.stringMatching(new RegExp(says.source.replace('^', '^CloudRefuses: '))),
    ]);
    expect(world.inCloud()).toBe(has);
    // Nodes come and go meanwhile, and others that need nothing of what is used up are served.
    await exclude(world, '')();
    for (let turn = 0; turn < mostTurns && world.inCloud() !== fewer; turn++) await world.turn('shop');
    expect(world.inCloud()).toBe(fewer);
    await exclude(world, null)();
    const kind = life === 'an NLB' ? 'application' : 'network';
    const annotations = { 'isthmus.dev/balancer-kind': kind, 'isthmus.dev/balancer-access': 'private' };
    await makeService(world, 'other', {
      annotations,
      spec: { ports: [{ port: 80, protocol: 'TCP', nodePort: 30_081 }] },
    });
    for (let turn = 0; turn < mostTurns && (await saidBy(world.kube, 'other')).ofService?.reason !== 'Serving'; turn++)
      await world.turn('other');
    expect((await saidBy(world.kube, 'other')).ofService).toMatchObject({ reason: 'Serving' });
    await makeNoMore(world);
    world.testCloud.cloud.limit(Object.fromEntries(Object.keys(limit).map((one) => [one, null])));
    await world.live('shop', [title, async () => undefined, wanted]);
    await world.live('shop', stages.at(life === 'an Ingress on an ALB' ? -2 : -1) ?? expect.fail('it has no end'));
    await world.close();
  },
);

/** The other Service goes again. */
async function makeNoMore(world: TurnsWorld): Promise<void> {
  const at = { name: 'other', namespace: 'default' };
  await world.kube.delete(services, at);
  await world.kube.delete(endpointSlices, { ...at, name: 'other-1' });
  await world.turn('other');
}

test.each(['an NLB', 'a CLB4', 'an ALB of a Service', 'an Ingress on an ALB'])(
  'the region has no public address left: it is told with what helps, and %s gets one as soon as there is one',
  async (life) => {
    const world = await TurnsWorld.open(certificates);
    const [[title, make, wanted] = expect.fail('there is no such life')] = lives[life]?.(world, 'shop') ?? [];
    const fault = world.testCloud.plant({ action: 'AllocateEIP', kind: 'refuse', code: 4054 });
    await make();
    for (let turn = 0; turn < 4; turn++) await world.turn('shop');
    expect(await saying(world)).toMatchObject({
      status: 'False',
      reason: 'CloudRefuses',
      message: expect.stringMatching(
        /AllocateEIP: exhausted \(addresses\): .* \[4054, .*\]; the region has no public address \(EIP\) left for now: it is tried again by itself; or name another line in isthmus.dev\/balancer-operator, or set isthmus.dev\/balancer-access to private$/,
      ),
    });
    world.testCloud.cloud.clear(fault.id);
    await world.live('shop', [title, async () => undefined, wanted]);
    await world.close();
  },
);

test.each(['an NLB', 'a CLB4', 'an ALB of a Service', 'an Ingress on an ALB'])(
  'a subnet has no address left: it is named with what helps, and %s is made as soon as there is one',
  async (life) => {
    const world = await TurnsWorld.open(certificates);
    const [[title, make, wanted] = expect.fail('there is no such life')] = lives[life]?.(world, 'shop') ?? [];
    const fault = world.testCloud.plant({ action: 'Create*', kind: 'refuse', code: 57_000 });
    await make();
    for (let turn = 0; turn < 4; turn++) await world.turn('shop');
    expect(await saying(world)).toMatchObject({
      reason: 'CloudRefuses',
      message: expect.stringMatching(
        /exhausted \(addresses\): .* \[57000, .*\]; the subnet subnet-lab has no address left: free some, or name another subnet in isthmus.dev\/balancer-subnet; it is tried again by itself$/,
      ),
    });
    world.testCloud.cloud.clear(fault.id);
    await world.live('shop', [title, async () => undefined, wanted]);
    await world.close();
  },
);

test.each([
  {
    title: 'a port',
    life: 'an NLB',
    stage: 'has another port',
    action: 'CreateNLBListener',
    code: 4207,
    says: /^opening TCP port 8080 of nlb-\S+ for Service default\/shop: CreateNLBListener: quota: /,
    fewer: 'network: 80 to 1; address of network, 2 Mb/s',
  },
  {
    title: 'a port of an ALB',
    life: 'an ALB of a Service',
    stage: 'has another port',
    action: 'CreateListener',
    code: 4207,
    says: /^opening HTTP port 8080 of alb-\S+ for Service default\/shop: CreateListener: quota: /,
    fewer: 'application: 80 to 1; address of application, 2 Mb/s',
  },
  {
    title: 'a rule',
    life: 'an Ingress on an ALB',
    stage: 'has another path',
    action: 'CreateRule',
    code: 4207,
    says: /^making a rule of listener \S+ of alb-\S+ for Ingress default\/shop: CreateRule: quota: /,
    fewer: 'application: 80 to 1 by 1 rules, 443 to 1 by 1 rules; address of application, 2 Mb/s; certificate old',
  },
  {
    title: 'a certificate',
    life: 'an Ingress on an ALB',
    stage: 'has a renewed certificate',
    action: 'CreateSSL',
    code: 4111,
    says: /^giving a certificate to the cloud for Ingress default\/shop: CreateSSL: invalid: /,
    fewer: 'application: 80 to 1 by 2 rules, 443 to 1 by 2 rules; address of application, 2 Mb/s; certificate old',
  },
])(
  'the cloud refuses $title: it is told, and a node that leaves is out all the same',
  async ({ life, stage, action, code, says, fewer }) => {
    const world = await TurnsWorld.open(certificates);
    const stages = lives[life]?.(world, 'shop') ?? [];
    const index = stages.findIndex(([title]) => title === stage);
    for (const one of stages.slice(0, index)) await world.live('shop', one);
    const [title, act, wanted] = stages[index] ?? expect.fail('there is no such stage');
    const fault = world.testCloud.plant({ action, kind: 'refuse', code });
    await act();
    for (let turn = 0; turn < mostTurns && !says.test((await saying(world))?.message ?? ''); turn++)
      await world.turn('shop');
    expect(await saying(world)).toMatchObject({ reason: 'CloudRefuses', message: expect.stringMatching(says) });
    await exclude(world, '')();
    for (let turn = 0; turn < mostTurns && world.inCloud() !== fewer; turn++) await world.turn('shop');
    expect(world.inCloud()).toBe(fewer);
    expect(await saying(world)).toMatchObject({ reason: 'CloudRefuses', message: expect.stringMatching(says) });
    await exclude(world, null)();
    world.testCloud.cloud.clear(fault.id);
    await world.live('shop', [title, async () => undefined, wanted]);
    await world.close();
  },
);

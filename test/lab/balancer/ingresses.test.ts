import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Kube } from '#kube/kube.ts';
import { nodes } from '#kube/resources.ts';
import { addCloudNode, addNode, mark, type RangesWorld, startRangesWorld } from '../network/ranges-world.ts';
import {
  ingressOf,
  makeAlbClass,
  makeIngress,
  makeWebService,
  removeIngress,
  untilIngressSays,
} from './ingress-world.ts';
import { leadBalancers } from './services-world.ts';

let world: RangesWorld;
let kube: Kube;
beforeAll(async () => {
  world = await startRangesWorld();
  kube = world.kube;
  await addCloudNode(world, 'web-1');
  await addCloudNode(world, 'web-2');
  await addNode(kube, 'base-1', 'isthmus-site://base-1', 'site', '192.168.50.13');
  await makeAlbClass(world);
});
afterAll(() => world?.close());

const leaders: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const leader of leaders.splice(0)) await leader.stop();
});

function lead(): void {
  leaders.push(leadBalancers(world));
}

const albs = () => world.testCloud.cloud.objects().applicationBalancers;

test('an Ingress gets an ALB that sends its host to node ports of cloud nodes, and its deletion leaves nothing', async () => {
  lead();
  await makeWebService(world, 'web');
  await makeIngress(world, 'web', { 'shop.example/': 'web' });
  const said = await untilIngressSays(world, 'web', 'Serving');
  expect(said).toMatchObject({
    status: 'True',
    message: expect.stringMatching(/answers HTTP 80 and sends to 2 back ends/),
  });
  const [alb, ...more] = albs();
  expect(more).toEqual([]);
  const { eips } = world.testCloud.cloud.objects();
  expect(eips).toMatchObject([{ resource: alb?.id, bandwidth: 2 }]);
  const ingress = await ingressOf(world, 'web');
  expect(ingress?.status?.loadBalancer?.ingress).toEqual([{ ip: eips[0]?.ip }]);
  expect(alb).toMatchObject({ tag: `isthmus-${mark}`, remark: `isthmus/${ingress?.metadata.uid}` });
  const machines = (await kube.list(nodes)).flatMap(({ spec }) => /uhost-.*/.exec(spec?.providerID ?? '')?.[0] ?? []);
  const [listener] = alb?.listeners ?? [];
  expect(listener?.targets.map(({ resource }) => resource).toSorted()).toEqual(machines.toSorted());
  expect(listener?.rules).toHaveLength(2);
  await removeIngress(world, 'web');
  expect([albs(), world.testCloud.cloud.objects().eips]).toEqual([[], []]);
});

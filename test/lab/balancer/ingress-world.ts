import { conditionOf } from '#balancer/application/condition-of.ts';
import type { Condition } from '#kube/api/condition.ts';
import {
  endpointSlices,
  type IngressObject,
  ingressClasses,
  ingresses,
  type ServiceObject,
  services,
} from '#kube/resources.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import type { RangesWorld } from '../network/ranges-world.ts';
import { sliceOf } from './services-world.ts';

/** The class that `isthmus up` brings. */
export async function makeAlbClass({ kube }: Pick<RangesWorld, 'kube'>): Promise<void> {
  await kube.create(ingressClasses, { metadata: { name: 'alb' }, spec: { controller: 'isthmus.dev/alb' } });
}

/** A Service with node ports, whose one pod is on the site. */
export async function makeWebService(
  { kube }: Pick<RangesWorld, 'kube'>,
  name: string,
  spec: object = {},
): Promise<void> {
  await kube.create(services, {
    metadata: { name, namespace: 'default' },
    spec: { type: 'NodePort', selector: { app: name }, ports: [{ port: 80, protocol: 'TCP' }], ...spec },
  } as ServiceObject);
  await kube.create(endpointSlices, sliceOf(name));
}

/** `shop.example/cart` to the Service `cart`. */
export async function makeIngress(
  { kube }: Pick<RangesWorld, 'kube'>,
  name: string,
  paths: Readonly<Record<string, string>>,
  { annotations = {}, spec = {} }: { readonly annotations?: object; readonly spec?: object } = {},
): Promise<void> {
  const rules = Object.entries(paths).map(([where, service]) => {
    const [, host = '', path = ''] = /^([^/]*)(\/.*)$/.exec(where) ?? [];
    const backend = { service: { name: service, port: { number: 80 } } };
    return { ...(host !== '' && { host }), http: { paths: [{ pathType: 'Prefix', path, backend }] } };
  });
  await kube.create(ingresses, {
    metadata: { name, namespace: 'default', annotations },
    spec: { ingressClassName: 'alb', rules, ...spec },
  } as IngressObject);
}

export function ingressOf({ kube }: RangesWorld, name: string): Promise<IngressObject | undefined> {
  return kube.get(ingresses, { name, namespace: 'default' });
}

export function untilIngressSays(world: RangesWorld, name: string, reason: string): Promise<Condition> {
  return waitFor(
    `Ingress ${name} to say ${reason}`,
    async () => {
      const ingress = await ingressOf(world, name);
      const said = ingress === undefined ? undefined : conditionOf(ingress);
      if (said?.reason !== reason) throw new Error(`${said?.reason}: ${said?.message}`);
      return said;
    },
    { within: seconds(30), every: ms(50) },
  );
}

export async function removeIngress(world: RangesWorld, name: string): Promise<void> {
  await world.kube.delete(ingresses, { name, namespace: 'default' });
  await waitFor(`Ingress ${name} to be gone`, async () => (await ingressOf(world, name)) === undefined, {
    within: seconds(30),
    every: ms(50),
  });
}

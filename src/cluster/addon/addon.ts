import type { SystemObject } from '#capability/capability.ts';
import { type CrdObject, customResourceDefinitions } from '#kube/crd.ts';
import type { Kube, KubeObject, Resource } from '#kube/kube.ts';
import { namespaces, pods, type ServiceObject, services } from '#kube/resources.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { few } from '#unit/few.ts';
import { type AddonName, addonCure, addonsOf, type Bundle } from '../bundle/bundle.ts';
import { imageNamed } from '../bundle/fetch-bundle.ts';
import { apiAddress, askApi, cloudMachinesOf, observeUnready } from '../observe-cluster.ts';
import { explainUnready } from '../plan-unready.ts';
import { Connections, type Session } from '../session.ts';
import { workAlone } from '../state/work-alone.ts';
import { applySystemObjects, nameOf, observeSystemObjects, withDigest } from '../system-objects/system-objects.ts';

/** What of an addon is in the cluster. */
export interface AddonSeen {
  /** `partly`: some of its objects are missing, or those of another version or configuration. */
  readonly installed: 'yes' | 'partly' | 'no';
  /** Whether `isthmus up` keeps it. */
  readonly inFile: boolean;
  /** Where clients reach it; `undefined` while it has no address. */
  readonly address: string | undefined;
  /** What is not as it should be, one sentence each. */
  readonly problems: readonly string[];
}

/** @fails Error when the cluster does not answer · KubeError */
export async function observeAddon(session: Session, name: AddonName): Promise<AddonSeen> {
  const connections = new Connections(session);
  try {
    const kube = await answering(connections);
    const bundle = await connections.bundle();
    if (addonsOf(bundle).includes(name)) return await look(session, kube, name, await objectsOf(session, name, bundle));
    // Most clusters have it neither in their bundle nor installed, which is no problem.
    const seen = await look(session, kube, name, await objectsOf(session, name, undefined));
    return seen.installed === 'no' ? seen : { ...seen, problems: [explainMissing(name)] };
  } finally {
    await connections.close();
  }
}

async function look(
  session: Session,
  kube: Kube,
  name: AddonName,
  wanted: readonly SystemObject[],
): Promise<AddonSeen> {
  const stale = await observeSystemObjects(kube, wanted);
  // Definitions stay as long as somebody has objects of them, and run nothing.
  const runs = (all: readonly SystemObject[]): number =>
    all.filter(({ resource }) => resource !== customResourceDefinitions).length;
  const installed = stale.length === 0 ? 'yes' : runs(stale) === runs(wanted) ? 'no' : 'partly';
  const inFile = session.config.addons[name] !== undefined;
  if (installed === 'no') return { installed, inFile, address: undefined, problems: [] };
  const own = new Set(wanted.map(nameOf));
  const unready = (await observeUnready(kube)).filter(({ part }) => own.has(part.replace(/ \d+\/\d+$/, '')));
  const missing = stale.map((one) => `${nameOf(one)} is missing or outdated; run isthmus addon ${name} to repair it`);
  const facing = wanted.find(({ object }) => (object as ServiceObject).spec?.type === 'LoadBalancer');
  const service = facing && (await kube.get(services, facing.object.metadata));
  const ingress = service?.status?.loadBalancer?.ingress?.[0];
  const address = ingress?.ip ?? ingress?.hostname;
  const told = (service?.status?.conditions ?? []).filter(({ status }) => status === 'False');
  return {
    installed,
    inFile,
    address,
    problems: [
      ...missing,
      ...unready.map(explainUnready),
      ...told.map(({ message }) => `${facing === undefined ? 'Service' : nameOf(facing)}: ${message}`),
      ...(await complaints(session, kube, name)),
    ],
  };
}

async function complaints({ capabilities, signal }: Session, kube: Kube, name: AddonName): Promise<readonly string[]> {
  const own = capabilities.find((capability) => capability.name === name);
  return (await own?.status?.({ kube, nodes: [], outside: undefined, signal }))?.problems ?? [];
}

/**
 * Applies what of the addon is missing or outdated, and waits until it runs and has an address. Can be repeated.
 * @shape changed: the objects that were applied
 * @fails ClusterHeld · Error that says what does not run, and why
 */
export function installAddon(
  session: Session,
  name: AddonName,
): Promise<{ readonly changed: readonly string[]; readonly address: string }> {
  return workAlone(session, async (alone, connections, stillAlone) => {
    const { report, signal } = alone;
    const kube = await answering(connections);
    const wanted = await objectsOf(alone, name, await connections.bundle());
    await stillAlone();
    const stale = await observeSystemObjects(kube, wanted);
    if (stale.length > 0)
      await report.step(`apply ${name}`, `${stale.length} objects are missing or outdated`, async (say) => {
        await applySystemObjects(kube, stale);
        for (const object of stale) say(nameOf(object));
      });
    const address = await report.look(`waiting for ${name} to run`, () =>
      waitFor(
        `${name} to run`,
        async () => {
          const seen = await look(alone, kube, name, wanted);
          if (seen.problems.length > 0) throw new Error(seen.problems.join('; '));
          if (seen.address === undefined) throw new Error('its Service has no address yet');
          return seen.address;
        },
        { within: minutes(10), every: seconds(1), signal },
      ),
    );
    return { changed: stale.map(nameOf), address };
  });
}

/**
 * Removes what the addon consists of, its balancer first, and waits until all is gone. What users made for it stays: Ingress objects, and
 * objects of its own kinds together with the definitions of those kinds. Can be repeated.
 * @shape kept: what was left, and why
 * @fails ClusterHeld · Error that says what does not go, and why
 */
export function removeAddon(
  session: Session,
  name: AddonName,
): Promise<{ readonly removed: readonly string[]; readonly kept: readonly string[] }> {
  return workAlone(session, async (alone, connections, stillAlone) => {
    const { report } = alone;
    const kube = await answering(connections);
    // What is removed is known by its name; a bundle that can't be reached, or has none of its images, is no obstacle.
    const objects = await objectsOf(alone, name, undefined);
    const kept: string[] = [];
    const removed: string[] = [];
    const homes = new Set(
      objects.filter(({ resource }) => resource === namespaces).map(({ object }) => object.metadata.name),
    );
    const isInside = ({ object }: SystemObject): boolean => homes.has(object.metadata.namespace ?? '');
    const first = objects.filter((one) => one.resource === services && isInside(one));
    const rest = objects.filter((one) => !isInside(one)).toReversed();
    for (const { resource, object } of [...first, ...rest]) {
      await stillAlone();
      const title = nameOf({ resource, object });
      if ((await kube.get(resource, object.metadata)) === undefined) continue;
      const users = resource === customResourceDefinitions ? await instancesOf(kube, object as CrdObject) : [];
      if (users.length > 0) {
        kept.push(`${title}, because there is ${few(users)}`);
        continue;
      }
      await report.step(`remove ${title}`, `${name} is removed`, () => removeOne(kube, resource, object, alone.signal));
      removed.push(title);
    }
    return { removed, kept };
  });
}

async function removeOne(
  kube: Kube,
  resource: Resource<KubeObject>,
  { metadata }: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  await kube.delete(resource, metadata);
  // Its balancer is gone, so that nobody is served any more: its pods need not wait for open connections, which may be minutes.
  if (resource === namespaces)
    for (const pod of await kube.list(pods, { namespace: metadata.name }))
      await kube.delete(pods, pod.metadata, { graceSeconds: 1 });
  await waitFor(
    'it to be gone',
    async () => {
      const seen: ServiceObject | undefined = await kube.get(resource, metadata);
      if (seen === undefined) return true;
      throw new Error(seen.status?.conditions?.map(({ message }) => message).join('; ') || 'it is still being deleted');
    },
    { within: minutes(6), every: seconds(1), signal },
  );
}

/** `default/shop`, … */
async function instancesOf(kube: Kube, { spec }: CrdObject): Promise<readonly string[]> {
  const { group, names, scope, versions } = spec;
  const version = versions.find(({ storage }) => storage)?.name ?? '';
  const { plural, kind } = names;
  const all = await kube.list<KubeObject>({ group, version, plural, kind, namespaced: scope === 'Namespaced' });
  return all.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
}

async function answering(connections: Connections): Promise<Kube> {
  const kube = await connections.kube();
  if ((await askApi(kube)) === 'answers') return kube;
  throw new Error('the API server of the cluster does not answer; look with isthmus status');
}

/** @unit bundle: `undefined` where only the names of the objects matter */
async function objectsOf(
  session: Session,
  name: AddonName,
  bundle: Bundle | undefined,
): Promise<readonly SystemObject[]> {
  if (bundle !== undefined && !addonsOf(bundle).includes(name)) throw new Error(explainMissing(name));
  const { config, capabilities, cloud } = session;
  const api = { address: apiAddress(session, await cloudMachinesOf(session)), port: 6443 };
  const objects = capabilities
    .filter((capability) => capability.name === name)
    .flatMap((capability) =>
      capability.objects({
        cluster: { ...config, addons: { ...config.addons, [name]: config.addons[name] ?? usual[name] } },
        image: (part) => (bundle === undefined ? part : imageNamed(bundle, part)),
        bundle: config.bundle,
        api,
        mtu: cloud.network.mtu,
        metadata: cloud.network.metadata,
        mostPorts: cloud.balancers.most.listeners,
        mostDisks: cloud.disks.mostPerMachine,
      }),
    );
  return objects.map(withDigest);
}

const usual = { ingress: { replicas: 2 } } as const;

function explainMissing(name: AddonName): string {
  return `the bundle that cluster.yaml names has no images of the addon ${name}; ${addonCure(name)}`;
}

import { type Host, must } from '#host/host.ts';
import type { JoinFile } from '#machine/join-file.ts';
import { seconds } from '#unit/clock.ts';
import { parseIp } from '#unit/ip.ts';
import type { ProviderId } from '#unit/provider-id.ts';
import type { MachineIdentity } from './files.ts';

/** Which address and which provider id this machine has as a node. @fails Error with the cure */
export async function identify(join: JoinFile, host: Host): Promise<MachineIdentity> {
  const nodeIp = join.nodeIp ?? (await addressToward(host, join.api.address));
  return { nodeIp, providerId: await providerIdOf(join, host) };
}

/** The address that the kernel would send from: the one under which the API server sees this machine. */
async function addressToward(host: Host, target: string): Promise<string> {
  const text = await must(host, ['ip', '-j', 'route', 'get', target], { within: seconds(10) });
  const [route] = JSON.parse(text) as { prefsrc?: string }[];
  const address = route?.prefsrc === undefined ? undefined : parseIp(route.prefsrc);
  if (address === undefined)
    throw new Error(`no route to the API server at ${target}; give this machine a default route`);
  return address;
}

const instanceData = '/run/cloud-init/instance-data.json';

/** A cloud machine knows its id only from the cloud itself; a physical one has its name. */
async function providerIdOf(join: JoinFile, host: Host): Promise<ProviderId> {
  if (join.ground === 'site') return { ground: 'site', machine: join.machine };
  const text = await host.read(instanceData);
  const id = text === undefined ? undefined : (JSON.parse(text) as { v1?: { instance_id?: string } }).v1?.instance_id;
  if (id === undefined || id === '')
    throw new Error(
      `${instanceData} names no v1.instance_id; the image must run cloud-init with the cloud's data source`,
    );
  return { ground: 'cloud', provider: join.provider, zone: join.zone, id };
}

import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { isthmus } from './isthmus.ts';

export type Kubectl = (args: readonly string[]) => Promise<string>;

/** The address of a Service, once it says that it is served. */
export function servedAt(kubectl: Kubectl, service: string): Promise<string> {
  return waitFor(
    `Service ${service} to be served`,
    async () => {
      const { status } = JSON.parse(await kubectl(['get', 'service', service, '-o', 'json'])) as {
        status: {
          loadBalancer: { ingress?: readonly { ip: string }[] };
          conditions?: readonly { reason: string; message: string }[];
        };
      };
      const [said] = status.conditions ?? [];
      const ip = status.loadBalancer.ingress?.[0]?.ip;
      if (said?.reason !== 'Serving' || ip === undefined)
        throw new Error(`${said?.reason ?? 'nothing said'}: ${said?.message ?? ''}`);
      return ip;
    },
    { within: minutes(2), every: seconds(1) },
  );
}

/** One call from the lab's client on the internet. */
export function callFromInternet(lab: string, url: string): ReturnType<typeof isthmus> {
  const argv = ['lab', 'exec', '--name', lab, 'internet', '--', 'curl', '-s', '-m', '5', url];
  return isthmus(argv, { within: seconds(20) });
}

/** Calls until every pod of the Service `web` has answered. @shape the names of the nodes that they run on */
export async function answeredByEveryPod(lab: string, kubectl: Kubectl, ip: string): Promise<readonly string[]> {
  const { items } = JSON.parse(await kubectl(['get', 'pods', '-l', 'app=web', '-o', 'json'])) as {
    items: readonly { metadata: { name: string }; spec: { nodeName: string } }[];
  };
  const silent = new Set(items.map(({ metadata }) => metadata.name));
  await waitFor(
    'every pod to have answered the client',
    async () => {
      const { code, stdout } = await callFromInternet(lab, `http://${ip}/hostname`);
      silent.delete(stdout.trim());
      if (silent.size > 0) throw new Error(`curl ${code}; not answered yet: ${[...silent].join(' ')}`);
      return true;
    },
    { within: minutes(2), every: ms(100) },
  );
  return items.map(({ spec }) => spec.nodeName);
}

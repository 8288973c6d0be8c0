import { minutes, ms, waitFor } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import type { Check, Kubectl } from './proof.ts';

/** What the world calls, and what answers. */
export interface Door {
  /** The Service with the balancer. */
  readonly service: { readonly name: string; readonly namespace: string };
  /** What the client asks for by name; `undefined`: whatever the address serves. */
  readonly host: string | undefined;
}

/** Runs curl at the client on the internet and gives what it printed. @fails Error when it ends with another code than 0 */
export type Client = (args: readonly string[]) => Promise<string>;

/** The address at which the Service is reached; waits until its balancer serves. @fails Error that says what the Service says */
export function awaitAddress(kubectl: Kubectl, service: Door['service']): Promise<string> {
  return waitFor(
    `Service ${service.name} to be served`,
    async () => {
      const asked = ['get', 'service', service.name, '-n', service.namespace, '-o', 'json'];
      const { status } = JSON.parse(await kubectl(asked)) as KubeService;
      const said = status.conditions?.find(({ type }) => type === 'isthmus.dev/Balancer');
      const ip = status.loadBalancer.ingress?.[0]?.ip;
      if (ip !== undefined && said?.status === 'True') return ip;
      throw new Error(said?.message ?? 'it says nothing yet');
    },
    { within: minutes(2), every: ms(500) },
  );
}

/** What curl is given to call the application at this address. */
export function callOf({ host }: Door, address: string): readonly string[] {
  return [...(host === undefined ? [] : ['-H', `Host: ${host}`]), `http://${address}/hostname`];
}

interface KubeService {
  readonly status: {
    readonly loadBalancer: { readonly ingress?: readonly { readonly ip?: string }[] };
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[];
  };
}

/**
 * Calls from the internet until every pod has answered once, on both sides. Each call is a new connection, so that another pod may get it.
 * @shape one line for the table, with the pods that never answered
 */
export async function proveReach(kubectl: Kubectl, client: Client, door: Door, address: string): Promise<Check> {
  const { items } = JSON.parse(await kubectl(['get', 'pods', '-n', 'default', '-l', 'app=web', '-o', 'json'])) as {
    items: readonly { readonly metadata: { readonly name: string }; readonly spec: { readonly nodeName: string } }[];
  };
  const answered = new Set<string>();
  let fault = '';
  // Four pods by chance: 60 calls miss one of them once in ten million times. Those of before the balancer forwards count too.
  for (let call = 0; call < 60 && answered.size < items.length; call++)
    try {
      answered.add((await client(['-sS', '-m', '3', ...callOf(door, address)])).trim());
    } catch (e) {
      fault = messageOf(e);
    }
  return judgeReach(
    door.host === undefined ? `http://${address}/` : `http://${door.host}/ at ${address}`,
    items.map(({ metadata, spec }) => ({ pod: metadata.name, node: spec.nodeName })),
    answered,
    fault,
  );
}

/** @unit fault: of the last call that failed; empty when none did */
export function judgeReach(
  url: string,
  pods: readonly { readonly pod: string; readonly node: string }[],
  answered: ReadonlySet<string>,
  fault: string,
): Check {
  const silent = pods.filter(({ pod }) => !answered.has(pod));
  const why = fault === '' ? '' : `; ${fault}`;
  return {
    title: `client on the internet -> ${url} -> every pod, on both sides`,
    good: pods.length - silent.length,
    of: pods.length,
    faults: silent.map(({ pod, node }) => `pod ${pod} on ${node} never answered${why}`),
  };
}

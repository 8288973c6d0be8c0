/**
 * The proof that a cluster's network is what it promises: every pod and node reaches every other by its own address, the
 * receiver sees the sender's own address, large packets arrive whole, Services answer by address and by name, and the API
 * server reaches both sides. Everything is asked from inside the cluster with `kubectl exec`.
 */

/** One end of a path: a pod, or a node's own network. */
export interface Endpoint {
  /** Pod to run commands in; its network is the endpoint's. */
  readonly pod: string;
  /** What a reader calls it: `web on base-1`, `node base-1`. */
  readonly name: string;
  readonly kind: 'pod' | 'node';
  readonly ground: 'cloud' | 'site';
  readonly address: string;
  readonly port: number;
}

/** What one endpoint saw when it asked another. */
export interface PathSeen {
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** The address that the receiver says the request came from; empty when nothing answered. */
  readonly seenAs: string;
  /** Whether a packet as large as the path's MTU arrived with "don't fragment" set. */
  readonly large: boolean;
}

export interface Check {
  readonly title: string;
  readonly good: number;
  readonly of: number;
  /** One line for each that failed. */
  readonly faults: readonly string[];
}

/** Runs kubectl against the cluster and gives its standard output. @fails Error when it ends with another code than 0 */
export type Kubectl = (args: readonly string[]) => Promise<string>;

/** The largest packet that every path of the cluster carries, in bytes; the cloud's interfaces are the narrowest. */
const pathMtu = 1454;
const headers = 28; // IPv4 and ICMP

/** @fails Error when the cluster can't be asked at all; what does not hold is in the checks */
export async function prove(kubectl: Kubectl): Promise<readonly Check[]> {
  const endpoints = await observeEndpoints(kubectl);
  const paths = (await Promise.all(endpoints.map((from) => observePaths(kubectl, from, endpoints)))).flat();
  const pods = endpoints.filter(({ kind }) => kind === 'pod');
  return [...judgePaths(paths), ...(await proveService(kubectl, endpoints)), ...(await proveAccess(kubectl, pods))];
}

/** @fails Error when one side has no pod: then nothing would be proved */
async function observeEndpoints(kubectl: Kubectl): Promise<readonly Endpoint[]> {
  const nodes = JSON.parse(await kubectl(['get', 'nodes', '-o', 'json'])) as { items: readonly KubeNode[] };
  const groundOf = new Map(nodes.items.map(({ metadata }) => [metadata.name, metadata.labels['isthmus.dev/ground']]));
  const pods = JSON.parse(
    await kubectl(['get', 'pods', '-n', 'default', '-l', 'app in (web, node-probe)', '-o', 'json']),
  ) as { items: readonly KubePod[] };
  const endpoints = pods.items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, spec, status }): Endpoint => {
      const kind = metadata.labels['app'] === 'web' ? 'pod' : 'node';
      return {
        pod: metadata.name,
        name: kind === 'pod' ? `pod on ${spec.nodeName}` : `node ${spec.nodeName}`,
        kind,
        ground: groundOf.get(spec.nodeName) === 'site' ? 'site' : 'cloud',
        address: status.podIP ?? '',
        port: kind === 'pod' ? 8080 : 18080,
      };
    });
  for (const ground of ['cloud', 'site'] as const) {
    if (!endpoints.some((endpoint) => endpoint.kind === 'pod' && endpoint.ground === ground))
      throw new Error(`no pod of the web application runs on the ${ground} side`);
  }
  // Sorted: the table reads the same every time.
  return endpoints.sort((a, b) => `${a.ground} ${a.name}`.localeCompare(`${b.ground} ${b.name}`));
}

interface KubeNode {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
}
interface KubePod {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly podIP?: string };
}

/**
 * One shell in the sender asks all receivers; each answers with the address that it saw. The shell and `ping` of upstream's image
 * are busybox's, whose `ping` has no option for "don't fragment": the kernel sets it for what fits into the path's MTU as it
 * knows it, so that one is asked for after the packet went.
 */
async function observePaths(
  kubectl: Kubectl,
  from: Endpoint,
  endpoints: readonly Endpoint[],
): Promise<readonly PathSeen[]> {
  const others = endpoints.filter(({ address, pod }) => pod !== from.pod && address !== from.address);
  const script = others
    .map(
      ({ address, port }) =>
        `printf '%s|' ${address} "$(curl -s -m 5 http://${address}:${port}/clientip)"; ` +
        `/bin/ping -q -c 1 -W 2 -s ${pathMtu - headers} ${address} >/dev/null 2>&1 && printf 'answered|' || printf 'lost|'; ` +
        `/sbin/ip -oneline route get ${address}`,
    )
    .join('\n');
  const said = (await inside(kubectl, from, `/sbin/ip -oneline link\n${script}`)).split('\n');
  const answers = new Map(said.map((line) => [line.split('|')[0], line.split('|')]));
  return others.map((to) => {
    const [, client = '', ping, route = ''] = answers.get(to.address) ?? [];
    const large = ping === 'answered' && mtuTowards(route, said) >= pathMtu;
    return { from, to, seenAs: client.slice(0, client.lastIndexOf(':')), large };
  });
}

/**
 * The largest packet that the sender's kernel sends whole: what a router on the path has told it, else what the link takes.
 * @unit bytes; 0 when nothing is known
 * @shape route: a line of `ip -oneline route get`; links: lines of `ip -oneline link`
 */
export function mtuTowards(route: string, links: readonly string[]): number {
  const told = / mtu (\d+)/.exec(route)?.[1];
  const device = / dev (\S+)/.exec(route)?.[1];
  const link = links.find((line) => line.split(': ')[1]?.split('@')[0] === device);
  return Number(told ?? / mtu (\d+)/.exec(link ?? '')?.[1] ?? 0);
}

/** Groups the paths by what a reader asks: pod to pod, node to pod and so on, each within a side and across the line. */
export function judgePaths(paths: readonly PathSeen[]): readonly Check[] {
  const groups = new Map<string, PathSeen[]>();
  for (const path of paths) {
    const title = `${path.from.kind} (${path.from.ground}) -> ${path.to.kind} (${path.to.ground})`;
    groups.set(title, [...(groups.get(title) ?? []), path]);
  }
  const addressed = [...groups].map(([title, group]) =>
    check(`${title}, source address unchanged`, group, ({ from, to, seenAs }) => {
      if (seenAs === from.address) return undefined;
      return `${from.name} (${from.address}) -> ${to.name} (${to.address}): ${seenAs === '' ? 'no answer' : `seen as ${seenAs}`}`;
    }),
  );
  const whole = check(`packets of ${pathMtu} bytes arrive unfragmented on every path`, paths, ({ from, to, large }) =>
    large ? undefined : `${from.name} -> ${to.name}: a packet of ${pathMtu} bytes was lost`,
  );
  return [...addressed, whole];
}

async function proveService(kubectl: Kubectl, endpoints: readonly Endpoint[]): Promise<readonly Check[]> {
  const clusterIp = (
    await kubectl(['get', 'service', 'web', '-n', 'default', '-o', 'jsonpath={.spec.clusterIP}'])
  ).trim();
  const ask = async (from: Endpoint, host: string): Promise<string | undefined> => {
    const answer = (await inside(kubectl, from, `curl -s -m 8 http://${host}/hostname`)).trim();
    return answer.startsWith('web-') ? undefined : `${from.name}: http://${host}/hostname gave "${answer}"`;
  };
  const pods = endpoints.filter(({ kind }) => kind === 'pod');
  const [byAddress, byName] = await Promise.all([
    Promise.all(endpoints.map((from) => ask(from, clusterIp))),
    Promise.all(pods.map((from) => ask(from, 'web.default.svc.cluster.local'))),
  ]);
  return [
    check(`Service by ClusterIP ${clusterIp}, from every pod and node`, byAddress, (fault) => fault),
    check('Service by name, from every pod on both sides', byName, (fault) => fault),
  ];
}

async function proveAccess(kubectl: Kubectl, pods: readonly Endpoint[]): Promise<readonly Check[]> {
  const logs = await Promise.all(
    pods.map(async ({ pod, name }) =>
      (await kubectl(['logs', '-n', 'default', pod])).trim() === '' ? `${name}: no log` : undefined,
    ),
  );
  const names = await Promise.all(
    pods.map(async (from) => {
      const answer = (await inside(kubectl, from, 'hostname')).trim();
      return answer === from.pod ? undefined : `${from.name}: exec gave "${answer}"`;
    }),
  );
  return [
    check('kubectl logs on both sides', logs, (fault) => fault),
    check('kubectl exec on both sides', names, (fault) => fault),
  ];
}

/** A failing command inside is an answer like any other: what it printed is what counts. */
async function inside(kubectl: Kubectl, from: Endpoint, script: string): Promise<string> {
  return kubectl(['exec', '-n', 'default', from.pod, '--', 'sh', '-c', `${script}\ntrue`]);
}

function check<T>(title: string, items: readonly T[], fault: (item: T) => string | undefined): Check {
  const faults = items.map(fault).filter((text) => text !== undefined);
  return { title, good: items.length - faults.length, of: items.length, faults };
}

/** Nothing proved is not a success. */
export function holds(checks: readonly Check[]): boolean {
  return checks.length > 0 && checks.every(({ good, of }) => of > 0 && good === of);
}

/** The checks as a table for people: one line each, faults below their line. */
export function formatChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ title }) => title.length));
  return checks
    .flatMap(({ title, good, of, faults }) => [
      `  ${of > 0 && good === of ? 'ok  ' : 'FAIL'} ${title.padEnd(width)}  ${good}/${of}`,
      ...faults.slice(0, 5).map((fault) => `         ${fault}`),
      ...(faults.length > 5 ? [`         and ${faults.length - 5} more`] : []),
    ])
    .join('\n');
}

import { systemNamespace } from '#kube/api/settings.ts';
import { type Kube, KubeError } from '#kube/kube.ts';
import { elect } from '#kube/lease.ts';
import { planRelease } from '#kube/plan-lease.ts';
import { type LeaseObject, leases, namespaces } from '#kube/resources.ts';
import { ms, now, seconds, sleep } from '#unit/clock.ts';
import { ClusterHeld, type Operator } from './state-lock.ts';

/** Held from operator's computers; whoever finds it unchanged for its duration takes it over. */
const lease = { name: 'isthmus-up', namespace: systemNamespace } as const;
const timing = { duration: seconds(30), renewWithin: seconds(20), every: seconds(4) } as const;

export interface ClusterHold {
  /** Aborted when the hold is lost, before anybody else can have it. */
  readonly lost: AbortSignal;
  /** Gives it back. */
  release(): Promise<void>;
}

/**
 * One command at a time for one cluster, wherever it is run: a Lease in the cluster itself.
 * @shape state: the id of the state folder, whose lock the caller has: an earlier holder with it is dead for certain
 * @fails ClusterHeld when another holds and renews it; one that is dead is waited for, half a minute at most
 */
export async function holdCluster(
  kube: Kube,
  asked: {
    readonly cluster: string;
    readonly operator: Operator;
    readonly state: string;
    readonly say: (line: string) => void;
    readonly signal: AbortSignal;
  },
): Promise<ClusterHold> {
  await ensureNamespace(kube);
  const identity = formatHolder(asked.operator, asked.state);
  const stop = new AbortController();
  const taken = Promise.withResolvers<AbortSignal>();
  let trouble: Error | undefined;
  const onTrouble = (e: Error): void => {
    trouble = e;
  };
  const running = elect(kube, { ...lease, identity, ...timing, onTrouble }, stop.signal, async (end) => {
    taken.resolve(end);
    await aborted(end);
    stop.abort();
  });
  const release = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  const decided = new AbortController();
  const refused = watchHolder(kube, identity, asked, AbortSignal.any([decided.signal, asked.signal]));
  try {
    return { lost: await Promise.race([taken.promise, refused]), release };
  } catch (e) {
    await release();
    throw e instanceof ClusterHeld || trouble === undefined ? e : trouble;
  } finally {
    decided.abort();
  }
}

/** The system's other objects come later; until then nothing else is in it. */
async function ensureNamespace(kube: Kube): Promise<void> {
  if ((await kube.get(namespaces, { name: systemNamespace })) !== undefined) return;
  await kube.create(namespaces, { metadata: { name: systemNamespace } }).catch((e: unknown) => {
    if (!(e instanceof KubeError && e.status === 409)) throw e;
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Refuses as soon as another is seen to renew; frees what a killed command of our own state folder left. */
async function watchHolder(
  kube: Kube,
  identity: string,
  asked: Parameters<typeof holdCluster>[1],
  stop: AbortSignal,
): Promise<never> {
  let first: LeaseObject | undefined;
  for (;;) {
    const seen = await kube.get(leases, lease);
    const holder = parseHolder(seen?.spec?.holderIdentity ?? '');
    const another = seen !== undefined && holder !== undefined && seen.spec?.holderIdentity !== identity;
    if (another && holder.state === asked.state && holder.host === asked.operator.host) await free(kube, seen);
    else if (another && first?.spec?.holderIdentity !== seen.spec?.holderIdentity) {
      first = seen;
      asked.say(`the cluster is held by ${who(seen)}; checking whether it is still running`);
    } else if (another && first?.spec?.renewTime !== seen.spec?.renewTime)
      throw new ClusterHeld(asked.cluster, who(seen), 'wait until it ends, or stop that process');
    await sleep(ms(500), stop);
  }
}

/** Whoever changed it since we looked keeps it. */
async function free(kube: Kube, seen: LeaseObject): Promise<void> {
  const spec = planRelease({ spec: seen.spec, unchanged: ms(0), at: now() }, seen.spec?.holderIdentity ?? '');
  if (spec === undefined) return;
  await kube.replace(leases, { ...seen, spec }).catch((e: unknown) => {
    if (!(e instanceof KubeError && (e.status === 409 || e.status === 404))) throw e;
  });
}

function who({ spec }: LeaseObject): string {
  const { user, host, pid } = parseHolder(spec?.holderIdentity ?? '') ?? { user: '?', host: '?', pid: '?' };
  return `${user} on ${host}, pid ${pid}, since ${spec?.acquireTime ?? 'an unknown time'}`;
}

/** `root@desk pid 4711 state 1f0c…` */
function formatHolder({ user, host, pid }: Operator, state: string): string {
  return `${user}@${host} pid ${pid} state ${state}`;
}

function parseHolder(
  text: string,
): (Omit<Operator, 'pid'> & { readonly pid: string; readonly state: string }) | undefined {
  const [, user, host, pid, state] = /^(.*)@(\S+) pid (\d+) state (\S+)$/.exec(text) ?? [];
  return user === undefined || host === undefined || pid === undefined || state === undefined
    ? undefined
    : { user, host, pid, state };
}

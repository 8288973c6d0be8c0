import type { SharedCaches } from '#capability/controller-part.ts';
import { groundOf } from '#capability/ground.ts';
import { knockTcp } from '#host/knock-tcp.ts';
import { seesPrefix } from '#kube/api/cut.ts';
import type { Kube } from '#kube/kube.ts';
import { type NodeObject, nodes } from '#kube/resources.ts';
import { viewOf } from '#kube/view-of.ts';
import { workQueue } from '#kube/work-queue.ts';
import { type Ms, now, seconds, untilAborted } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import { messageOf } from '#unit/message-of.ts';
import { isSilent, type Neighbour, planLooks } from './plan-looks.ts';

export interface NeighbourOptions {
  /** The Node's name. */
  readonly node: string;
  readonly kube: Kube;
  /** The copy of all Nodes that the parts of an agent share. */
  readonly nodes: SharedCaches['nodes'];
  readonly note: (facts: object, doing: string) => void;
  /** Of tests: asks a machine. */
  readonly knock?: typeof knockTcp;
}

/**
 * On a machine of the site: looks at its neighbours that the API server does not hear, and tells on its own Node whether they answer. While all are
 * heard it looks at nobody and writes nothing.
 */
export async function runNeighbourAgent(options: NeighbourOptions, stop: AbortSignal): Promise<void> {
  const { node, kube, note, knock = knockTcp } = options;
  if (!(await isOfTheSite(kube, node, stop))) return;
  const seen = viewOf(options.nodes(), (one) => one, stop);
  // What stood still on a cut line must not arrive after it.
  const brief = kube.within(seconds(5));
  let told = false;
  const queue = workQueue({
    async tend() {
      // Without the API server nobody can be told, and who is silent is not known.
      if (seen.staleSince !== undefined) return { again: every };
      const silent = planLooks(node, seen.list());
      if (silent.length === 0 && !told) return;
      // Also when the answer is lost.
      told = true;
      await brief.apply(
        nodes,
        {
          metadata: { name: node },
          status: { conditions: await Promise.all(silent.map((one) => lookAt(one, knock))) },
        },
        { manager: 'isthmus-neighbours', force: true, subresource: 'status' },
      );
      told = silent.length > 0;
      return told ? { again: every } : undefined;
    },
    // Each try looks anew: an old look is never told later.
    onError: (error, { wait }) =>
      note({ fault: messageOf(error), again: wait }, 'telling which neighbours answer failed'),
    backoff: { first: seconds(1), most: seconds(10) },
  });
  const silent = new Set<string>();
  seen.onChange((name) => {
    const one = seen.get({ name });
    const is = one !== undefined && isSilent(one);
    if (is === silent.has(name)) return;
    if (is) silent.add(name);
    else silent.delete(name);
    queue.add('look');
  });
  seen.synced.then(
    () => {
      // What a process before this one told is told anew, or taken back.
      told = hasTold(seen.get({ name: node }));
      queue.add('look');
    },
    // Only when the agent is stopping.
    () => undefined,
  );
  await untilAborted(stop);
  await queue.stop();
}

/** Nodes of the cloud need not follow all the others. @shape false also when the agent stops first */
async function isOfTheSite(kube: Kube, node: string, stop: AbortSignal): Promise<boolean> {
  const known = new AbortController();
  const only = { fieldSelector: `metadata.name=${node}` };
  const seen = kube.cache(nodes, only, AbortSignal.any([stop, known.signal]));
  try {
    await seen.synced;
    const own = seen.get({ name: node });
    return own !== undefined && groundOf(own).ground === 'site';
  } catch {
    return false;
  } finally {
    known.abort(new Error('the ground of this node is known'));
  }
}

/** Three tries: one lost packet is no death. A refusal is an answer, for nobody stands between two machines of the site. */
async function lookAt({ name, address }: Neighbour, knock: typeof knockTcp): Promise<object> {
  const answers = async (): Promise<boolean> => (await knock({ address: ip(address), port: 10_250 })) !== 'nothing';
  const sees = (await answers()) || (await answers()) || (await answers());
  const at = new Date(now()).toISOString();
  return {
    type: `${seesPrefix}${name}`,
    status: sees ? 'True' : 'False',
    reason: sees ? 'Answers' : 'NoAnswer',
    message: `${name} (${address}) is not heard by the API server, and ${sees ? 'answers' : 'does not answer'} this machine`,
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  };
}

function hasTold(own: NodeObject | undefined): boolean {
  return own?.status?.conditions?.some(({ type }) => type.startsWith(seesPrefix)) ?? false;
}

const every: Ms = seconds(15);

import { askApi } from '../observe-cluster.ts';
import { Connections, type Session } from '../session.ts';
import { type ClusterHold, holdCluster } from './cluster-hold.ts';
import { lockState } from './state-lock.ts';

/** To be called before each change: takes the hold of the cluster once the cluster is there. @fails ClusterHeld · Error: lost */
type StillAlone = () => Promise<void>;

/**
 * Runs `work` while no other command works on this cluster: none with the same state folder, by a lock in it; none anywhere
 * else, by a Lease in the cluster as soon as it answers. The session that `work` is given is aborted when that is lost.
 * @fails ClusterHeld
 */
export async function workAlone<T>(
  session: Session,
  work: (alone: Session, connections: Connections, stillAlone: StillAlone) => Promise<T>,
): Promise<T> {
  const { config, state, operator, report } = session;
  const lock = await lockState(state.folder, config.name, operator);
  const lost = new AbortController();
  const alone: Session = { ...session, signal: AbortSignal.any([session.signal, lost.signal]) };
  const connections = new Connections(alone);
  let hold: ClusterHold | undefined;
  const stillAlone = async (): Promise<void> => {
    await lock.check();
    alone.signal.throwIfAborted();
    const kube = hold === undefined ? await connections.kubeIfMade() : undefined;
    if (kube === undefined || (await askApi(kube)) !== 'answers') return;
    const say = (line: string): void => report.say(line);
    const asked = { cluster: config.name, operator, state: await state.id(), say, signal: alone.signal };
    const taken = await holdCluster(kube, asked);
    taken.lost.addEventListener('abort', () => lost.abort(taken.lost.reason), { once: true });
    hold = taken;
  };
  try {
    return await work(alone, connections, stillAlone);
  } finally {
    await allInTurn([async () => hold?.release(), () => connections.close(), () => lock.release()]);
  }
}

/** Each one is tried, whatever became of those before it. @fails the first fault */
export async function allInTurn(works: readonly (() => Promise<void>)[]): Promise<void> {
  const faults: unknown[] = [];
  for (const work of works)
    try {
      await work();
    } catch (e) {
      faults.push(e);
    }
  if (faults.length > 0) throw faults[0];
}

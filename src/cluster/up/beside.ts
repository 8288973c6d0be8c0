import { seconds, sleep } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { type Connections, mark, type Session } from '../session.ts';

/** What the capabilities do beside `up`, begun as soon as there is an API server and ended with it. */
export interface Beside {
  /** Begins it if it can be begun; to be called again and again. */
  readonly begin: () => Promise<void>;
  readonly end: () => Promise<void>;
}

export function besideUp(session: Session, connections: Connections): Beside {
  const stop = new AbortController();
  const end = AbortSignal.any([session.signal, stop.signal]);
  let works: Promise<unknown> | undefined;
  return {
    async begin() {
      const kube = works === undefined ? await connections.kubeIfMade() : undefined;
      if (kube === undefined) return;
      const { cloud, report, capabilities } = session;
      const given = { kube, cloud, mark: mark(session), say: (line: string) => report.say(line) };
      works = Promise.all(
        capabilities.map(async ({ name, besideUp: work }) => work && keepRunning(name, (own) => work(given, own))),
      );
    },
    async end() {
      stop.abort(new Error('isthmus up has ended'));
      await works;
    },
  };

  async function keepRunning(name: string, work: (end: AbortSignal) => Promise<void>): Promise<void> {
    while (!end.aborted) {
      const own = new AbortController();
      try {
        await work(AbortSignal.any([end, own.signal]));
      } catch (e) {
        if (!end.aborted) session.report.say(`${name}: ${messageOf(e)}`);
      } finally {
        // What it has opened ends with it.
        own.abort(new Error(`the work of ${name} beside isthmus up has ended`));
      }
      await sleep(seconds(1), end).catch(() => undefined);
    }
  }
}

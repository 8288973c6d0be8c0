import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { KubeAccess } from '#kube/access.ts';
import { connect } from '#kube/client.ts';
import { KubeError } from '#kube/kube.ts';
import { elect } from '#kube/lease.ts';
import { configMaps } from '#kube/resources.ts';
import { ms, seconds, sleep } from '#unit/clock.ts';

/**
 * A candidate in a process of its own, for fencing-suite.ts to freeze and kill. While it leads it counts in the config map
 * `count` as a controller writes: over the version that it read, after a look at its signal and at the term that is there.
 * Prints a line for each term and for its end.
 */
const { values } = parseArgs({
  options: { access: { type: 'string', default: '' }, identity: { type: 'string', default: '' } },
});
const kube = connect(JSON.parse(readFileSync(values.access, 'utf8')) as KubeAccess, { within: seconds(2) });
const at = { namespace: 'default', name: 'count' };
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort(new Error('told to end')));

await elect(
  kube,
  {
    name: 'fencing',
    namespace: 'default',
    identity: values.identity,
    duration: seconds(6),
    renewWithin: seconds(4),
    every: ms(400),
  },
  stop.signal,
  async (end, term) => {
    tell({ leads: term });
    while (!end.aborted) {
      await count(term, end).catch((e: unknown) => {
        // Overtaken, or unanswered: it costs this turn only.
        if (!(e instanceof KubeError)) throw e;
      });
      await sleep(ms(10));
    }
    tell({ ends: term });
  },
);
await kube.close();

async function count(term: number, end: AbortSignal): Promise<void> {
  const seen = await kube.get(configMaps, at);
  if (seen === undefined) throw new Error('the config map "count" is not there; the test makes it first');
  const { term: lastTerm, n } = seen.data ?? {};
  if (Number(lastTerm) > term || end.aborted) return;
  await kube.replace(configMaps, {
    ...seen,
    data: { term: String(term), writer: values.identity, n: String(Number(n) + 1) },
  });
}

function tell(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

import { expect, test } from 'vitest';
import { portName } from '#lab/fabric/names.ts';
import { formatMs, minutes, ms, waitFor } from '#unit/clock.ts';
import { killedCluster } from '../../lab/cluster/killed-cluster.ts';
import { allMoments } from '../../lab/cluster/moment.ts';
import { operatorStarts } from '../../lab/cluster/operator.ts';

/** The full form of test/lab/cluster/killed.test.ts: every kind of step is cut, also those that only a repair or a removal takes. */
const name = 'killedlong';
const cluster = killedCluster(name);
const { cut, lab, kubectl, idOf, terminate, isWholeAndClean, upUntilItGetsThrough } = cluster;

/** One that has left the cluster and has no token, one whose machine is gone, and a control plane that is off. */
async function spoil(): Promise<void> {
  const [controlPlane, gone] = [await idOf('cp-1'), await idOf('web-2')];
  await kubectl(['delete', 'node', 'web-1']);
  await terminate(gone);
  await cluster.power('PoweroffUHostInstance', controlPlane, 'Stopped');
}

test(
  'killed at every kind of step, of repairs and removals too, it comes to the same end, and no kind of step was never cut',
  async () => {
    const began = performance.now();
    const uncut = () => allMoments.filter((moment) => !cut.has(moment));
    await upUntilItGetsThrough();
    await cluster.expose();
    await isWholeAndClean();
    // What comes about by itself between a kill and the next run is no step of that run; so some moments need another turn.
    for (let turn = 0; turn < 4 && (turn === 0 || uncut().length > 0); turn++) {
      await spoil();
      await upUntilItGetsThrough({ sweep: true });
      await cluster.takenOut(['base-1', 'web-2'], upUntilItGetsThrough);
      await upUntilItGetsThrough();
    }
    await isWholeAndClean();
    expect(uncut()).toEqual([]);
    console.log(`${cut.size} kills in all, repairs: ${formatMs(ms(performance.now() - began))}`);
  },
  minutes(40),
);

test(
  'a cloud worker on a slow line keeps its machine although up was killed and its token has expired, and up says how far it is',
  async () => {
    const began = performance.now();
    await terminate(await idOf('web-2'));
    const fetches = Promise.withResolvers<void>();
    const first = await operatorStarts(name, ['up', '--yes', '--verbose'], {
      onLine: (line) => {
        if (/wait for node web-2 \| \d+ of \d+ MB/.test(line)) fetches.resolve();
      },
    });
    const listed = await waitFor(
      'the new machine',
      async () => (await cluster.cloudMachines()).find((machine) => machine.name === 'web-2')?.id,
      { within: minutes(3) },
    );
    // Its port to the VPC; what comes to the machine is what the port sends.
    const port = portName('v', listed);
    await waitFor(
      'its port',
      () => lab().ok('vpc', `tc qdisc replace dev ${port} root tbf rate 40mbit burst 64k latency 100ms`),
      { within: minutes(2) },
    );
    await Promise.race([fetches.promise, first.end(minutes(4))]);
    first.child.kill('SIGKILL');
    await first.end(minutes(1));
    await cluster.sweepTokens();
    const second = await (await operatorStarts(name, ['up', '--yes', '--verbose'])).end(minutes(10));
    expect(second.code, second.said).toBe(0);
    expect(second.said).toMatch(
      /renew the join token of web-2: it has expired, and the machine may still be joining \(\d+ of \d+ MB\)/,
    );
    expect(second.said).toMatch(/wait for node web-2 \| \d+ of \d+ MB, \d+\.\d Mbit\/s/);
    expect(await idOf('web-2')).toBe(listed);
    await isWholeAndClean();
    console.log(`a slow line: ${formatMs(ms(performance.now() - began))}`);
  },
  minutes(20),
);

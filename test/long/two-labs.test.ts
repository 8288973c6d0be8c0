import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { formatChecks, holds, prove } from '../../lab/demo/proof.ts';
import { tracesOf } from '../lab/lab-tools.ts';
import { keepEvidence } from '../support/evidence.ts';
import { isthmus, succeeds } from '../support/isthmus.ts';

/** Two labs have the same addresses and the same names of machines; only the labs' names tell them apart. */
const labs = ['first', 'second'] as const;
const web = join(import.meta.dirname, '../../lab/demo/web.yaml');
for (const lab of labs) keepEvidence(lab);

beforeAll(removeLabs, minutes(5));
afterAll(removeLabs, minutes(5));

async function removeLabs(): Promise<void> {
  for (const lab of labs) await isthmus(['lab', 'down', '--name', lab], { within: minutes(2) });
}

const kubectlOf =
  (lab: string) =>
  (args: readonly string[]): Promise<string> =>
    succeeds(['lab', 'kubectl', '--name', lab, ...args], { within: minutes(4) });

async function proven(lab: string): Promise<void> {
  let last = '';
  await waitFor(
    `every check of the proof in lab "${lab}"`,
    async () => {
      const checks = await prove(kubectlOf(lab));
      last = formatChecks(checks);
      return holds(checks);
    },
    { within: minutes(4), every: seconds(2) },
  ).catch((cause: unknown) => {
    throw new Error(`${String(cause)}\n${last}`);
  });
}

test(
  'two labs side by side each carry a cluster whose network is proven',
  async () => {
    for (const lab of labs) {
      await succeeds(['lab', 'up', '--name', lab], { within: minutes(4) });
      await succeeds(['lab', 'exec', '--name', lab, 'office', '--', 'isthmus', 'up', '--yes'], { within: minutes(12) });
      await kubectlOf(lab)(['apply', '-f', web]);
      await kubectlOf(lab)(['rollout', 'status', '--timeout=180s', 'deployment/web', 'daemonset/node-probe']);
    }
    await Promise.all(labs.map(proven));
  },
  minutes(40),
);

test(
  'taking one lab away leaves no trace of it and does not disturb the cluster of the other',
  async () => {
    await succeeds(['lab', 'down', '--name', labs[0]], { within: minutes(2) });
    expect(tracesOf(labs[0])).toEqual([]);
    await proven(labs[1]);
  },
  minutes(8),
);

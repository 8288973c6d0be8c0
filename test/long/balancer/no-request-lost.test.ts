import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { pathsOf } from '#lab/server/settings.ts';
import { minutes, seconds, sleep, waitFor } from '#unit/clock.ts';
import { operatorStarts } from '../../lab/cluster/operator.ts';
import { labOk } from '../../lab/lab-tools.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { raiseGolden } from '../../support/golden-lab.ts';
import { servedAt } from '../../support/internet-client.ts';
import { succeeds } from '../../support/isthmus.ts';
import { type LoadTold, startLoad } from '../../support/load.ts';

/** What clients on the internet notice of what is done to the cluster: nothing, at 200 requests a second. */
const name = 'noloss';
const web = new URL('./patient-web.yaml', import.meta.url).pathname;
const direct = new URL('./direct-web.yaml', import.meta.url).pathname;
keepEvidence(name);

beforeAll(() => raiseGolden(name), minutes(20));
afterAll(() => labOk('down', '--name', name), minutes(5));

const kubectl = (args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(3) });

/** Asks 200 times a second from 5 s before to 5 s after; every one must be answered. */
async function noneFails(service: string, work: () => Promise<void>): Promise<void> {
  const load = startLoad(name, `http://${await servedAt(kubectl, service)}/hostname`, 200);
  let told: LoadTold;
  try {
    await sleep(seconds(5));
    await work();
    await sleep(seconds(5));
  } finally {
    told = await load.end();
    console.log(JSON.stringify(told));
  }
  expect(told.failures).toEqual([]);
  expect(told.answered).toBe(told.asked);
  // The load was there: asked for as many as the time had room for.
  expect(told.asked).toBeGreaterThan(told.seconds * 190);
  expect(told.overHeld).toBeGreaterThan(told.seconds * 5);
}

test(
  'a cloud machine is removed, with its pods and open connections, and no request is lost',
  async () => {
    await kubectl(['apply', '-f', web]);
    await kubectl(['rollout', 'status', '--timeout=150s', 'deployment/web']);
    const onNode = await kubectl(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}']);
    expect(onNode.split(' ')).toContain('web-2');
    const file = join(pathsOf(name).state, 'cluster.yaml');
    const config = parse(await readFile(file, 'utf8')) as { cloudMachines: readonly { name: string }[] };
    const cloudMachines = config.cloudMachines.filter((machine) => machine.name !== 'web-2');
    await noneFails('shop', async () => {
      await writeFile(file, stringify({ ...config, cloudMachines }));
      const { code, said } = await (await operatorStarts(name, ['up', '--yes'])).end(minutes(6));
      console.log(said);
      expect(code, said).toBe(0);
      expect(said).toMatch(/take out of load balancers web-2/);
    });
    expect(await kubectl(['get', 'nodes', '-o', 'name'])).not.toContain('web-2');
  },
  minutes(15),
);

/** Which kind of back ends the Service says that it has. */
async function untilSaid(service: string, what: RegExp): Promise<void> {
  await waitFor(
    `Service ${service} to say ${what}`,
    async () => {
      const { status } = JSON.parse(await kubectl(['get', 'service', service, '-o', 'json'])) as {
        status: { conditions?: readonly { message: string }[] };
      };
      const said = status.conditions?.[0]?.message ?? '';
      if (!what.test(said)) throw new Error(said);
      return true;
    },
    { within: minutes(2), every: seconds(1) },
  );
}

test(
  'pods that the load balancer sends to directly are all replaced, and no request is lost',
  async () => {
    await kubectl(['apply', '-f', direct]);
    await kubectl(['rollout', 'status', '--timeout=150s', 'deployment/direct']);
    await untilSaid('direct', /sends to 2 pods directly$/);
    const podsOf = () => kubectl(['get', 'pods', '-l', 'app=direct', '-o', 'jsonpath={.items[*].metadata.name}']);
    const before = (await podsOf()).split(' ');
    await noneFails('direct', async () => {
      await kubectl(['rollout', 'restart', 'deployment/direct']);
      await kubectl(['rollout', 'status', '--timeout=170s', 'deployment/direct']);
      // Until the last pod of before has ended.
      await waitFor(
        'the old pods to end',
        async () => (await podsOf()).split(' ').every((pod) => !before.includes(pod)),
        {
          within: minutes(2),
          every: seconds(1),
        },
      );
    });
    await untilSaid('direct', /sends to 2 pods directly$/);
  },
  minutes(15),
);

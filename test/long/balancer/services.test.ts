import { afterAll, beforeAll, expect, test } from 'vitest';
import { awaitAddress } from '#lab/demo/reach.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { operatorStarts } from '../../lab/cluster/operator.ts';
import { labOk } from '../../lab/lab-tools.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { raiseGolden } from '../../support/golden-lab.ts';
import { answeredByEveryPod, callFromInternet } from '../../support/internet-client.ts';
import { succeeds } from '../../support/isthmus.ts';

/** Services that face the world, with packets from a client on the internet, in a lab that begins from the converged one. */
const name = 'services';
const web = new URL('../../../lab/demo/web.yaml', import.meta.url).pathname;
const direct = new URL('./packets.yaml', import.meta.url).pathname;
keepEvidence(name);

beforeAll(() => raiseGolden(name), minutes(20));
afterAll(() => labOk('down', '--name', name), minutes(5));

const kubectl = (args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(3) });

async function operator(args: readonly string[]): Promise<string> {
  const { code, said } = await (await operatorStarts(name, args)).end(minutes(5));
  expect(code, said).toBe(0);
  return said;
}

test(
  'behind a classic load balancer nodes answer the client directly: every pod, and with Local those that see who it is',
  async () => {
    await kubectl(['apply', '-f', web]);
    await kubectl(['rollout', 'status', '--timeout=150s', 'deployment/web']);
    await kubectl(['apply', '-f', direct]);
    const ip = await awaitAddress(kubectl, { name: 'direct', namespace: 'default' });
    const nodes = await answeredByEveryPod(name, kubectl, ip);
    expect(new Set(nodes.map((node) => node.replace(/-.*/, '')))).toEqual(new Set(['web', 'base']));
    expect(await operator(['explain', 'service', 'direct'])).toContain('it answers the client directly');

    await kubectl(['patch', 'service', 'direct', '--patch', '{"spec":{"externalTrafficPolicy":"Local"}}']);
    await waitFor(
      'pods to see the client itself',
      async () => expect((await callFromInternet(name, `http://${ip}/clientip`)).stdout).toMatch(/^203\.0\.113\.\d+:/),
      { within: minutes(1), every: seconds(1) },
    );
    await kubectl(['delete', 'service', 'direct', '--timeout=90s']);
  },
  minutes(10),
);

test(
  'a client on the internet reaches pods on both sides through a load balancer and cloud nodes, and nothing is left after down',
  async () => {
    await kubectl(['apply', '-f', web]);
    await kubectl(['rollout', 'status', '--timeout=150s', 'deployment/web']);
    const expose = ['expose', 'deployment', 'web', '--name', 'shop', '--type', 'LoadBalancer'];
    await kubectl([...expose, '--port', '80', '--target-port', '8080']);
    const ip = await awaitAddress(kubectl, { name: 'shop', namespace: 'default' });
    const nodes = await answeredByEveryPod(name, kubectl, ip);
    expect(new Set(nodes.map((node) => node.replace(/-.*/, '')))).toEqual(new Set(['web', 'base']));

    const explained = await operator(['explain', 'service', 'shop']);
    expect(explained).toContain(`client: calls ${ip}`);
    console.log(explained);

    await operator(['down', '--yes']);
    const { code } = await callFromInternet(name, `http://${ip}/hostname`);
    expect(code).not.toBe(0);
  },
  minutes(15),
);

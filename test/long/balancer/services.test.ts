import { afterAll, beforeAll, expect, test } from 'vitest';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { operatorStarts } from '../../lab/cluster/operator.ts';
import { labOk } from '../../lab/lab-tools.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { raiseGolden } from '../../support/golden-lab.ts';
import { isthmus, succeeds } from '../../support/isthmus.ts';

/** Services that face the world, with packets from a client on the internet, in a lab that begins from the converged one. */
const name = 'services';
const web = new URL('../../../lab/demo/web.yaml', import.meta.url).pathname;
keepEvidence(name);

beforeAll(() => raiseGolden(name), minutes(20));
afterAll(() => labOk('down', '--name', name), minutes(5));

const kubectl = (args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(3) });

/** What the Service says of itself. */
async function served(): Promise<{ readonly ip: string | undefined; readonly said: string }> {
  const { status } = JSON.parse(await kubectl(['get', 'service', 'shop', '-o', 'json'])) as {
    status: {
      loadBalancer: { ingress?: readonly { ip: string }[] };
      conditions?: readonly { reason: string; message: string }[];
    };
  };
  const [said] = status.conditions ?? [];
  return { ip: status.loadBalancer.ingress?.[0]?.ip, said: `${said?.reason ?? 'nothing'}: ${said?.message ?? ''}` };
}

async function operator(args: readonly string[]): Promise<string> {
  const { code, said } = await (await operatorStarts(name, args)).end(minutes(5));
  expect(code, said).toBe(0);
  return said;
}

test(
  'a client on the internet reaches pods on both sides through a load balancer and cloud nodes, and nothing is left after down',
  async () => {
    await kubectl(['apply', '-f', web]);
    await kubectl(['rollout', 'status', '--timeout=150s', 'deployment/web']);
    const expose = ['expose', 'deployment', 'web', '--name', 'shop', '--type', 'LoadBalancer'];
    await kubectl([...expose, '--port', '80', '--target-port', '8080']);
    const ip = await waitFor(
      'the Service to be served',
      async () => {
        const now = await served();
        if (!now.said.startsWith('Serving: ')) throw new Error(now.said);
        return now.ip;
      },
      { within: minutes(2), every: seconds(1) },
    );

    const pods = JSON.parse(await kubectl(['get', 'pods', '-l', 'app=web', '-o', 'json'])) as {
      items: readonly { metadata: { name: string }; spec: { nodeName: string } }[];
    };
    expect(new Set(pods.items.map(({ spec: { nodeName } }) => nodeName.replace(/-.*/, '')))).toEqual(
      new Set(['web', 'base']),
    );
    const client = ['lab', 'exec', '--name', name, 'internet', '--', 'curl', '-s', '-m', '5', `http://${ip}/hostname`];
    const answered = new Set<string>();
    await waitFor(
      'every pod to have answered the client',
      async () => {
        const { code, stdout } = await isthmus(client, { within: seconds(20) });
        if (code === 0) answered.add(stdout.trim());
        if (answered.size < pods.items.length) throw new Error(`curl ${code}; answered: ${[...answered].join(' ')}`);
        return true;
      },
      { within: minutes(2), every: ms(100) },
    );
    expect([...answered].toSorted()).toEqual(pods.items.map(({ metadata }) => metadata.name).toSorted());

    const explained = await operator(['explain', 'service', 'shop']);
    expect(explained).toContain(`client: calls ${ip}`);
    console.log(explained);

    await operator(['down', '--yes']);
    const { code } = await isthmus(client, { within: seconds(20) });
    expect(code).not.toBe(0);
  },
  minutes(15),
);

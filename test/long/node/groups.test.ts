import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { NodeGroupObject } from '#kube/api/node-group.ts';
import { pathsOf } from '#lab/server/settings.ts';
import { formatMs, minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { formatChecks, holds, prove } from '../../../lab/demo/proof.ts';
import { operatorStarts } from '../../lab/cluster/operator.ts';
import { lab, labOk } from '../../lab/lab-tools.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { raiseGolden } from '../../support/golden-lab.ts';
import { groupLives } from '../../support/group-lives.ts';
import { succeeds } from '../../support/isthmus.ts';

const name = 'groups';
keepEvidence(name);

beforeAll(() => raiseGolden(name), minutes(25));
afterAll(() => labOk('down', '--name', name), minutes(3));

const kubectl = (args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(3) });

async function group(): Promise<NodeGroupObject> {
  return JSON.parse(await kubectl(['get', 'nodegroup', 'burst', '-o', 'json'])) as NodeGroupObject;
}

async function up(): Promise<string> {
  const ran = await (await operatorStarts(name, ['up', '--yes'])).end(minutes(10));
  expect(ran.code, ran.said).toBe(0);
  return ran.said;
}

async function change(edit: (file: Record<string, unknown>) => void): Promise<void> {
  const path = join(pathsOf(name).state, 'cluster.yaml');
  const file = parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  edit(file);
  await writeFile(path, stringify(file));
}

/** Names of machines in the cloud, as the lab sees them. */
async function machinesInCloud(): Promise<readonly string[]> {
  const { out } = await lab('status', '--name', name, '--output', 'json');
  return [...new Set(out.match(/burst-[a-z0-9]{5}/g) ?? [])];
}

async function scaledTo(count: number): Promise<NodeGroupObject> {
  const done = async (): Promise<NodeGroupObject> => {
    const seen = await group();
    const said = seen.status?.conditions?.find(({ type }) => type === 'Scaled');
    if (said?.reason === 'AsWanted' && seen.status?.ready === count && seen.status.machines === count) return seen;
    throw new Error(`${said?.reason}: ${said?.message}`);
  };
  return waitFor(`the group to have ${count} machines`, done, { within: minutes(6), every: seconds(1) });
}

test(
  'kubectl scale nodegroup makes two machines whose pods reach all others, and takes them away without a trace',
  async () => {
    await change((file) => {
      const shapes = [{ cpu: 2, memory: '4Gi' }];
      const taints = [{ key: 'pool', value: 'burst', effect: 'NoSchedule' }];
      const [first] = file['cloudMachines'] as readonly { readonly image: string }[];
      file['nodeGroups'] = [{ name: 'burst', shapes, image: first?.image, labels: { pool: 'burst' }, taints, max: 3 }];
    });
    expect(await up()).toContain('NodeGroup burst');
    await scaledTo(0);

    await expect(kubectl(['scale', 'nodegroup', 'burst', '--replicas=4'])).rejects.toThrow('desired is above max');
    const began = performance.now();
    await kubectl(['scale', 'nodegroup', 'burst', '--replicas=2']);
    const { status } = await scaledTo(2);
    console.log(`two machines of a group, from kubectl scale to Ready: ${formatMs(ms(performance.now() - began))}`);
    const made = (status?.members ?? []).map((member) => member.name).toSorted();
    for (const machine of made) {
      const node = JSON.parse(await kubectl(['get', 'node', machine, '-o', 'json'])) as {
        metadata: { labels: Record<string, string> };
        spec: { taints?: readonly object[] };
      };
      expect(node.metadata.labels).toMatchObject({ pool: 'burst', 'isthmus.dev/node-group': 'burst' });
      expect(node.spec.taints).toContainEqual({ key: 'pool', value: 'burst', effect: 'NoSchedule' });
    }
    // `up` leaves them alone, and leaves the number to who scales.
    expect(await up()).toContain('nothing to do');
    expect((await group()).spec.desired).toBe(2);
    expect(await kubectl(['get', 'secrets', '-n', 'kube-system', '-o', 'name'])).not.toContain('bootstrap-token');

    await kubectl(['apply', '-f', new URL('../../../lab/demo/web.yaml', import.meta.url).pathname]);
    const tolerating = { spec: { template: { spec: { tolerations: [{ key: 'pool', operator: 'Exists' }] } } } };
    await kubectl(['patch', 'deployment', 'web', '-p', JSON.stringify(tolerating)]);
    await kubectl(['scale', 'deployment', 'web', '--replicas=12']);
    await kubectl(['rollout', 'status', '--timeout=170s', 'deployment/web', 'daemonset/node-probe']);
    const where = await kubectl(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}']);
    for (const machine of made) expect(where).toContain(machine);
    const checks = await prove(kubectl);
    expect(holds(checks), formatChecks(checks)).toBe(true);
    console.log(formatChecks(checks));

    await kubectl(['scale', 'nodegroup', 'burst', '--replicas=0']);
    await scaledTo(0);
    const left = await kubectl(['get', 'nodes', '-o', 'name']);
    for (const machine of made) expect(left).not.toContain(machine);
    expect(await machinesInCloud()).toEqual([]);
    await kubectl(['rollout', 'status', '--timeout=120s', 'deployment/web']);

    await change((file) => {
      delete file['nodeGroups'];
    });
    expect(await up()).toContain('remove node group burst');
    expect(await kubectl(['get', 'nodegroups', '-o', 'name'])).toBe('');
  },
  minutes(25),
);

groupLives(1000, minutes(15));

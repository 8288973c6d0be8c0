import { readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { faultsOf, playLineCut } from '#lab/play/line-cut.ts';
import { openWorld, type World } from '#lab/play/world.ts';
import { pathsOf } from '#lab/server/settings.ts';
import { formatMs, type Ms, minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { operatorStarts } from '../test/lab/cluster/operator.ts';
import { raiseGolden } from '../test/support/golden-lab.ts';
import { succeeds } from '../test/support/isthmus.ts';
import { type Made, machinesTable, missedAims } from './machines-table.ts';

export interface MachinesSize {
  /** Cloud machines that the group gets at once. */
  readonly machines: number;
  /** How long the line is cut. */
  readonly minutes: number;
}

const lab = 'bmachines';
/** The physical machine that leaves and joins. */
const physical = { name: 'base-2', address: '192.168.50.12' };
const group = 'many';

/**
 * Machines that join and leave, in a lab with a cluster of five nodes: a physical one with the bundle on the other side of the line and on its own
 * disk, many cloud machines at once, and a site that is cut off and comes back. What is left behind, restarted or deleted wrongly ends the run.
 */
export async function benchMachines({ machines, minutes: cutMinutes }: MachinesSize): Promise<void> {
  note('a lab with a cluster of five nodes starts');
  await raiseGolden(lab);
  try {
    const world = await openWorld(lab, undefined, note);
    const load = loadavg()
      .map((one) => one.toFixed(0))
      .join(', ');
    const first = await leave();
    const addedOverLine = await enter(world);
    const putBack = await keepBundle(world);
    const second = await leave();
    await putBack();
    const addedFromDisk = await enter(world);
    const { asked, made } = await scaleOut(world, machines);
    const cut = await playLineCut(world, minutes(cutMinutes));
    const outcome = {
      load,
      addedOverLine,
      addedFromDisk,
      removed: [first, second],
      asked,
      made,
      cutFor: minutes(cutMinutes),
      healed: cut.healed,
      restarted: cut.after.restarted.length + cut.after.made.length,
    };
    console.log(`\n${machinesTable(outcome)}`);
    const faults = faultsOf({ ...cut, healed: ms(0) });
    if (faults.length > 0) throw new Error(`the cut was not without consequences: ${faults.join('; ')}`);
    for (const missed of missedAims(outcome)) console.log(missed);
  } finally {
    await succeeds(['lab', 'down', '--name', lab], { within: minutes(3) });
  }
}

/** The whole command as its user waits for it. @fails Error when it does not succeed or reports that something is left */
async function node(...args: readonly string[]): Promise<Ms> {
  const began = performance.now();
  const { code, said } = await (await operatorStarts(lab, ['node', ...args, '--yes'])).end(minutes(8));
  const took = ms(performance.now() - began);
  if (code !== 0) throw new Error(`isthmus node ${args.join(' ')} ended with ${code}:\n${said}`);
  note(`node ${args.join(' ')}: ${formatMs(took)}`);
  return took;
}

const leave = (): Promise<Ms> => node('remove', physical.name);

async function enter(world: World): Promise<Ms> {
  const took = await node('add', physical.name, '--address', physical.address);
  const isReady = (await world.nodes()).some(({ name, isReady }) => name === physical.name && isReady);
  if (!isReady) throw new Error(`node add has ended, and ${physical.name} is not Ready`);
  return took;
}

/**
 * Lays the files of the bundle aside, which a machine that leaves does not keep; its images stay in its containerd.
 * @shape puts them where a join looks for them
 */
async function keepBundle({ inside }: World): Promise<() => Promise<void>> {
  const kept = '/root/bench-bundle';
  await inside(
    physical.name,
    `mkdir -p ${kept} && cp -a /usr/local/bin/isthmus /usr/local/bin/kubeadm /usr/local/bin/kubelet ${kept}/ && cp -a /var/lib/isthmus/join-marks.json ${kept}/`,
  );
  return async () => {
    await inside(
      physical.name,
      `mkdir -p /var/lib/isthmus && cp -a ${kept}/isthmus ${kept}/kube* /usr/local/bin/ && grep -v '"kubeadm"' ${kept}/join-marks.json > /var/lib/isthmus/join-marks.json`,
    );
  };
}

async function scaleOut(
  world: World,
  count: number,
): Promise<{ readonly asked: number; readonly made: readonly Made[] }> {
  const { kubectl, cloud } = world;
  await applyGroup(kubectl, count);
  await untilScaled(world, 0);
  const before = (await cloud.calls()).length;
  const asked = Date.now();
  await kubectl('scale', 'nodegroup', group, `--replicas=${count}`);
  const ready = new Map<string, number>();
  await waitFor(
    `${count} machines of the group to be Ready`,
    async () => {
      for (const { name, isReady } of await world.nodes())
        if (name.startsWith(`${group}-`) && isReady && !ready.has(name)) ready.set(name, Date.now());
      return ready.size >= count;
    },
    { within: minutes(8), every: ms(500) },
  );
  const calls = (await cloud.calls())
    .slice(before)
    .filter(({ action, code }) => action === 'CreateUHostInstance' && code === 0);
  const called = Math.max(...calls.map(({ at }) => at));
  note(`${calls.length} calls of CreateUHostInstance, the last ${formatMs(ms(called - asked))} after the wish`);
  const made = await Promise.all(
    [...ready].map(async ([name, at]) => {
      const born = await world.inside(name, 'stat -c %.3W /var/log/isthmus-join.log');
      return { name, called, began: Number(born) * 1000, ready: at };
    }),
  );
  await kubectl('scale', 'nodegroup', group, '--replicas=0');
  await untilScaled(world, 0);
  await kubectl('delete', 'nodegroup', group, '--timeout=120s');
  return { asked, made };
}

async function applyGroup(kubectl: World['kubectl'], max: number): Promise<void> {
  const { state } = pathsOf(lab);
  const file = parse(await readFile(join(state, 'cluster.yaml'), 'utf8')) as {
    readonly cloudMachines: readonly { readonly image: string }[];
  };
  const wish = {
    apiVersion: 'isthmus.dev/v1alpha1',
    kind: 'NodeGroup',
    metadata: { name: group },
    spec: {
      shapes: [{ cpu: 2, memory: '4Gi' }],
      image: file.cloudMachines[0]?.image,
      disk: '40Gi',
      charge: 'hour',
      min: 0,
      max,
    },
  };
  const path = join(state, 'bench-group.json');
  await writeFile(path, JSON.stringify(wish));
  await kubectl('apply', '-f', path);
}

async function untilScaled({ kubectl, nodes }: World, count: number): Promise<void> {
  await waitFor(
    `the group to have ${count} machines`,
    async () => {
      const said = await kubectl(
        'get',
        'nodegroup',
        group,
        '-o',
        'jsonpath={.status.machines} {.status.conditions[*].reason}',
      );
      const left = (await nodes()).filter(({ name }) => name.startsWith(`${group}-`));
      if (said === `${count} AsWanted` && left.length === count) return true;
      throw new Error(said);
    },
    { within: minutes(5), every: seconds(1) },
  );
}

function note(line: string): void {
  console.log(`     ${line}`);
}

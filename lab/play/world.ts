import { join } from 'node:path';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { findMachine, initOf } from '../cli/find-machine.ts';
import { kubeconfigOf } from '../cli/office.ts';
import { markOf } from '../fabric/names.ts';
import { enterMachine, enterNetwork } from '../machine/enter.ts';
import { type CloudClient, openLab } from '../server/client.ts';
import { readSettings } from '../server/settings.ts';
import { command } from '../toolchain/command.ts';
import { type PlayPod, parsePods } from './compare-pods.ts';

/** A running lab with a cluster, as a scenario plays on it. */
export interface World {
  readonly kubectl: (...args: readonly string[]) => Promise<string>;
  /** A shell in the machine, which no cut of the line keeps from us. @fails Error when it ends with another code than 0 */
  readonly inside: (machine: string, script: string) => Promise<string>;
  readonly setLine: (change: { readonly cut: boolean }) => Promise<void>;
  readonly cloud: CloudClient;
  readonly power: (machine: string, action: 'start' | 'off') => Promise<void>;
  readonly nodes: () => Promise<readonly PlayNode[]>;
  /** Those of the scenarios. */
  readonly pods: () => Promise<readonly PlayPod[]>;
  /** A line for the reader, with the time since the beginning. */
  readonly say: (line: string) => void;
}

export interface PlayNode {
  readonly name: string;
  readonly uid: string;
  readonly ground: string;
  readonly isControlPlane: boolean;
  readonly isReady: boolean;
  /** Reason and message of `isthmus.dev/Cut`. */
  readonly cut: string | undefined;
  /** The same of `isthmus.dev/MachineKnown`. */
  readonly machineKnown: string | undefined;
}

/** @fails Error when there is no such lab, or it has no cluster */
export async function openWorld(lab: string, cluster: string | undefined, say: (line: string) => void): Promise<World> {
  const { bundle } = await readSettings(lab);
  const client = await openLab(lab);
  const env = { KUBECONFIG: kubeconfigOf(lab, cluster) };
  const run = ([program = '', ...args]: readonly string[], options = {}) => command(program, args, options);
  const kubectl = (...args: readonly string[]): Promise<string> =>
    run(enterNetwork(markOf(lab, 'office'), [join(bundle.folder, 'bin/kubectl'), ...args]), { env });
  return {
    kubectl,
    inside: (machine, script) =>
      run(enterMachine(initOf(findMachine(lab, machine)), ['sh', '-c', script], { term: 'dumb' })),
    setLine: async (change) => void (await client.changeLine(change)),
    cloud: client.cloud,
    power: (machine, action) => client.power(findMachine(lab, machine).key, action),
    nodes: async () => parseNodes(await kubectl('get', 'nodes', '-o', 'json')),
    pods: async () => parsePods(await kubectl('get', 'pods', '-n', 'play', '-o', 'json')),
    say,
  };
}

export function parseNodes(text: string): readonly PlayNode[] {
  const { items } = JSON.parse(text) as { readonly items: readonly KubeNode[] };
  return items.map(({ metadata: { name, uid, labels }, status: { conditions } }) => {
    const saidOf = (wanted: string): string | undefined => {
      const said = conditions.find(({ type }) => type === wanted);
      return said && `${said.reason}: ${said.message}`;
    };
    return {
      name,
      uid,
      ground: labels['isthmus.dev/ground'] ?? '',
      isControlPlane: 'node-role.kubernetes.io/control-plane' in labels,
      isReady: conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
      cut: saidOf('isthmus.dev/Cut'),
      machineKnown: saidOf('isthmus.dev/MachineKnown'),
    };
  });
}

interface KubeNode {
  readonly metadata: { readonly name: string; readonly uid: string; readonly labels: Readonly<Record<string, string>> };
  readonly status: {
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
  };
}

/** Makes the pods of the scenarios, anew where they are left over, and waits until each is ready on its side. */
export async function makePods({ kubectl, pods, say }: World): Promise<readonly PlayPod[]> {
  await removePods(kubectl);
  say('making four pods on both sides and two that only the site may have, with a Service each (namespace play)');
  await kubectl('apply', '-f', join(import.meta.dirname, 'pods.yaml'));
  await kubectl('-n', 'play', 'rollout', 'status', '--timeout=180s', 'deployment/everywhere', 'deployment/homebound');
  return pods();
}

export async function removePods(kubectl: World['kubectl']): Promise<void> {
  await kubectl('delete', 'namespace', 'play', '--ignore-not-found', '--timeout=180s');
}

/** @shape how long it took, in milliseconds, until all nodes and pods were ready */
export async function untilAllReady({ nodes, pods }: World): Promise<number> {
  const begun = performance.now();
  await waitFor(
    'all nodes and pods to be ready',
    async () => {
      const all = [...(await nodes()), ...(await pods()).filter(({ isGoing }) => !isGoing)];
      return all.every(({ isReady }) => isReady);
    },
    { within: minutes(5), every: ms(500) },
  );
  return performance.now() - begun;
}

export const lookEvery = seconds(20);

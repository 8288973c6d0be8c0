import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Instant, minutes, ms, WaitedTooLong, waitFor } from '#unit/clock.ts';
import { kubeconfigsOf } from '../cli/office.ts';
import { markOf } from '../fabric/names.ts';
import { enterNetwork } from '../machine/enter.ts';
import { readSettings } from '../server/settings.ts';
import { command } from '../toolchain/command.ts';
import { type KubeList, type Ready, readyIn } from './ready-in.ts';

/** What is Ready in the lab's cluster; nothing for a lab without one, or whose API server does not answer. */
export async function observeReady(lab: string): Promise<Ready> {
  const nothing: Ready = { nodes: [], pods: [] };
  return (await observe(lab, undefined)) ?? nothing;
}

/**
 * Waits until everything in the lab's cluster that was Ready when it was saved has become so again, by what the nodes tell after
 * `since`: what the API server remembers of the time before says nothing.
 * @fails Error that names what was not ready in time
 */
export async function awaitReady(lab: string, wanted: Ready, since: Instant): Promise<void> {
  let missing: readonly string[] = [...wanted.nodes, ...wanted.pods];
  if (missing.length === 0) return;
  const look = async (): Promise<boolean> => {
    const seen = await observe(lab, since);
    if (seen === undefined) return false;
    missing = [
      ...wanted.nodes.filter((node) => !seen.nodes.includes(node)).map((node) => `node ${node}`),
      ...wanted.pods.filter((pod) => !seen.pods.includes(pod)).map((pod) => `pod ${pod}`),
    ];
    return missing.length === 0;
  };
  await waitFor('the cluster to be ready again', look, { within: minutes(3), every: ms(500) }).catch((e: unknown) => {
    if (!(e instanceof WaitedTooLong)) throw e;
    throw new Error(`lab "${lab}" is up, but in its cluster these are not ready after 3 min: ${missing.join(', ')}`);
  });
}

async function observe(lab: string, since: Instant | undefined): Promise<Ready | undefined> {
  const [cluster] = kubeconfigsOf(lab);
  if (cluster === undefined) return undefined;
  const { bundle } = await readSettings(lab);
  const kubectl = join(bundle.folder, 'bin/kubectl');
  if (!existsSync(kubectl)) return undefined;
  const ask = [
    kubectl,
    `--kubeconfig=${cluster.path}`,
    '--request-timeout=5s',
    'get',
    'nodes,pods',
    '-A',
    '-o',
    'json',
  ];
  const [program = '', ...args] = enterNetwork(markOf(lab, 'office'), ask);
  const said = await command(program, args).catch(() => undefined);
  return said === undefined ? undefined : readyIn(JSON.parse(said) as KubeList, since);
}

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { markOf } from '../fabric/names.ts';
import { enterNetwork } from '../machine/enter.ts';
import { pathsOf, readSettings } from '../server/settings.ts';
import { checkRoot, nameOption } from './options.ts';
import { become } from './run.ts';

export function kubectlCommand() {
  return new Command('kubectl')
    .description("run kubectl in the office with the kubeconfig of the lab's cluster")
    .argument('[args...]', "kubectl's own arguments")
    .addOption(nameOption())
    .option('--cluster <name>', 'which cluster, when the lab has several')
    .passThroughOptions()
    .addHelpText('after', '\nExample:\n  isthmus lab kubectl get nodes -o wide')
    .action(async (args, { name, cluster }) => {
      checkRoot();
      const { bundle } = await readSettings(name);
      const kubectl = [join(bundle.folder, 'bin/kubectl'), ...args];
      await become(enterNetwork(markOf(name, 'office'), kubectl), { KUBECONFIG: kubeconfigOf(name, cluster) });
    });
}

/** Where `isthmus up -f cluster.yaml` leaves it: beside that file. */
function kubeconfigOf(lab: string, asked: string | undefined): string {
  const folder = join(pathsOf(lab).state, '.isthmus');
  const clusters = existsSync(folder) ? readdirSync(folder).sort() : [];
  const made = clusters.filter((cluster) => existsSync(join(folder, cluster, 'kubeconfig')));
  const chosen = asked ?? (made.length === 1 ? made[0] : undefined);
  if (chosen !== undefined && made.includes(chosen)) return join(folder, chosen, 'kubeconfig');
  if (made.length === 0)
    throw new Error(
      `lab "${lab}" has no cluster yet; make one with \`isthmus up -f ${pathsOf(lab).state}/cluster.yaml\` in the office`,
    );
  throw new Error(`say which cluster with --cluster; lab "${lab}" has ${made.join(', ')}`);
}

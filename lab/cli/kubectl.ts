import { join } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { markOf } from '../fabric/names.ts';
import { enterNetwork } from '../machine/enter.ts';
import { readSettings } from '../server/settings.ts';
import { kubeconfigsOf } from './office.ts';
import { nameOption } from './options.ts';
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
      const { bundle } = await readSettings(name);
      const kubectl = [join(bundle.folder, 'bin/kubectl'), ...args];
      await become(enterNetwork(markOf(name, 'office'), kubectl), { env: { KUBECONFIG: kubeconfigOf(name, cluster) } });
    });
}

/** @fails Error when there is no such kubeconfig, or several to choose from */
function kubeconfigOf(lab: string, asked: string | undefined): string {
  const made = kubeconfigsOf(lab);
  const chosen = asked === undefined && made.length === 1 ? made[0] : made.find(({ cluster }) => cluster === asked);
  if (chosen !== undefined) return chosen.path;
  if (made.length === 0)
    throw new Error(
      `lab "${lab}" has no cluster yet; make one with \`isthmus lab exec --name ${lab} office -- isthmus up\``,
    );
  throw new Error(
    `say which cluster with --cluster; lab "${lab}" has ${made.map(({ cluster }) => cluster).join(', ')}`,
  );
}

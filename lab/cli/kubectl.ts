import { join } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { markOf } from '../fabric/names.ts';
import { enterNetwork } from '../machine/enter.ts';
import { readSettings } from '../server/settings.ts';
import { kubeconfigOf } from './office.ts';
import { nameOption } from './options.ts';
import { become, ownArguments } from './run.ts';

export function kubectlCommand() {
  return (
    new Command('kubectl')
      .description("run kubectl in the office with the kubeconfig of the lab's cluster")
      .argument('[args...]', "kubectl's own arguments")
      .addOption(nameOption())
      .option('--cluster <name>', 'which cluster, when the lab has several')
      // kubectl's own options may come first: isthmus lab kubectl -n kube-system get pods
      .passThroughOptions()
      .allowUnknownOption()
      .addHelpText(
        'after',
        '\nExamples:\n  isthmus lab kubectl get nodes -o wide\n  isthmus lab kubectl -n kube-system get pods',
      )
      .action(async (args, { name, cluster }) => {
        const { bundle } = await readSettings(name);
        const kubectl = [join(bundle.folder, 'bin/kubectl'), ...ownArguments(args)];
        await become(enterNetwork(markOf(name, 'office'), kubectl), {
          env: { KUBECONFIG: kubeconfigOf(name, cluster) },
        });
      })
  );
}

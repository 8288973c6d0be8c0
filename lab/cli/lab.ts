import { Command } from '@commander-js/extra-typings';
import { cloudCommand } from './cloud.ts';
import { conformanceCommand } from './conformance.ts';
import { downCommand } from './down.ts';
import { execCommand } from './exec.ts';
import { kubectlCommand } from './kubectl.ts';
import { lineCommand } from './line.ts';
import { machineCommand } from './machine.ts';
import { checkRoot } from './options.ts';
import { playCommand } from './play.ts';
import { saveCommand } from './save.ts';
import { savedCommand } from './saved.ts';
import { sshCommand } from './ssh.ts';
import { statusCommand } from './status.ts';
import { upCommand } from './up.ts';

export { ownParts } from '../toolchain/own-parts.ts';

/**
 * `isthmus lab …`: a cloud, a leased line and a site with real machines, on this one computer.
 * `stop` is aborted when the person wants to stop; only `up` has something to clear away then.
 */
export function labCommand(stop: AbortSignal): Command {
  const lab = new Command('lab')
    .description('a simulated cloud and site with real machines, on this one computer (needs root)')
    // So that what follows the name of a place or of kubectl's own command belongs to that command.
    .enablePositionalOptions()
    .addHelpText('after', examples)
    .hook('preAction', checkRoot);
  for (const make of [
    () => upCommand(stop),
    downCommand,
    statusCommand,
    execCommand,
    sshCommand,
    kubectlCommand,
    machineCommand,
    lineCommand,
    cloudCommand,
    conformanceCommand,
    playCommand,
    saveCommand,
    savedCommand,
  ])
    lab.addCommand(make());
  return lab as unknown as Command;
}

const examples = `
Examples:
  isthmus lab up                                  make the lab "lab" and write its cluster.yaml
  isthmus lab exec office -- ping -c 1 192.168.50.11
  isthmus lab ssh base-1
  isthmus lab line cut                            cut the leased line, both directions
  isthmus lab play line-cut                       cut it for seven minutes, and see what becomes of the pods
  isthmus lab cloud fault plant --action CreateUHostInstance --kind timeout-done --times 1
  isthmus lab save ready                          save it; start another one from it: lab up --name second --from ready
  isthmus lab down                                remove it completely`;

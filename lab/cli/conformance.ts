import { join } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { hours, ms } from '#unit/clock.ts';
import { countSchedulable, type Kubectl, withCloudPods } from '../conformance/cloud-pods.ts';
import { formatResults } from '../conformance/format-results.ts';
import { limits } from '../conformance/limits.ts';
import { archivesForSpecs, loadImages } from '../conformance/load-images.ts';
import type { SpecResult } from '../conformance/read-report.ts';
import { explainRun, progressPrinter, runSuite } from '../conformance/run-suite.ts';
import { ensureSuite } from '../conformance/suite.ts';
import { markOf } from '../fabric/names.ts';
import { enterNetwork } from '../machine/enter.ts';
import { pathsOf, readSettings } from '../server/settings.ts';
import { command } from '../toolchain/command.ts';
import { kubeconfigOf } from './office.ts';
import { checkRoot, nameOption, outputOption, usage } from './options.ts';

/** The network and the nodes are what Isthmus answers for. */
const ours: string[] = ['\\[sig-network\\].*\\[Conformance\\]', '\\[sig-node\\].*\\[Conformance\\]'];

/** What a certified Kubernetes has to pass. Those that need the cluster to themselves run alone, after the others. */
const everything: string[] = ['\\[Conformance\\]'];

export function conformanceCommand() {
  return new Command('conformance')
    .description("run Kubernetes' own conformance tests against the lab's cluster")
    .addOption(nameOption())
    .option('--cluster <name>', 'which cluster, when the lab has several')
    .addOption(new Option('--all', 'run every conformance spec of all groups').conflicts('focus'))
    .option('--focus <regex>', 'run only specs whose full name matches; can be repeated', addPattern, ours)
    .option(
      '--cloud-pods',
      'run the pods of the specs on cloud nodes only: nodes of the site are cordoned until the end',
    )
    .option('--parallel <n>', 'number of specs that run at the same time', usage(count), 4)
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
The exit code is 0 only if at least one spec ran and all specs that ran passed.

Examples:
  isthmus lab conformance
  isthmus lab conformance --all --parallel 8
  isthmus lab conformance --focus 'Services should serve' --parallel 2
  isthmus lab conformance --cloud-pods --focus 'LoadBalancers'`,
    )
    .action(async ({ name, cluster, all, focus: asked, cloudPods, parallel, output }) => {
      checkRoot();
      const { bundle } = await readSettings(name);
      const focus = all === true ? everything : asked;
      const kubeconfig = kubeconfigOf(name, cluster);
      // Ctrl-C is the suite's to take: it cleans up in the cluster, and its report tells how far it came.
      process.on('SIGINT', () => {});
      const suite = await ensureSuite(console.error);
      await loadImages(name, [...suite.images, ...(await archivesForSpecs(bundle.folder))], console.error);
      const folder = join(pathsOf(name).state, 'conformance');
      const network = markOf(name, 'office');
      const kubectl: Kubectl = (...args) => {
        const [program = '', ...inside] = enterNetwork(network, [join(bundle.folder, 'bin/kubectl'), ...args]);
        return command(program, inside, { env: { KUBECONFIG: kubeconfig } });
      };
      const start = performance.now();
      const runAll = async (): Promise<readonly SpecResult[]> => {
        const nodes = await countSchedulable(kubectl);
        const run = { network, kubeconfig, folder, focus, limits, nodes, parallel, within: hours(3) };
        return runSuite(suite, run, progressPrinter(console.error));
      };
      const results = await (cloudPods === true ? withCloudPods(kubectl, console.error, runAll) : runAll());
      const took = ms(performance.now() - start);
      console.log(output === 'json' ? JSON.stringify(results, undefined, 2) : formatResults(results, limits));
      console.error(`\n${explainRun(results, took)}; output and report are in ${folder}`);
      if (results.length === 0) throw new Error(`no spec matches ${focus.join(' or ')}; nothing was run`);
      process.exitCode = results.some(({ state }) => state === 'failed') ? 1 : 0;
    });
}

function addPattern(pattern: string, before: readonly string[]): string[] {
  return before === ours ? [pattern] : [...before, pattern];
}

function count(text: string): number {
  const value = Number(text);
  if (!(Number.isInteger(value) && value >= 1 && value <= 32))
    throw new Error(`--parallel ${text}: write a whole number from 1 to 32, such as 4`);
  return value;
}

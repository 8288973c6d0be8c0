import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { CommandFailed, exitCodes } from '#cli/tools.ts';
import { hours, ms } from '#unit/clock.ts';
import { formatResults } from '../conformance/format-results.ts';
import { letIn } from '../conformance/let-in.ts';
import { type Limits, limits, limitsOf } from '../conformance/limits.ts';
import { archivesForSpecs, loadImages } from '../conformance/load-images.ts';
import { withoutOwnSide } from '../conformance/own-side.ts';
import { countSchedulable, type Kubectl, type Side, sides, withPodsOn } from '../conformance/pods-on.ts';
import type { SpecResult } from '../conformance/read-report.ts';
import { explainRun, progressPrinter, runSuite } from '../conformance/run-suite.ts';
import {
  planRounds,
  type Round,
  type StorageName,
  storageDrivers,
  storageNames,
  writeTestDriver,
} from '../conformance/storage-drivers.ts';
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
    .addOption(
      new Option(
        '--storage <driver>',
        'run upstream’s specs of storage drivers for one of ours; --focus chooses among them',
      )
        .choices(storageNames)
        .conflicts('all'),
    )
    .addOption(
      new Option(
        '--pods-on <side>',
        'run the pods of the specs on nodes of one side only: those of the other are cordoned until the end',
      ).choices(sides),
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
  isthmus lab conformance --pods-on cloud --focus 'LoadBalancers'
  isthmus lab conformance --storage udisk --parallel 6`,
    )
    .action(async ({ name, cluster, all, focus: asked, storage, podsOn, parallel, output }) => {
      checkRoot();
      const { bundle } = await readSettings(name);
      const kubeconfig = kubeconfigOf(name, cluster);
      // Ctrl-C is the suite's to take: it cleans up in the cluster, and its report tells how far it came.
      process.on('SIGINT', () => {});
      const network = markOf(name, 'office');
      const kubectl: Kubectl = (...args) => {
        const [program = '', ...inside] = enterNetwork(network, [join(bundle.folder, 'bin/kubectl'), ...args]);
        return command(program, inside, { env: { KUBECONFIG: kubeconfig } });
      };
      const plan = await planRun(kubectl, { focus: all === true ? everything : asked, storage, podsOn });
      const suite = await ensureSuite(console.error);
      await loadImages(name, [...suite.images, ...(await archivesForSpecs(bundle.folder))], console.error);
      await letIn(name);
      const folder = join(pathsOf(name).state, 'conformance');
      await rm(folder, { recursive: true, force: true });
      const testDriver = storage && (await writeTestDriver(folder, storageDrivers[storage]));
      const start = performance.now();
      const { limits: notRun } = plan;
      const common = { network, kubeconfig, sshKey: pathsOf(name).key, limits: notRun, parallel, within: hours(3) };
      const results: SpecResult[] = [];
      for (const [at, { podsOn: side, ...round }] of plan.rounds.entries()) {
        const own = {
          ...round,
          folder: join(folder, `round-${at + 1}`),
          ...(testDriver !== undefined && { testDriver }),
        };
        const work = async (): Promise<readonly SpecResult[]> =>
          runSuite(
            suite,
            { ...common, ...own, nodes: await countSchedulable(kubectl) },
            progressPrinter(console.error),
          );
        const given = { kubectl, note: console.error };
        results.push(...(await withoutOwnSide(given, () => withPodsOn(side, given, work))));
      }
      const took = ms(performance.now() - start);
      console.log(output === 'json' ? JSON.stringify(results, undefined, 2) : formatResults(results, notRun));
      console.error(`\n${explainRun(results, took)}; output and report are in ${folder}`);
      if (results.length === 0) throw new Error(`no spec matches ${asked.join(' or ')}; nothing was run`);
      if (results.some(({ state }) => state === 'failed')) throw new CommandFailed(exitCodes.failed);
    });
}

/** @fails Error when the cluster does not have the driver */
async function planRun(
  kubectl: Kubectl,
  asked: {
    readonly focus: readonly string[];
    readonly storage: StorageName | undefined;
    readonly podsOn: Side | undefined;
  },
): Promise<{ readonly rounds: readonly Round[]; readonly limits: Limits }> {
  const { focus, storage, podsOn } = asked;
  if (storage === undefined) return { rounds: [{ focus, skip: [], podsOn }], limits };
  const driver = storageDrivers[storage];
  const drivers = await kubectl('get', 'csidrivers', '-o', 'name');
  if (!drivers.split('\n').includes(`csidriver.storage.k8s.io/${driver.name}`))
    throw new Error(
      `the cluster does not have ${driver.name}: switch it on in cluster.yaml (docs/guide/storage.md) and run isthmus up`,
    );
  return { rounds: planRounds(driver, focus === ours ? [] : focus, podsOn), limits: await limitsOf(storage) };
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

import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { CommandFailed, exitCodes } from '#cli/tools.ts';
import { addonNames } from '#cluster/bundle/bundle.ts';
import { formatMs, ms } from '#unit/clock.ts';
import { ensureImage } from '../image/image.ts';
import { openSaved } from '../saved/open-saved.ts';
import { raiseFileWatchers } from '../server/file-watchers.ts';
import { checkMachineNames, type LabWish, observeLab, raiseLab, restartLab, type SavedWish } from '../server/raise.ts';
import { pathsOf, siteModes } from '../server/settings.ts';
import { ensureBundle } from '../toolchain/ensure-bundle.ts';
import { nameOption, usage } from './options.ts';

export function upCommand(stop: AbortSignal) {
  return new Command('up')
    .description('make a lab, and wait until its physical machines answer SSH')
    .addOption(nameOption())
    .addOption(
      new Option('--machines <names>', 'physical machines, comma-separated')
        .default(['base-1', 'base-2'], 'base-1,base-2')
        .argParser(usage((text) => checkMachineNames(list(text)))),
    )
    .option(
      '--speed <factor>',
      'delays of the simulated cloud: 1 as in the real cloud, 0.1 a tenth of that',
      factor,
      0.2,
    )
    .option('--bundle <folder>', 'serve this Kubernetes bundle instead of building one')
    .addOption(
      new Option('--addon <name>', 'have this addon in the bundle and in cluster.yaml')
        .choices(addonNames)
        .conflicts(['bundle', 'from']),
    )
    .addOption(
      new Option(
        '--site-mode <mode>',
        'how cluster.yaml has pods of physical machines; mixed: every second machine is bridged',
      )
        .choices(siteModes)
        .default('routed' as const)
        .conflicts('from'),
    )
    .addOption(
      new Option('--from <saved>', 'start from this saved lab, and wait until its cluster is ready').conflicts([
        'machines',
        'speed',
      ]),
    )
    .addHelpText(
      'after',
      `
Examples:
  isthmus lab up
  isthmus lab up --name second --machines base-1,base-2,base-3 --speed 1
  isthmus lab up --addon ingress
  isthmus lab up --site-mode mixed
  isthmus lab up --name second --from ready       from a lab that was saved with: isthmus lab save ready`,
    )
    .action(async ({ name, machines, speed, bundle, addon, siteMode, from }) => {
      const { state } = pathsOf(name);
      const seen = await observeLab(name);
      if (seen !== 'none' && from !== undefined)
        throw new CommandFailed(
          exitCodes.usage,
          `a lab "${name}" exists already; name another one with --name, or remove it with \`isthmus lab down --name ${name}\``,
        );
      if (seen !== 'none') {
        const restarted = seen === 'broken' && (await restartLab(name, tellStep));
        const how = restarted
          ? 'again; its machines were restarted as after a power failure, and the line is healed'
          : 'already';
        console.log(`lab "${name}" is up ${how}; its files are in ${state}`);
        return;
      }
      const raised = await raiseFileWatchers();
      if (raised !== undefined) console.log(raised);
      const { root } = await unless(stop, ensureImage(console.log));
      const addons = addon === undefined ? [] : [addon];
      const folder = bundle ?? (await unless(stop, ensureBundle(console.log, addons)));
      if (from !== undefined) {
        await raise({ name, saved: await openSaved(from, { image: root, bundle: folder }) }, stop);
        console.log(`lab "${name}" is up as "${from}" was saved; its files are in ${state}`);
        return;
      }
      await raise({ name, machines, speed, image: root, bundle: folder, addons, siteMode }, stop);
      console.log(nextSteps(name, state));
    });
}

/** A build has nothing to put in order: this process takes its children with it, and the next build begins anew. */
function unless<T>(stop: AbortSignal, build: Promise<T>): Promise<T> {
  const stopped = new Promise<never>((_, reject) => {
    const tell = (): void =>
      reject(new CommandFailed(exitCodes.stopped, 'stopped; the build starts again the next time'));
    if (stop.aborted) tell();
    stop.addEventListener('abort', tell, { once: true });
  });
  return Promise.race([build, stopped]);
}

async function raise(wish: LabWish | SavedWish, stop: AbortSignal): Promise<void> {
  const tell = (): void => console.error('stopping, and removing what was made; press Ctrl-C again to stop at once');
  stop.addEventListener('abort', tell, { once: true });
  try {
    await raiseLab(wish, tellStep, stop);
  } catch (e) {
    if (!stop.aborted) throw e;
    throw new CommandFailed(exitCodes.stopped, `stopped; nothing of lab "${wish.name}" is left`);
  }
}

function tellStep(step: string, took: number): void {
  console.log(`${formatMs(ms(took)).padStart(8)}  ${step}`);
}

function nextSteps(name: string, state: string): string {
  const which = name === 'lab' ? '' : `--name ${name} `;
  return `lab "${name}" is up; its files are in ${state}. Make its cluster with:
  isthmus lab exec ${which}office -- isthmus up`;
}

function list(text: string): string[] {
  return text.split(',').filter((part) => part !== '');
}

function factor(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 10)) throw new InvalidArgumentError('write a number above 0 and up to 10, such as 0.2');
  return value;
}

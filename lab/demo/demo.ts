import { join } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { formatMs, ms, seconds, waitFor } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { nameOption } from '../cli/options.ts';
import { ensureImage } from '../image/image.ts';
import { checkDemoBundle, ensureBundle } from '../toolchain/ensure-bundle.ts';
import { commandsOf } from './commands.ts';
import { type Check, formatChecks, holds, prove } from './proof.ts';

/**
 * `npm run demo`: the main job from nothing, with the commands that a person would type, and then the proof. Leaves the lab
 * running. Ends with 0 only when every check holds.
 */
const started = performance.now();
const asked = readFlags();
const { type, kubectl, hint } = commandsOf(asked.name);

await step('Kubernetes, container images and the machines’ disk', async () => {
  const note = (line: string): void => console.log(`  ${line}`);
  await (asked.bundle === undefined ? ensureBundle(note) : checkDemoBundle(asked.bundle));
  await ensureImage(note);
});
await step('A cloud, a site and the line between them', () =>
  type('up', ...(asked.bundle === undefined ? [] : ['--bundle', asked.bundle])),
);
await step('One cluster over both', () => type('exec', 'office', '--', 'isthmus', 'up', '--yes'));
await step('A small web application on both sides', async () => {
  await type('kubectl', 'apply', '-f', join(import.meta.dirname, 'web.yaml'));
  await type('kubectl', 'rollout', 'status', '--timeout=120s', 'deployment/web', 'daemonset/node-probe');
  await type('kubectl', 'get', 'nodes,pods', '-o', 'wide');
});
const checks = await step('The proof', () => {
  console.log('  every pod and node asks every other one, and the Service');
  return proveInTime();
});

console.log(`\n${formatChecks(checks)}\n`);
console.log(
  `${holds(checks) ? 'Every check holds' : 'Not every check holds'}, ${formatMs(ms(performance.now() - started))} after the start.\n`,
);
console.log(`What to try next:
  ${hint('status')}
  ${hint('exec', 'office', '--', 'isthmus', 'status')}
  ${hint('kubectl', 'get', 'podranges')}
  ${hint('machine', 'reboot', 'base-1')}     and watch: ${hint('kubectl', 'get', 'nodes', '-w')}
  ${hint('line', 'cut')}                  and: ${hint('line', 'heal')}
  ${hint('down')}                  takes everything away
`);
process.exitCode = holds(checks) ? 0 : 1;

function readFlags(): { readonly name: string; readonly bundle: string | undefined } {
  const flags = new Command('npm run demo --')
    .addOption(nameOption())
    .option('--bundle <folder>', 'serve this Kubernetes bundle instead of making one');
  try {
    const { name, bundle } = flags.parse().opts();
    return { name, bundle };
  } catch (e) {
    console.error(messageOf(e));
    process.exit(2);
  }
}

async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const took = (): string => formatMs(ms(performance.now() - start));
  console.log(`\n== ${title}`);
  try {
    const value = await work();
    console.log(`== ${title}: done in ${took()}`);
    return value;
  } catch (e) {
    console.error(`== ${title}: failed after ${took()}: ${messageOf(e)}`);
    process.exit(1);
  }
}

/** Every node's kube-proxy needs a moment to learn a Service that is seconds old; what does not hold by then does not hold. */
async function proveInTime(): Promise<readonly Check[]> {
  let last: readonly Check[] = [];
  const look = async (): Promise<boolean> => {
    last = await prove(kubectl);
    if (!holds(last)) console.log('  not every check holds yet; asking again');
    return holds(last);
  };
  await waitFor('every check to hold', look, { within: seconds(60) }).catch((e: Error) =>
    console.error(`  ${e.message}`),
  );
  return last;
}

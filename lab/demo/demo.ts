import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { type AddonName, addonNames } from '#cluster/bundle/bundle.ts';
import { formatMs, ms, seconds, waitFor } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { nameOption } from '../cli/options.ts';
import { ensureImage } from '../image/image.ts';
import { pathsOf } from '../server/settings.ts';
import { checkDemoBundle, ensureBundle } from '../toolchain/ensure-bundle.ts';
import { commandsOf } from './commands.ts';
import { type Check, formatChecks, holds, prove } from './proof.ts';
import { awaitAddress, callOf, type Door, proveReach } from './reach.ts';
import { type Room, roomScript, withRoom } from './room.ts';
import { proveVolumes } from './volumes.ts';

/**
 * `npm run demo`: the main job from nothing, with the commands that a person would type, and then the proof. Leaves the lab
 * running. Ends with 0 only when every check holds.
 */
const started = performance.now();
const asked = readFlags();
const addons: readonly AddonName[] = asked.addon === undefined ? [] : [asked.addon];
const door: Door =
  asked.addon === 'ingress'
    ? { service: { name: 'envoy', namespace: 'isthmus-ingress' }, host: 'shop.example.com' }
    : { service: { name: 'shop', namespace: 'default' }, host: undefined };
const room: Room = { home: 'base-1', folder: '/srv/volumes' };
const commands = commandsOf(asked.name);
const { type, kubectl, client, hint } = commands;

await step('Kubernetes, container images and the machines’ disk', async () => {
  const note = (line: string): void => console.log(`  ${line}`);
  await (asked.bundle === undefined ? ensureBundle(note, addons) : checkDemoBundle(asked.bundle));
  await ensureImage(note);
});
await step('A cloud, a site and the line between them', () =>
  type(
    'up',
    ...(asked.bundle === undefined ? [] : ['--bundle', asked.bundle]),
    ...addons.flatMap((one) => ['--addon', one]),
  ),
);
if (asked.storage)
  await step('Volumes: disks and file shares of the cloud, and a folder of a physical machine', giveRoom);
await step('One cluster over both', () => type('exec', 'office', '--', 'isthmus', 'up', '--yes'));
await step('A small web application on both sides', async () => {
  // What faces the world is made with it, so that the cloud works on the balancer meanwhile.
  const front = door.host === undefined ? 'shop.yaml' : 'ingress.yaml';
  const files = ['web.yaml', front].flatMap((file) => ['-f', join(import.meta.dirname, file)]);
  await type('kubectl', 'apply', ...files);
  await type('kubectl', 'rollout', 'status', '--timeout=120s', 'deployment/web', 'daemonset/node-probe');
  await type('kubectl', 'get', 'nodes,pods', '-o', 'wide');
});
const inside = await step('The proof', () => {
  console.log('  every pod and node asks every other one, and the Service');
  return proveInTime();
});
const address = await step('The way in, from the internet', async () => {
  const served = await awaitAddress(kubectl, door.service);
  const { name, namespace } = door.service;
  await type('exec', 'office', '--', 'isthmus', 'explain', 'service', name, '--namespace', namespace);
  return served;
});
const volumes = asked.storage
  ? await step('A database on the site, a disk that follows its pod, and files that two nodes share', () =>
      proveVolumes(commands, pathsOf(asked.name).state),
    )
  : [];
const checks = [...inside, await proveReach(kubectl, client, door, address), ...volumes];

console.log(`\n${formatChecks(checks)}\n`);
console.log(
  `${holds(checks) ? 'Every check holds' : 'Not every check holds'}, ${formatMs(ms(performance.now() - started))} after the start.`,
);
console.log(`The application answers the internet at http://${door.host ?? address}/\n`);
console.log(`What to try next:
  ${hint('exec', 'internet', '--', 'curl', ...callOf(door, address))}
  ${hint('status')}
  ${hint('exec', 'office', '--', 'isthmus', 'status')}
  ${hint('kubectl', 'get', 'podranges')}
  ${hint('machine', 'reboot', 'base-1')}     and watch: ${hint('kubectl', 'get', 'nodes', '-w')}
  ${hint('line', 'cut')}                  and: ${hint('line', 'heal')}${asked.storage ? `\n  ${hint('exec', 'office', '--', 'isthmus', 'explain', 'pvc', 'album')}` : ''}
  ${hint('down')}                  takes everything away
`);
process.exitCode = holds(checks) ? 0 : 1;

function readFlags(): {
  readonly name: string;
  readonly bundle: string | undefined;
  readonly addon: AddonName | undefined;
  readonly storage: boolean;
} {
  const flags = new Command('npm run demo --')
    .addOption(nameOption())
    .addOption(new Option('--addon <name>', 'with this addon: ingress, for Envoy on the way in').choices(addonNames))
    .option('--storage', 'with volumes on both sides, and their proof', false)
    .addOption(
      new Option('--bundle <folder>', 'serve this Kubernetes bundle instead of making one').conflicts(['addon']),
    );
  try {
    const { name, bundle, addon, storage } = flags.parse().opts();
    return { name, bundle, addon, storage };
  } catch (e) {
    console.error(messageOf(e));
    process.exit(2);
  }
}

/** As an operator does it, before the first `isthmus up` or after it. */
async function giveRoom(): Promise<void> {
  await type('exec', room.home, '--', 'sh', '-c', roomScript(room));
  const file = join(pathsOf(asked.name).state, 'cluster.yaml');
  await writeFile(file, withRoom(await readFile(file, 'utf8'), room));
  console.log(
    `  ${file} now has "storage: { cloudDisks: true, fileShares: true }", and of ${room.home} "storage: { directories: [${room.folder}] }"`,
  );
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

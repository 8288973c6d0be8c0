import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { formatMs, ms, seconds, waitFor } from '#unit/clock.ts';
import { ensureImage } from '../image/image.ts';
import { ensureToolchain } from '../toolchain/toolchain.ts';
import { formatChecks, holds, prove } from './proof.ts';

/**
 * `npm run demo`: the main job from nothing, with the commands that a person would type, and then the proof. Leaves the lab
 * running. Ends with 0 only when every check holds.
 */
const project = join(import.meta.dirname, '..', '..');
const isthmus = join(project, 'bin', 'isthmus');
const started = performance.now();

await step('Kubernetes, container images and the machines’ disk', async () => {
  const note = (line: string): void => console.log(`  ${line}`);
  await ensureToolchain(note);
  await ensureImage(note);
});
await step('A cloud, a site and the line between them', () => type('lab', 'up'));
await step('One cluster over both', () => type('lab', 'exec', 'office', '--', 'isthmus', 'up', '--yes'));
await step('A small web application on both sides', async () => {
  await type('lab', 'kubectl', 'apply', '-f', join(import.meta.dirname, 'web.yaml'));
  await type('lab', 'kubectl', 'rollout', 'status', '--timeout=120s', 'deployment/web', 'daemonset/node-probe');
  await type('lab', 'kubectl', 'get', 'nodes,pods', '-o', 'wide');
});
const checks = await step('The proof', async () => {
  // Every node’s kube-proxy needs a moment to learn a Service that is seconds old.
  return waitFor('a proof', async () => prove(kubectl), { within: seconds(60) });
});

console.log(`\n${formatChecks(checks)}\n`);
console.log(
  `${holds(checks) ? 'Every check holds' : 'Not every check holds'}, ${formatMs(ms(performance.now() - started))} after the start.\n`,
);
console.log(`What to try next:
  bin/isthmus lab status
  bin/isthmus lab exec office -- isthmus status
  bin/isthmus lab kubectl get podranges
  bin/isthmus lab machine reboot base-1     and watch: bin/isthmus lab kubectl get nodes -w
  bin/isthmus lab line cut                  and: bin/isthmus lab line heal
  bin/isthmus lab down                      takes everything away
`);
process.exitCode = holds(checks) ? 0 : 1;

async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  console.log(`\n== ${title}`);
  const value = await work();
  console.log(`== ${title}: done in ${formatMs(ms(performance.now() - start))}`);
  return value;
}

/** Runs an isthmus command and shows it as a person would have typed it. @fails Error when it ends with another code than 0 */
async function type(...args: readonly string[]): Promise<void> {
  console.log(`$ isthmus ${args.join(' ')}`);
  const child = spawn(isthmus, args, { stdio: 'inherit' });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) {
    console.error(
      `isthmus ${args[0]} ${args[1]} ended with ${code}; the lab is left as it is, look with: bin/isthmus lab status`,
    );
    process.exit(1);
  }
}

async function kubectl(args: readonly string[]): Promise<string> {
  const child = spawn(isthmus, ['lab', 'kubectl', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${errors.trim()}`);
  return output;
}

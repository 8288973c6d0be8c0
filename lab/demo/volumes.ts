import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { minutes, ms, waitFor } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import type { Commands } from './commands.ts';
import type { Check, Kubectl } from './proof.ts';

type Hands = Pick<Commands, 'type' | 'kubectl'>;

/**
 * Shows and proves volumes of both sides: a database on the site keeps what it has answered for when its pod is killed, a disk of the cloud follows its
 * pod to another node, two cloud nodes write to one directory, and whoever asks for such a disk on the site is told.
 * @shape folder: takes the manifest with the name of our own image in it
 * @fails Error when something does not start, or kubectl fails; what does not hold is in the checks
 */
export async function proveVolumes({ type, kubectl }: Hands, folder: string): Promise<readonly Check[]> {
  const file = join(folder, 'volumes.yaml');
  await writeFile(file, await manifest(kubectl));
  await type('kubectl', 'apply', '-f', file);
  const workloads = ['statefulset/ledger', 'deployment/album', 'deployment/uploads'];
  await type('kubectl', 'rollout', 'status', '--timeout=120s', ...workloads);
  await type('kubectl', 'get', 'pvc,pods', '-l', 'app.kubernetes.io/part-of=volumes', '-o', 'wide');
  const kept = await proveDatabase({ type, kubectl });
  const moved = await proveDisk({ type, kubectl });
  const shared = await proveShare(kubectl);
  const misplaced = join(import.meta.dirname, 'misplaced.yaml');
  await type('kubectl', 'apply', '--dry-run=server', '-f', misplaced);
  return [kept, moved, shared, judgeWarning(await warningsOf(kubectl, misplaced))];
}

async function manifest(kubectl: Kubectl): Promise<string> {
  const container = 'jsonpath={.spec.template.spec.containers[0].image}';
  const own = await kubectl(['get', 'daemonset', 'isthmus-agent', '-n', 'isthmus-system', '-o', container]);
  const text = await readFile(join(import.meta.dirname, 'volumes.yaml'), 'utf8');
  return text.replace('image: isthmus.dev/isthmus\n', `image: ${own.trim()}\n`);
}

/** Orders come over the line, from a pod in the cloud. The pod of the database ends by SIGKILL: the first process of a container does not hear SIGTERM. */
async function proveDatabase({ type, kubectl }: Hands): Promise<Check> {
  const run = Date.now();
  const call = 'curl -sSf -m 5 --retry 5 --retry-connrefused --retry-delay 1';
  const orders = `for n in $(seq 1 20); do ${call} -d order-${run}-$n http://ledger:8080/ || exit 1; done`;
  const answered = linesOf(await inAlbum(kubectl, orders));
  const home = await nodeOf(kubectl, 'ledger');
  await type('kubectl', 'delete', 'pod', 'ledger-0');
  const kept = await waitFor(
    'the database to answer again',
    async () => linesOf(await inAlbum(kubectl, 'curl -sSf -m 5 http://ledger:8080/')),
    { within: minutes(2), every: ms(500) },
  );
  return judgeDatabase(home, answered, kept);
}

async function proveDisk({ type, kubectl }: Hands): Promise<Check> {
  const digest = 'sha256sum /data/photo';
  const photo = 'dd if=/dev/urandom of=/data/photo bs=1M count=8 2>/dev/null && sync /data/photo';
  const written = await inAlbum(kubectl, `${photo} && ${digest}`);
  const from = await nodeOf(kubectl, 'album');
  const workers = 'isthmus.dev/ground=cloud,!node-role.kubernetes.io/control-plane';
  const names = await kubectl(['get', 'nodes', '-l', workers, '-o', 'jsonpath={.items[*].metadata.name}']);
  const to = names.split(' ').find((name) => name !== from);
  if (to === undefined) throw new Error(`there is no cloud node beside ${from} that the pod could move to`);
  const spec = { template: { spec: { nodeSelector: { 'kubernetes.io/hostname': to } } } };
  await type('kubectl', 'patch', 'deployment', 'album', '-p', JSON.stringify({ spec }));
  await type('kubectl', 'rollout', 'status', '--timeout=180s', 'deployment/album');
  return judgeDisk(
    { from, to },
    { node: await nodeOf(kubectl, 'album'), written, read: await inAlbum(kubectl, digest) },
  );
}

/** Every pod writes a file of its own, and every other one reads it while both have the directory. */
async function proveShare(kubectl: Kubectl): Promise<Check> {
  const { items } = JSON.parse(await kubectl(['get', 'pods', '-l', 'app=uploads', '-o', 'json'])) as {
    readonly items: readonly {
      readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
      readonly spec: { readonly nodeName: string };
    }[];
  };
  const pods = items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, spec }) => ({ name: metadata.name, node: spec.nodeName }));
  const inPod = (pod: string, script: string) => kubectl(['exec', pod, '--', 'sh', '-c', script]);
  const written = new Map<string, string>();
  for (const { name, node } of pods) {
    const file = `/data/from-${node}`;
    const script = `dd if=/dev/urandom of=${file} bs=1M count=2 2>/dev/null && sync ${file} && sha256sum ${file}`;
    written.set(node, await inPod(name, script));
  }
  const reads: SharedRead[] = [];
  for (const reader of pods)
    for (const writer of pods.filter((one) => one !== reader))
      reads.push({
        from: writer.node,
        to: reader.node,
        written: written.get(writer.node) ?? '',
        read: await inPod(reader.name, `sha256sum /data/from-${writer.node}`),
      });
  return judgeShare(reads);
}

/** What the API server says to whoever applies the file; empty when it has nothing to say. */
async function warningsOf(kubectl: Kubectl, file: string): Promise<string> {
  return kubectl(['apply', '--dry-run=server', '--warnings-as-errors', '-f', file]).then(() => '', messageOf);
}

function inAlbum(kubectl: Kubectl, script: string): Promise<string> {
  return kubectl(['exec', 'deployment/album', '--', 'sh', '-c', script]);
}

async function nodeOf(kubectl: Kubectl, app: string): Promise<string> {
  return (await kubectl(['get', 'pods', '-l', `app=${app}`, '-o', 'jsonpath={.items[0].spec.nodeName}'])).trim();
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** @shape answered: orders that the database said it had; kept: what it has, perhaps of earlier runs too */
export function judgeDatabase(home: string, answered: readonly string[], kept: readonly string[]): Check {
  const lost = answered.filter((order) => !kept.includes(order));
  return {
    title: `database on ${home}, killed and started again -> every order that it had confirmed`,
    good: answered.length - lost.length,
    of: answered.length,
    faults: lost.map((order) => `${order} was confirmed, and is lost`),
  };
}

/** @shape written, read: digests of the file before and after */
export function judgeDisk(
  { from, to }: { readonly from: string; readonly to: string },
  { node, written, read }: { readonly node: string; readonly written: string; readonly read: string },
): Check {
  const faults = [
    ...(node === to ? [] : [`the pod is on ${node}`]),
    ...(written !== '' && read === written ? [] : [`"${written.trim()}" was written, and "${read.trim()}" is read`]),
  ];
  return checkOf(`disk of the cloud, moved from ${from} to ${to} -> the same bytes`, faults);
}

/** A file that one node wrote and another one reads: the digests of both. */
export interface SharedRead {
  readonly from: string;
  readonly to: string;
  readonly written: string;
  readonly read: string;
}

export function judgeShare(reads: readonly SharedRead[]): Check {
  const wrong = reads.filter(({ from, to, written, read }) => from === to || written === '' || written !== read);
  const nodes = [...new Set(reads.map(({ from }) => from))].toSorted();
  return {
    title: `directory that ${nodes.join(' and ')} share -> each reads what the other wrote`,
    good: reads.length - wrong.length,
    // On fewer than two nodes nothing is shared.
    of: Math.max(2, reads.length),
    faults: wrong.map(
      ({ from, to, written, read }) => `${from} wrote "${written.trim()}", and ${to} reads "${read.trim()}"`,
    ),
  };
}

export function judgeWarning(said: string): Check {
  const needed = ['can only be used on cloud nodes', 'nodeSelector isthmus.dev/ground=site keeps the pod off them'];
  const faults = needed.every((words) => said.includes(words)) ? [] : [`the API server says "${said}"`];
  return checkOf('pod on the site with a disk of the cloud -> a warning', faults);
}

function checkOf(title: string, faults: readonly string[]): Check {
  return { title, good: faults.length === 0 ? 1 : 0, of: 1, faults };
}

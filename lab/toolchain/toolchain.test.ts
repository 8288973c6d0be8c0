import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { csiImages } from '#cluster/bundle/plan-release.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { addonVersions, contour, csiVersions, families, versions } from './families.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'artifact-'));
});
afterAll(() => rm(home, { recursive: true }));

/** Makes an artifact in a process of its own, which can be killed; its cache is below `home`. */
function maker(kind: string, body: string): { done: Promise<string>; told(): string; kill(): void } {
  const script = `
    import { existsSync } from 'node:fs';
    import { writeFile } from 'node:fs/promises';
    import { setTimeout } from 'node:timers/promises';
    import { artifact } from '${join(import.meta.dirname, 'artifact.ts')}';
    const make = async (folder) => { ${body} };
    console.log(await artifact({ kind: '${kind}', inputs: ['same'], make }, (line) => console.log(line)));`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, HOME: home },
  });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.on('data', (text) => {
    output += text;
  });
  const done = new Promise<string>((resolve) => child.once('close', () => resolve(output)));
  return { done, told: () => output, kill: () => child.kill('SIGKILL') };
}

async function shelf(kind: string): Promise<readonly string[]> {
  return readdir(join(home, '.cache/isthmus', kind)).catch(() => []);
}

test('a build that was killed leaves nothing that looks finished, and the next one starts clean', async () => {
  const killed = maker('killed', "await writeFile(folder + '/half', ''); await setTimeout(60_000);");
  await waitFor('the half-made artifact', async () => (await shelf('killed')).some((name) => name.endsWith('.part')), {
    within: seconds(20),
    every: ms(20),
  });
  killed.kill();
  await killed.done;
  expect((await shelf('killed')).filter((name) => /^[0-9a-f]{20}$/.test(name))).toEqual([]);
  const output = await maker('killed', "await writeFile(folder + '/whole', '');").done;
  const folder = output.trim().split('\n').at(-1) ?? '';
  expect(await readdir(folder)).toEqual(['whole']);
}, 30_000);

test('two that want the same artifact at once make it once', async () => {
  const goOn = join(home, 'go-on');
  const body = `while (!existsSync('${goOn}')) await setTimeout(20); await writeFile(folder + '/by-' + process.pid, '');`;
  const makers = [maker('shared', body), maker('shared', body)];
  const waits = async (): Promise<boolean> => makers.some((one) => one.told().includes('waiting for another process'));
  await waitFor('one of them to wait for the other', waits, { within: seconds(20), every: ms(20) });
  await writeFile(goOn, '');
  const outputs = await Promise.all(makers.map(({ done }) => done));
  const folders = new Set(outputs.map((output) => output.trim().split('\n').at(-1)));
  expect(folders.size).toBe(1);
  expect(await readdir([...folders][0] ?? '')).toHaveLength(1);
}, 30_000);

test('the versions that the bundle tells are those that the Go modules require', () => {
  const wanted = {
    kubernetes: versions.kubernetes,
    etcd: versions.etcd,
    coredns: versions.coredns,
    plugins: versions.cniPlugins,
    contour: addonVersions.contour,
  };
  for (const name of [...families, contour].map((family) => family.name as keyof typeof wanted)) {
    const module = join(import.meta.dirname, 'modules', name);
    expect(existsSync(join(module, 'go.sum'))).toBe(true);
    const required =
      /^(?:\t|require )(?:k8s\.io\/kubernetes|go\.etcd\.io\/etcd\/server\/v3|github\.com\/coredns\/coredns|github\.com\/containernetworking\/plugins|github\.com\/projectcontour\/contour) v(\S+)/m;
    expect(required.exec(readFileSync(join(module, 'go.mod'), 'utf8'))?.[1]).toBe(wanted[name]);
  }
});

test('the sidecars of CSI drivers are built from the versions that their images are named by, and csi-sanity speaks our CSI', () => {
  const text = readFileSync(join(import.meta.dirname, 'modules/csi/go.mod'), 'utf8');
  const required = (path: string): string | undefined => text.match(`\\t${path.replaceAll('.', '\\.')} v(\\S+)`)?.[1];
  const { provisioner, attacher, resizer, snapshotter, sanity } = csiVersions;
  const project = 'github.com/kubernetes-csi';
  expect(required(`${project}/external-provisioner/v6`)).toBe(provisioner);
  expect(required(`${project}/external-attacher/v4`)).toBe(attacher);
  expect(required(`${project}/external-resizer/v2`)).toBe(resizer);
  expect(required(`${project}/external-snapshotter/v8`)).toBe(snapshotter);
  expect(required(`${project}/csi-test/v5`)).toBe(sanity);
  expect(csiImages.map((name) => name.slice(name.lastIndexOf('/') + 1))).toEqual([
    `csi-provisioner:v${provisioner}`,
    `csi-attacher:v${attacher}`,
    `csi-resizer:v${resizer}`,
    `csi-snapshotter:v${snapshotter}`,
    `snapshot-controller:v${snapshotter}`,
  ]);
});

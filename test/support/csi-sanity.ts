import { execFile } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureCsiSanity } from '#lab/toolchain/csi-images.ts';
import type { DiskMachine } from './disk-machine.ts';

const run = promisify(execFile);

export interface SanityOptions {
  /** Of the StorageClass that it takes volumes from. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Bytes of its volumes, and of those that it lets grow. */
  readonly size: number;
  readonly grown: number;
  /** How it uses them; as file systems when left out. */
  readonly access?: 'mount' | 'block';
}

/** Upstream's suite against a driver on a socket, inside of the machine that the driver mounts in. */
export async function runCsiSanity(
  { machine, socket }: { readonly machine: Pick<DiskMachine, 'shared' | 'pid'>; readonly socket: string },
  { parameters, size, grown, access = 'mount' }: SanityOptions,
): Promise<{ readonly passed: number; readonly failed: number; readonly output: string }> {
  const program = join(machine.shared, 'csi-sanity');
  await copyFile(await ensureCsiSanity(), program);
  const file = join(machine.shared, 'parameters.yaml');
  await writeFile(file, JSON.stringify(parameters));
  const argv = [
    program,
    `--csi.endpoint=unix://${socket}`,
    `--csi.mountdir=${machine.shared}/mount`,
    `--csi.stagingdir=${machine.shared}/stage`,
    `--csi.testvolumeparameters=${file}`,
    `--csi.testvolumeaccesstype=${access}`,
    `--csi.testvolumesize=${size}`,
    `--csi.testvolumeexpandsize=${grown}`,
    '--ginkgo.no-color',
  ];
  const inMachine = ['--mount', '--target', `${machine.pid}`, '--', ...argv];
  // A suite that fails ends with an exit code, and what it has to say is on stdout.
  const said = await run('nsenter', inMachine, { maxBuffer: 2 ** 26, timeout: 280_000 }).catch(
    (e: Error & { readonly stdout?: string }) => ({ stdout: e.stdout ?? e.message }),
  );
  const counts = /(\d+) Passed \| (\d+) Failed/.exec(said.stdout);
  if (counts === null) throw new Error(`csi-sanity did not come to its end: ${said.stdout.slice(-5000)}`);
  return { passed: Number(counts[1]), failed: Number(counts[2]), output: said.stdout };
}

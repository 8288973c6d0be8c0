import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** What the image has in /app: both programs as one file each, with what cannot be bundled beside them. */
export async function layOutApp(app: string, plugin: string): Promise<void> {
  await build({
    entryPoints: ['src/program/agent.ts', 'src/program/controller.ts'],
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    external: ['koffi'],
    outdir: app,
    outExtension: { '.js': '.mjs' },
    // Dependencies written for CommonJS ask for it.
    banner: { js: "import {createRequire as __cr} from 'node:module'; const require = __cr(import.meta.url);" },
    logLevel: 'error',
  });
  for (const name of ['koffi', '@koromix'])
    await cp(`node_modules/${name}`, join(app, 'node_modules', name), { recursive: true });
  await cp(plugin, join(app, 'isthmus-cni'));
}

export interface ContainerOptions {
  /** A folder of its own, made by this call and gone with its owner's folder. */
  readonly folder: string;
  readonly app: string;
  readonly program: 'agent' | 'controller';
  /** Name of a network namespace; the test's own when left out. */
  readonly netns?: string;
  readonly env: Readonly<Record<string, string>>;
  /** Folders of the host by the path that they have inside, later ones inside earlier ones. */
  readonly mounts: Readonly<Record<string, string>>;
}

/** A program in a file system of its own over this machine's, with what the pod's manifest mounts; it ends with the process. */
export async function startContainer(
  options: ContainerOptions,
): Promise<{ readonly child: ChildProcess; readonly output: () => string }> {
  await mkdir(options.folder, { recursive: true });
  const mounts = Object.entries({ ...options.mounts, '/app': options.app }).map(
    ([inside, outside]) => `mkdir -p root${inside}; mount --rbind ${outside} root${inside}`,
  );
  // As kubelet does: what the host mounts later appears inside too (HostToContainer).
  const script = [
    `set -e; cd ${options.folder}; mount -t tmpfs none .; cd ${options.folder}; mkdir upper work root`,
    'mount -t overlay none -o lowerdir=/,upperdir=upper,workdir=work root',
    'mount --rbind /proc root/proc; mount --rbind /dev root/dev',
    ...mounts,
    `exec ${options.netns === undefined ? '' : `nsenter --net=/run/netns/${options.netns} `}chroot root ${process.execPath} /app/${options.program}.mjs`,
  ].join('\n');
  const child = spawn('unshare', ['--mount', '--propagation', 'slave', 'sh', '-c', script], {
    env: { PATH: process.env['PATH'], ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
  return { child, output: () => output };
}

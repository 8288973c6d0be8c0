import { type ChildProcess, spawn } from 'node:child_process';

/** Whoever ends this process ends what it runs as well: a build that goes on unseen would write into the next one's folder. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill();
});

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program of this computer and gives its standard output.
 * @fails Error with command, exit code and the last lines of its output
 */
export async function command(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let stdout = '';
  let both = '';
  const take = (text: string): void => {
    both = (both + text).slice(-4000);
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    take(text);
  });
  child.stderr.setEncoding('utf8').on('data', take);
  const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', (cause) => reject(new Error(explainUnstarted(program, cause), { cause })));
    child.once('close', (status, signal) => resolve(status ?? signal));
  }).finally(() => running.delete(child));
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${both.trim()}`);
  return stdout;
}

/** By the Debian package of each program that making our own parts needs and Debian does not always have. */
const packages: Readonly<Record<string, string>> = {
  buildah: 'buildah',
  gcc: 'gcc libc6-dev',
  mmdebstrap: 'mmdebstrap',
  strip: 'binutils',
};

function explainUnstarted(program: string, cause: NodeJS.ErrnoException): string {
  const wanted = packages[program];
  if (cause.code !== 'ENOENT' || wanted === undefined) return `${program} can't be started: ${cause.message}`;
  return `${program} is not installed: on Debian, apt-get install -y ${wanted}`;
}

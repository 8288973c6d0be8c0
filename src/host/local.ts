import { spawn } from 'node:child_process';
import { formatMs } from '#unit/clock.ts';
import { readIfThere, writeWhole } from './files.ts';
import { type Host, HostError, LineCollector, type Ran, type RunOptions } from './host.ts';

/** The machine that this program runs on. */
export function localHost(name: string): Host {
  return {
    name,
    run: (argv, opts) => runLocally(name, argv, opts),
    read: readIfThere,
    write: (path, text, { mode }) => writeWhole(path, text, mode),
    close: () => Promise.resolve(),
  };
}

function runLocally(name: string, argv: readonly string[], opts: RunOptions): Promise<Ran> {
  const [command, ...args] = argv;
  const doing = argv.join(' ');
  if (command === undefined) return Promise.reject(new HostError(name, doing, 'no command given'));
  if (opts.signal?.aborted) return Promise.reject(new HostError(name, doing, 'interrupted'));
  return new Promise((resolve, reject) => {
    // Its own process group, so that the limit ends what the command started as well.
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const stdout = new LineCollector(opts.onLine);
    const stderr = new LineCollector(undefined);
    let ended: string | undefined;
    const end = (why: string): void => {
      ended = why;
      if (child.pid !== undefined) killGroup(child.pid);
    };
    const limit = setTimeout(() => end(`not done within ${formatMs(opts.within)}`), opts.within);
    const abort = (): void => end('interrupted');
    opts.signal?.addEventListener('abort', abort, { once: true });
    const settle = (): void => {
      clearTimeout(limit);
      opts.signal?.removeEventListener('abort', abort);
    };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => stdout.add(chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => stderr.add(chunk));
    child.on('error', (e) => {
      settle();
      reject(new HostError(name, doing, e.message, e));
    });
    child.on('close', (code, signal) => {
      settle();
      stdout.end();
      if (ended !== undefined) reject(new HostError(name, doing, ended));
      else resolve({ code: code ?? (signal === null ? 1 : 128), stdout: stdout.text, stderr: stderr.text });
    });
    // A command that reads nothing closes its stdin early; its exit code tells what matters.
    child.stdin.on('error', () => undefined);
    child.stdin.end(opts.stdin ?? '');
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ESRCH') throw e;
  }
}

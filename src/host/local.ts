import { spawn } from 'node:child_process';
import { bounded } from './bounded.ts';
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
  const fault = (why: string, cause?: unknown): HostError => new HostError(name, doing, why, cause);
  if (command === undefined) return Promise.reject(fault('no command given'));
  return bounded<Ran>({ ...opts, fault }, ({ done, fail }) => {
    // Its own process group, so that giving up ends what the command started as well.
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const stdout = new LineCollector(opts.onLine);
    const stderr = new LineCollector(undefined);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => stdout.add(chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => stderr.add(chunk));
    child.on('error', (e) => fail(fault(e.message, e)));
    child.on('close', (code, signal) => {
      stdout.end();
      done({ code: code ?? (signal === null ? 1 : 128), stdout: stdout.text, stderr: stderr.text });
    });
    // A command that reads nothing closes its stdin early; its exit code tells what matters.
    child.stdin.on('error', () => undefined);
    child.stdin.end(opts.stdin ?? '');
    return (late) => {
      fail(late);
      if (child.pid !== undefined) killGroup(child.pid);
      // What has left the group keeps the pipes open for as long as it likes; nobody listens to it any more.
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      child.unref();
    };
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ESRCH') throw e;
  }
}

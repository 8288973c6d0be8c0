import { realpathSync } from 'node:fs';

/**
 * Runs a program when its file is the one that Node was started with, and does nothing when the file is only imported. Its
 * signal aborts at SIGTERM or SIGINT; whoever does not end within `limit` afterwards is ended.
 */
export function main(file: string, run: (stop: AbortSignal) => Promise<void>): void {
  if (process.argv[1] === undefined || realpathSync(process.argv[1]) !== file) return;
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      stop.abort(new Error(`stopped by ${signal}`));
      setTimeout(() => process.exit(1), limit).unref();
    });
  run(stop.signal).then(
    () => process.exit(0),
    (e: unknown) => {
      process.stderr.write(`${e instanceof Error ? (e.stack ?? e.message) : String(e)}\n`);
      process.exit(1);
    },
  );
}

/** Below the 30 s that Kubernetes waits between SIGTERM and SIGKILL. */
const limit = 20_000;

import { spawn } from 'node:child_process';

/** Gives the lock back. */
export type Unlock = () => Promise<void>;

/**
 * Holds an exclusive lock until the returned function is called. The kernel frees it when this process dies, however it
 * dies: `flock` keeps it for a child that lives only as long as our end of its pipe.
 * @fails Error when `flock` can't make or open the file
 */
export async function lock(path: string, onWait: () => void): Promise<Unlock> {
  const waiting = setTimeout(onWait, 500);
  const unlock = await hold([path]).finally(() => clearTimeout(waiting));
  if (unlock === undefined) throw new Error(`flock ${path} ended before it held the lock`);
  return unlock;
}

/** As `lock`, but `undefined` at once when another process holds it. */
export function tryLock(path: string): Promise<Unlock | undefined> {
  return hold(['--nonblock', '--conflict-exit-code', String(conflict), path]);
}

const conflict = 75;

function hold(args: readonly string[]): Promise<Unlock | undefined> {
  const holder = spawn('flock', [...args, 'sh', '-c', 'echo held; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    holder.once('error', reject);
    holder.once('exit', resolve);
  });
  const held = new Promise<Unlock>((resolve) =>
    holder.stdout.once('data', () =>
      resolve(async () => {
        holder.stdin.end();
        await ended;
      }),
    ),
  );
  const refused = ended.then((code) => {
    if (code === conflict) return undefined;
    throw new Error(`flock ${args.join(' ')} ended with ${code} before it held the lock`);
  });
  return Promise.race([held, refused]);
}

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { command } from '../toolchain/command.ts';

const isthmus = join(import.meta.dirname, '..', '..', 'bin', 'isthmus');

let stopped = false;
/** Passes Ctrl-C on to the command that runs; `undefined` while none does. */
let passOn: (() => void) | undefined;

/** From now on Ctrl-C ends the command that runs, in order, and the demo after it. */
export function stopInOrder(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      stopped = true;
      if (passOn === undefined) endStopped();
      else passOn();
    });
}

function endStopped(): never {
  console.error('\nstopped; what there is of the lab is taken away by: bin/isthmus lab down');
  process.exit(130);
}

/** Runs an isthmus command and shows it as a person would have typed it. @fails Error when it ends with another code than 0 */
export async function type(...args: readonly string[]): Promise<void> {
  console.log(`$ isthmus ${args.join(' ')}`);
  // A group of its own: Ctrl-C reaches it once, through us. A second signal would end it before it has cleared up.
  const child = spawn(isthmus, args, { stdio: 'inherit', detached: true });
  passOn = () => process.kill(-(child.pid as number), 'SIGINT');
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  passOn = undefined;
  if (stopped) endStopped();
  if (code !== 0)
    throw new Error(
      `isthmus ${args.slice(0, 2).join(' ')} ended with ${code}; the lab is left as it is, look with: bin/isthmus lab status`,
    );
}

let asked = 0;
const lanes: Promise<unknown>[] = [];

/** Four at a time: each is a program start, and a small computer has the cluster to run as well. */
export function kubectl(args: readonly string[]): Promise<string> {
  const lane = asked++ % 4;
  const answer = (lanes[lane] ?? Promise.resolve()).then(() => command(isthmus, ['lab', 'kubectl', ...args]));
  // The one who asked hears of its failure; the next in the lane does not.
  lanes[lane] = answer.catch(() => undefined);
  return answer;
}

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { kubeconfigOf } from '../cli/office.ts';
import { markOf } from '../fabric/names.ts';
import { enterNetwork } from '../machine/enter.ts';
import { readSettings } from '../server/settings.ts';
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

/** `isthmus lab kubectl` without the start of another program: the proof asks some thirty times. */
export async function kubectl(args: readonly string[]): Promise<string> {
  const { bundle } = await readSettings('lab');
  const [program = '', ...rest] = enterNetwork(markOf('lab', 'office'), [join(bundle.folder, 'bin/kubectl'), ...args]);
  return command(program, rest, { env: { KUBECONFIG: kubeconfigOf('lab', undefined) } });
}

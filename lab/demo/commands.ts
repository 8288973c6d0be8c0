import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { kubeconfigOf } from '../cli/office.ts';
import { markOf } from '../fabric/names.ts';
import { enterNetwork } from '../machine/enter.ts';
import { readSettings } from '../server/settings.ts';
import { command } from '../toolchain/command.ts';

const isthmus = join(import.meta.dirname, '..', '..', 'bin', 'isthmus');

/** The commands of one lab, as a person types them. */
export interface Commands {
  /** Runs `isthmus lab WORDS` and shows it. @fails Error when it ends with another code than 0 */
  readonly type: (...words: readonly string[]) => Promise<void>;
  /** `isthmus lab kubectl` without the start of another program: the proof asks some thirty times. */
  readonly kubectl: (args: readonly string[]) => Promise<string>;
  /** curl at the client on the internet, in the same way. */
  readonly client: (args: readonly string[]) => Promise<string>;
  /** What a person would type for `isthmus lab WORDS` in the checkout. */
  readonly hint: (...words: readonly string[]) => string;
}

/** From now on Ctrl-C ends the command that runs, in order, and this process after it. */
export function commandsOf(lab: string): Commands {
  const full = (words: readonly string[]): readonly string[] => {
    // What these two are followed by is no longer ours.
    const own = ['exec', 'kubectl'].includes(words[0] ?? '') ? 1 : words.length;
    return ['lab', ...words.slice(0, own), ...(lab === 'lab' ? [] : ['--name', lab]), ...words.slice(own)];
  };
  const hint = (...words: readonly string[]): string => `bin/isthmus ${shown(full(words))}`;
  let stopped = false;
  /** Passes Ctrl-C on to the command that runs; `undefined` while none does. */
  let passOn: (() => void) | undefined;
  const endStopped = (): never => {
    console.error(`\nstopped; what there is of the lab is taken away by: ${hint('down')}`);
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      stopped = true;
      if (passOn === undefined) endStopped();
      else passOn();
    });

  return {
    hint,
    type: async (...words) => {
      const args = full(words);
      console.log(`$ isthmus ${shown(args)}`);
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
          `isthmus lab ${words[0]} ended with ${code}; the lab is left as it is, look with: ${hint('status')}`,
        );
    },
    client: (args) => {
      const [program = '', ...rest] = enterNetwork(markOf(lab, 'internet'), ['curl', ...args]);
      return command(program, rest);
    },
    kubectl: async (args) => {
      const { bundle } = await readSettings(lab);
      const inside = [join(bundle.folder, 'bin/kubectl'), ...args];
      const [program = '', ...rest] = enterNetwork(markOf(lab, 'office'), inside);
      return command(program, rest, { env: { KUBECONFIG: kubeconfigOf(lab, undefined) } });
    },
  };
}

/** As a shell takes it. */
function shown(words: readonly string[]): string {
  return words.map((word) => (/^[\w%+,./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}

import { readFile } from 'node:fs/promises';
import { enterMachine } from '../machine/enter.ts';
import { observeMachines } from '../server/machines.ts';
import { pathsOf } from '../server/settings.ts';
import { command } from '../toolchain/command.ts';

const authorize = `
set -eu
file=/root/.ssh/authorized_keys
mkdir -p -m 700 /root/.ssh
touch "$file"
chmod 600 "$file"
grep -qxF "$1" "$file" || echo "$1" >>"$file"
`;

/**
 * Lets the lab's key in as root on every machine that is on. Some specs stop and start kubelet over SSH, and a cloud machine that joined by itself was given
 * no key.
 * @fails Error with the machine's name
 */
export async function letIn(lab: string): Promise<void> {
  const key = (await readFile(`${pathsOf(lab).key}.pub`, 'utf8')).trim();
  await Promise.all(
    observeMachines(lab).map(async ({ name, kind, init }) => {
      if (kind === 'gateway' || init === undefined) return;
      const [program = '', ...inside] = enterMachine(init, ['sh', '-c', authorize, 'sh', key], { term: 'dumb' });
      await command(program, inside).catch((cause: unknown) => {
        throw new Error(`${name} does not take the lab's SSH key: ${String(cause)}`, { cause });
      });
    }),
  );
}

import { readFile } from 'node:fs/promises';
import { pathsOf } from '../server/settings.ts';
import { command } from '../toolchain/command.ts';
import { onEachMachine } from './on-each-machine.ts';

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
  await onEachMachine(lab, async (machine, inside) => {
    const [program = '', ...rest] = inside('sh', '-c', authorize, 'sh', key);
    await command(program, rest).catch((cause: unknown) => {
      throw new Error(`${machine} does not take the lab's SSH key: ${String(cause)}`, { cause });
    });
  });
}

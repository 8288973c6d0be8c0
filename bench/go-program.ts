import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artifact, type Note } from '#lab/toolchain/artifact.ts';
import { command } from '#lab/toolchain/command.ts';

/**
 * The path of a peer that is a Go program: `informer` follows pods with client-go, `service-controller` serves Services with upstream's.
 * @unit cold two to five minutes on two cores
 * @fails Error with the last lines that Go printed
 */
export async function buildGoProgram(name: 'informer' | 'service-controller', note: Note): Promise<string> {
  const module = join(import.meta.dirname, name);
  const inputs = await Promise.all([
    ...(await readdir(module)).toSorted().map((file) => readFile(join(module, file))),
    command('go', ['env', 'GOVERSION']),
  ]);
  const folder = await artifact(
    {
      kind: `bench-${name}`,
      inputs,
      make: async (into) => {
        await command('go', ['build', '-trimpath', '-o', `${into}/`, '.'], {
          cwd: module,
          env: { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=readonly' },
        });
      },
    },
    note,
  );
  return join(folder, name);
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artifact, type Note } from '#lab/toolchain/artifact.ts';
import { command } from '#lab/toolchain/command.ts';

/**
 * The folder with `informer`, the follower made with client-go.
 * @unit cold about 2 minutes on two cores
 * @fails Error with the last lines that Go printed
 */
export async function buildInformer(note: Note): Promise<string> {
  const module = join(import.meta.dirname, 'informer');
  const inputs = await Promise.all([
    ...['go.mod', 'go.sum', 'main.go'].map((file) => readFile(join(module, file))),
    command('go', ['env', 'GOVERSION']),
  ]);
  return artifact(
    {
      kind: 'bench-informer',
      inputs,
      make: async (folder) => {
        await command('go', ['build', '-trimpath', '-o', `${folder}/`, '.'], {
          cwd: module,
          env: { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=readonly' },
        });
      },
    },
    note,
  );
}

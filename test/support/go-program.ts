import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { artifact, type Note } from '#lab/toolchain/artifact.ts';
import { command } from '#lab/toolchain/command.ts';

/**
 * The path of a Go program that is kept here as a folder: a peer that we are measured against, or somebody else's part that works beside ours.
 * @unit module: path of the folder; cold two to five minutes on two cores
 * @fails Error with the last lines that Go printed
 */
export async function buildGoProgram(module: string, note: Note): Promise<string> {
  const name = basename(module);
  const inputs = await Promise.all([
    ...(await readdir(module)).toSorted().map((file) => readFile(join(module, file))),
    command('go', ['env', 'GOVERSION']),
  ]);
  const folder = await artifact(
    {
      kind: `${basename(dirname(module))}-${name}`,
      inputs,
      make: async (into) => {
        await command('go', ['build', '-trimpath', '-o', `${into}/${name}`, '.'], {
          cwd: module,
          env: { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=readonly' },
        });
      },
    },
    note,
  );
  return join(folder, name);
}

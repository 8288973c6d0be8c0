import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Host, HostError, must } from '#host/host.ts';
import { localHost } from '#host/local.ts';
import { minutes } from '#unit/clock.ts';
import { type BundleFolder, checkBundle, checkFiles, filesOf, parseBundle } from './bundle-folder.ts';
import { explainDiskTrouble } from './disk-trouble.ts';
import { plainTar } from './docker-archive.ts';
import { claimPart, disownPart, refuseForeignTar } from './part.ts';

const host: Host = localHost('this computer');
const within = minutes(30);

/**
 * Writes a bundle as one file, to be carried to an air-gapped site. The bundle is checked first, and the same bundle
 * gives the same file.
 * @fails Error that names file, fault and cure; then there is no file
 */
export async function exportBundle(folder: string, file: string, signal: AbortSignal): Promise<BundleFolder> {
  if (existsSync(file)) throw new Error(`${file} already exists; name another file, or remove it first`);
  const read = await checkBundle(folder);
  const part = `${file}.part`;
  await refuseForeignTar(part);
  const members = ['bundle.json', ...filesOf(read.bundle).map(({ path }) => path)];
  try {
    await must(host, ['tar', '-cf', part, ...plainTar, '-C', folder, ...members], { within, signal });
    await rename(part, file);
  } catch (e) {
    throw explainDiskTrouble(e, file);
  } finally {
    await rm(part, { force: true });
  }
  return read;
}

export interface ImportWish {
  readonly file: string;
  readonly folder: string;
  /** What bundle.json must have, when the person knows it: `sha256:…`. */
  readonly digest: string | undefined;
}

/**
 * Unpacks what `exportBundle` wrote, and checks every byte. Only the files that bundle.json names are taken.
 * @fails Error for a file that is cut off, changed or something else; then there is no folder
 */
export async function importBundle({ file, folder, digest }: ImportWish, signal: AbortSignal): Promise<BundleFolder> {
  if (existsSync(folder)) throw new Error(`${folder} already exists; name a new folder, or remove it first`);
  if (!existsSync(file))
    throw new Error(`${file} does not exist; give the file that isthmus bundle export has written`);
  const text = await tar(file, ['-xOf', file, '--occurrence=1', 'bundle.json'], signal);
  const read = parseBundle(`${file}: bundle.json`, text);
  if (digest !== undefined && digest !== read.digest)
    throw new Error(
      `${file} contains the bundle ${read.digest}, not ${digest}; copy the right bundle, or correct --digest`,
    );
  const part = await claimPart(`${folder.replace(/\/+$/, '')}.part`);
  try {
    const members = filesOf(read.bundle).map(({ path }) => path);
    await tar(file, ['-xf', file, '--no-same-owner', '--no-same-permissions', '-C', part, '--', ...members], signal);
    const faults = await checkFiles(part, read.bundle);
    if (faults.length > 0)
      throw new Error(`${faults.map((fault) => fault.replace(`${part}/`, `${file}: `)).join('\n')}\n${copyAgain}`);
    await writeFile(join(part, 'bundle.json'), text, { flush: true });
    await disownPart(part);
    await rename(part, folder);
  } catch (e) {
    throw explainDiskTrouble(e, folder);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return read;
}

const copyAgain =
  'copy the file again from the computer that exported it; if it is damaged there too, export the bundle again';

async function tar(file: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    return await must(host, ['tar', ...args], { within, signal });
  } catch (e) {
    signal.throwIfAborted();
    if (explainDiskTrouble(e, file) !== e) throw e;
    const said =
      e instanceof HostError
        ? (/exit code \d+: (?<why>[\s\S]*)$/.exec(e.message)?.groups?.['why'] ?? e.message)
        : String(e);
    throw new Error(`${file} is not a complete bundle: ${said.replaceAll('\n', '; ')}; ${copyAgain}`, { cause: e });
  }
}

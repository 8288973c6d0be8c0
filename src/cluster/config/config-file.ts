import { constants } from 'node:fs';
import { access, chown, readFile, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeWhole } from '#host/files.ts';
import { messageOf } from '#unit/message-of.ts';
import type { Result } from '#unit/result.ts';
import { Refused } from '../refused.ts';
import type { ClusterConfig } from './config.ts';
import { changedLines } from './edit-machines.ts';
import { explainFault, type Fault } from './fault.ts';

/** The file that a person wrote, for a command that changes one entry of it. */
export interface ConfigFile {
  /** As messages call it. */
  readonly name: string;
  readonly path: string;
  readonly text: string;
  readonly parse: (text: string) => Result<ClusterConfig, readonly Fault[]>;
  /** What of it can't be used as this computer is, such as a key that is not there. */
  readonly check: (config: ClusterConfig) => Promise<readonly Fault[]>;
}

/** A change of the file that has not been made yet. */
export interface ConfigChange {
  /** What the file then says. */
  readonly config: ClusterConfig;
  /** What changes, for a person who is asked. */
  readonly lines: readonly string[];
  /** Makes it. @fails Error when the file is not as it was read any more */
  readonly save: () => Promise<void>;
}

/**
 * Looks whether the file can be changed so.
 * @unit doing: `without web-1` · byHand: what a person does instead
 * @fails Refused with the cure
 */
export async function planConfigChange(
  file: ConfigFile,
  edited: Result<string, string>,
  { doing, byHand }: { readonly doing: string; readonly byHand: string },
): Promise<ConfigChange> {
  if (!edited.ok) throw new Refused(`${file.name} cannot be changed by this program: ${edited.failure}; ${byHand}`);
  const parsed = file.parse(edited.value);
  const faults = parsed.ok ? await file.check(parsed.value) : parsed.failure;
  if (!parsed.ok || faults.length > 0)
    throw new Refused(
      `${file.name} ${doing} would have faults:\n${faults.map((fault) => explainFault(file.name, fault)).join('\n')}`,
    );
  await refuseReadOnly(file, byHand);
  return {
    config: parsed.value,
    lines: [`change ${file.name}:`, ...changedLines(file.text, edited.value).map((line) => `  ${line}`)],
    save: () => save(file, edited.value),
  };
}

async function refuseReadOnly({ name, path }: ConfigFile, byHand: string): Promise<void> {
  try {
    const real = await realpath(path);
    await access(real, constants.W_OK);
    // It is written beside and renamed, so that it is never half there.
    await access(dirname(real), constants.W_OK);
  } catch (e) {
    throw new Refused(`${name} cannot be written (${messageOf(e)}); ${byHand}`);
  }
}

async function save({ name, path, text }: ConfigFile, edited: string): Promise<void> {
  const real = await realpath(path);
  if ((await readFile(real, 'utf8')) !== text)
    throw new Error(`${name} was changed while this command ran, so it was left as it is; run the command again`);
  const { mode, uid, gid } = await stat(real);
  await writeWhole(real, edited, mode & 0o777);
  // Only root can, and only root would make it somebody else's.
  if (process.getuid?.() === 0) await chown(real, uid, gid);
}

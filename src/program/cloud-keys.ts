import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { CloudKeys } from '#cloud/provider.ts';
import { type Ms, seconds, sleep } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { counter } from '#unit/metrics.ts';

const rotations = counter('isthmus_cloud_keys_changed_total', 'How often other keys of the cloud have been read.');

/**
 * The cloud's keys as they lie in a folder now: kubelet exchanges the whole folder when the Secret changes, and whoever reads a
 * property afterwards gets the new one, without a restart.
 * @fails at the first reading only; later faults are told, and the keys that were read last stay
 */
export async function followCloudKeys(
  folder: string,
  names: readonly string[],
  options: {
    readonly stop: AbortSignal;
    readonly note: (facts: object, doing: string) => void;
    readonly every?: Ms;
  },
): Promise<CloudKeys> {
  let keys = await readKeys(folder, names);
  const follow = async (): Promise<void> => {
    for (let told = ''; ; ) {
      await sleep(options.every ?? seconds(10), options.stop);
      try {
        const read = await readKeys(folder, names);
        told = '';
        if (names.every((name) => read[name] === keys[name])) continue;
        keys = read;
        rotations.inc();
        options.note({}, 'the cloud keys have changed');
      } catch (e) {
        const fault = messageOf(e);
        if (fault !== told) options.note({ fault }, 'reading the cloud keys failed');
        told = fault;
      }
    }
  };
  // Ends with `stop` only.
  follow().catch(() => undefined);
  const live = names.map((name) => [name, { enumerable: true, get: () => keys[name] }] as const);
  return Object.defineProperties({}, Object.fromEntries(live)) as CloudKeys;
}

/** All from the same folder: it may be exchanged between two of them. */
async function readKeys(folder: string, names: readonly string[]): Promise<CloudKeys> {
  const place = await realpath(folder);
  const read = async (name: string): Promise<string> => {
    const text = (await readFile(join(place, name), 'utf8')).trim();
    if (text !== '') return text;
    throw new Error(`${join(folder, name)} is empty: set ${name} in the Secret isthmus-system/isthmus-cloud`);
  };
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
}

import { readIfThere, writeWhole } from '#host/files.ts';
import type { State } from '../ucloud/products.ts';
import { parseState } from '../ucloud/ucloud.ts';

/** The simulated cloud's state on disk, so that what was answered outlives the lab's server. */
export interface Ledger {
  /** @shape `undefined` when nothing was kept yet */
  read(): Promise<State | undefined>;
  /** Resolves when the state as it is now, or a later one, is on disk. */
  keep(state: Readonly<State>): Promise<void>;
}

/** Readable by root alone: user data and passwords of machines are in it. */
export function openLedger(file: string): Ledger {
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  return {
    async read() {
      const text = await readIfThere(file);
      return text === undefined ? undefined : parseLedger(text, file);
    },
    keep(state) {
      // Whoever comes while a write is under way shares the one after it.
      next ??= (writing ?? Promise.resolve())
        .catch(() => undefined)
        .then(() => {
          writing = next;
          next = undefined;
          // Every change of the cloud waits for this one.
          return writeWhole(file, JSON.stringify(state), { mode: 0o600, sync: false });
        });
      return next;
    },
  };
}

/** @fails Error when the text is no state of a simulated cloud */
export function parseLedger(text: string, name: string): State {
  const wrong = new Error(`${name} is no state of a simulated cloud; write one with \`isthmus lab cloud save FILE\``);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(wrong.message, { cause });
  }
  const state = parseState(value);
  if (state === undefined) throw wrong;
  return state;
}

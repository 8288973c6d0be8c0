import { type FileHandle, open } from 'node:fs/promises';
import * as z from 'zod';
import { readIfThere, writeWhole } from '#host/files.ts';
import { type Ms, type SinceBoot, sinceBoot } from '#unit/clock.ts';
import { parseIp } from '#unit/ip.ts';
import { emptyLedger, type Ledger, type LedgerRecord, ledgerAfter, ledgerAtStart, recordsOf } from './ledger.ts';

/**
 * The node's ledger on disk: one JSON line a record, appended and synced before anything happens that it announces. Records
 * of operations that run at the same time share one sync.
 */
export class Journal {
  /** What is on disk, and what is on its way there. */
  ledger: Ledger;
  #durable: Ledger;
  readonly #path: string;
  #file: FileHandle;
  #end: number;
  #lines = 0;
  #waiting: { readonly record: LedgerRecord; readonly done: (fault?: Error) => void }[] = [];
  #writing: Promise<void> | undefined;

  private constructor(path: string, file: FileHandle, ledger: Ledger, end: number) {
    this.#path = path;
    this.#file = file;
    this.ledger = ledger;
    this.#durable = ledger;
    this.#end = end;
  }

  /**
   * Reads what an earlier life wrote and goes on from there with a file that holds the state alone.
   * @unit cooldown: how long an address rests after its pod
   * @shape `lost`: lines that could not be read, the torn last one included; their attachments are to be found in the kernel. A file of
   *        another version is one such line, and is kept beside.
   * @fails the file system's error, with the path
   */
  static async open(
    path: string,
    cooldown: Ms,
  ): Promise<{ readonly journal: Journal; readonly lost: readonly string[] }> {
    const text = (await readIfThere(path)) ?? '';
    const { records, lost, foreign } = parseJournal(text);
    if (foreign) await writeWhole(`${path}.unknown`, text, 0o600);
    const ledger = ledgerAtStart(records.reduce(ledgerAfter, emptyLedger), sinceBoot(), cooldown);
    const { file, end } = await rewrite(path, ledger);
    return { journal: new Journal(path, file, ledger, end), lost };
  }

  /**
   * Changes the ledger at once, so that nobody is offered the same address, and returns when the record is safe on disk.
   * @fails the file system's error; the record is then neither in the file nor in the ledger
   */
  append(...records: readonly LedgerRecord[]): Promise<void> {
    this.ledger = records.reduce(ledgerAfter, this.ledger);
    const written = records.map(
      (record) =>
        new Promise<void>((resolve, reject) => {
          this.#waiting.push({ record, done: (fault) => (fault === undefined ? resolve() : reject(fault)) });
        }),
    );
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    return Promise.all(written).then(() => undefined);
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        await this.#write(batch.map(({ record }) => formatRecord(record)).join(''), batch.length);
        this.#durable = batch.reduce((ledger, { record }) => ledgerAfter(ledger, record), this.#durable);
        for (const { done } of batch) done();
      } catch (e) {
        // Before anybody hears of it: whoever asks again must not be told that it was done.
        this.ledger = this.#waiting.reduce((ledger, { record }) => ledgerAfter(ledger, record), this.#durable);
        const fault = new Error(`writing ${this.#path}: ${(e as Error).message}`, { cause: e });
        for (const { done } of batch) done(fault);
      }
    }
  }

  async #write(lines: string, count: number): Promise<void> {
    if (this.#lines >= compactAfter) await this.#compact();
    const bytes = Buffer.from(lines);
    // At a place of our own choosing: what a failed write left behind is written over by the next one.
    const { bytesWritten } = await this.#file.write(bytes, 0, bytes.length, this.#end);
    if (bytesWritten !== bytes.length) throw new Error(`only ${bytesWritten} of ${bytes.length} bytes were written`);
    await this.#file.datasync();
    this.#end += bytes.length;
    this.#lines += count;
  }

  async #compact(): Promise<void> {
    const { file, end } = await rewrite(this.#path, this.#durable);
    await this.#file.close();
    this.#file = file;
    this.#end = end;
    this.#lines = 0;
  }
}

/** Keeps the file below a megabyte or so. */
const compactAfter = 5_000;

const recordShape: z.ZodType<LedgerRecord> = z.discriminatedUnion('do', [
  z.object({
    do: z.literal('hold'),
    link: z.string(),
    ip: z.string().transform(toIp),
    container: z.string(),
    ifname: z.string(),
    namespace: z.string().optional(),
    at: z.number().transform((n) => n as SinceBoot),
  }),
  z.object({ do: z.literal('leave'), link: z.string(), at: z.number().transform((n) => n as SinceBoot) }),
  z.object({
    do: z.literal('free'),
    link: z.string(),
    ip: z.string().transform(toIp),
    until: z.number().transform((n) => n as SinceBoot),
  }),
]);

function toIp(value: string, context: z.RefinementCtx): NonNullable<ReturnType<typeof parseIp>> {
  const parsed = parseIp(value);
  if (parsed !== undefined) return parsed;
  context.addIssue(`"${value}" is no IPv4 address`);
  return z.NEVER;
}

export function formatRecord(record: LedgerRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** The first line of the file. */
export const journalHeading = `${JSON.stringify({ format: 'isthmus-journal/v1' })}\n`;

/**
 * A last line without its newline was torn by a crash: whoever wrote it has had no answer, so nothing was built on it.
 * @shape `foreign`: the file is of a version that we can't read; what it says must not be guessed at
 */
export function parseJournal(content: string): {
  readonly records: readonly LedgerRecord[];
  readonly lost: readonly string[];
  readonly foreign: boolean;
} {
  const records: LedgerRecord[] = [];
  const lost: string[] = [];
  const lines = content.split('\n');
  const torn = lines.pop() as string;
  if (torn !== '') lost.push(torn);
  const first = lines.shift();
  if (first !== undefined && `${first}\n` !== journalHeading) return { records: [], lost: [first], foreign: true };
  for (const line of lines) {
    const record = recordShape.safeParse(parseJson(line));
    if (record.success) records.push(record.data);
    else lost.push(line);
  }
  return { records, lost, foreign: false };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function rewrite(path: string, ledger: Ledger): Promise<{ readonly file: FileHandle; readonly end: number }> {
  const bytes = Buffer.from(`${journalHeading}${recordsOf(ledger).map(formatRecord).join('')}`);
  await writeWhole(path, bytes, 0o600);
  return { file: await open(path, 'r+'), end: bytes.length };
}

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SinceBoot, seconds, sinceBoot } from '#unit/clock.ts';
import { ip, ipOf, numberOf } from '#unit/ip.ts';
import { formatRecord, Journal, journalHeading, parseJournal } from './journal.ts';
import { emptyLedger, type Ledger, type LedgerRecord, ledgerAfter, recordsOf } from './ledger.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isttest-journal-'));
});
afterAll(() => rm(folder, { recursive: true }));

const cooldown = seconds(30);
const t = (n: number): SinceBoot => n as SinceBoot;
const life: readonly LedgerRecord[] = [
  { do: 'hold', link: 'ista', ip: ip('172.16.3.1'), container: 'a', ifname: 'eth0', at: t(1) },
  { do: 'hold', link: 'istb', ip: ip('172.16.3.2'), container: 'b', ifname: 'eth0', at: t(2) },
  { do: 'leave', link: 'ista', at: t(3) },
  { do: 'free', link: 'ista', ip: ip('172.16.3.1'), until: t(33) },
  { do: 'hold', link: 'istc', ip: ip('172.16.3.3'), container: 'c', ifname: 'eth0', at: t(40) },
];

test('a journal cut at any byte of any record gives the ledger of the records before it', async () => {
  const whole = journalHeading + life.map(formatRecord).join('');
  const openCut = async (cut: number): Promise<void> => {
    const path = join(folder, `cut-${cut}`);
    await writeFile(path, whole.slice(0, cut));
    const { journal, lost } = await Journal.open(path, cooldown);
    const complete = Math.max(0, whole.slice(0, cut).split('\n').length - 2);
    expect(journal.ledger).toEqual(life.slice(0, complete).reduce(ledgerAfter, emptyLedger));
    expect(lost).toHaveLength(cut === 0 || whole[cut - 1] === '\n' ? 0 : 1);
    await journal.close();
  };
  // All at once: each waits for the disk.
  await Promise.all(Array.from({ length: whole.length + 1 }, (_, cut) => openCut(cut)));
  // Thousands of files, each synced.
}, 120_000);

test('what follows a torn line after the next start can be read', async () => {
  const path = join(folder, 'torn');
  const [first, second] = life as [LedgerRecord, LedgerRecord];
  await writeFile(path, journalHeading + formatRecord(first) + formatRecord(second).slice(0, -5));
  const before = await Journal.open(path, cooldown);
  await before.journal.append(second);
  await before.journal.close();
  const after = await Journal.open(path, cooldown);
  expect(after.lost).toEqual([]);
  expect(after.journal.ledger).toEqual([first, second].reduce(ledgerAfter, emptyLedger));
  await after.journal.close();
});

test('a line that is no record is told and skipped, the others are kept', () => {
  const [first, second] = life as [LedgerRecord, LedgerRecord];
  const text = `${journalHeading}${formatRecord(first)}{"do":"hold","link":"istx","ip":"172.16.3.999"}\n\0\0\0\n${formatRecord(second)}`;
  expect(parseJournal(text)).toEqual({
    records: [first, second],
    lost: ['{"do":"hold","link":"istx","ip":"172.16.3.999"}', '\0\0\0'],
    foreign: false,
  });
});

test('a journal of another version is told, not guessed at, and kept beside', async () => {
  const path = join(folder, 'newer');
  const newer = '{"format":"isthmus-journal/v2"}\n{"do":"hold","link":"ista"}\n';
  await writeFile(path, newer);
  const { journal, lost } = await Journal.open(path, cooldown);
  expect(lost).toEqual(['{"format":"isthmus-journal/v2"}']);
  expect(journal.ledger).toEqual(emptyLedger);
  expect(await readFile(`${path}.unknown`, 'utf8')).toBe(newer);
  await journal.close();
});

test('a record is in the file when append returns, many at a time', async () => {
  const path = join(folder, 'many');
  const { journal } = await Journal.open(path, cooldown);
  const holds = Array.from({ length: 50 }, (_, i): LedgerRecord => {
    return { do: 'hold', link: `ist${i}`, ip: ipOf(i + 1), container: `c${i}`, ifname: 'eth0', at: t(i) };
  });
  await Promise.all(
    holds.map(async (record) => {
      await journal.append(record);
      expect(parseJournal(await readFile(path, 'utf8')).records).toContainEqual(record);
    }),
  );
  await journal.close();
});

test('what could not be written is not in the ledger: a DEL that is tried again is not told that it was done', async () => {
  const [hold] = life as [LedgerRecord];
  const { journal } = await Journal.open(join(folder, 'refusing'), cooldown);
  await journal.append(hold);
  const before = journal.ledger;
  // Its file refuses every further write.
  await journal.close();
  for (let i = 0; i < 2; i++) {
    const leaving = journal.append({ do: 'leave', link: 'ista', at: t(3) });
    expect(journal.ledger.held.get('ista')?.leaving).toBe(true);
    await expect(leaving).rejects.toThrow('writing');
    expect(journal.ledger).toEqual(before);
  }
});

test('a clock that was a year ahead, and was corrected since, makes no address rest for a year', async () => {
  const path = join(folder, 'ahead');
  const nextYear = t(Date.parse('2027-11-28T12:00:00Z'));
  await writeFile(
    path,
    `${journalHeading}${formatRecord({ do: 'free', link: 'ista', ip: ip('172.16.3.1'), until: nextYear })}`,
  );
  const before = sinceBoot();
  const { journal } = await Journal.open(path, cooldown);
  await journal.close();
  const until = journal.ledger.rests.get(ip('172.16.3.1'));
  expect(until).toBeGreaterThanOrEqual(before + cooldown);
  expect(until).toBeLessThanOrEqual(sinceBoot() + cooldown);
  // Nor does the next life begin its rest anew.
  const { journal: after } = await Journal.open(path, cooldown);
  await after.close();
  expect(after.ledger).toEqual(journal.ledger);
});

test('of a day in which every pod has an address of its own the last hour is remembered', () => {
  const minute = 60_000;
  const day = Array.from(
    { length: 24 * 60 },
    (_, i): LedgerRecord => ({
      do: 'free',
      link: 'ista',
      ip: ipOf(numberOf(ip('10.9.0.0')) + i),
      until: t(i * minute),
    }),
  );
  const { rests } = day.reduce(ledgerAfter, emptyLedger);
  expect([...rests.values()]).toEqual(Array.from({ length: 61 }, (_, i) => (24 * 60 - 61 + i) * minute));
});

test('the shortest list of records leads to the same ledger', () => {
  const link = fc.constantFrom('ist1', 'ist2', 'ist3', 'ist4');
  const address = fc.integer({ min: 1, max: 6 }).map((n) => ipOf(n));
  const time = fc.nat(1000).map(t);
  const record: fc.Arbitrary<LedgerRecord> = fc.oneof(
    fc.record({
      do: fc.constant('hold' as const),
      link,
      ip: address,
      container: fc.string(),
      ifname: fc.string(),
      at: time,
    }),
    fc.record({ do: fc.constant('leave' as const), link, at: time }),
    fc.record({ do: fc.constant('free' as const), link, ip: address, until: time }),
  );
  fc.assert(
    fc.property(fc.array(record), (records) => {
      const ledger = records.reduce(ledgerAfter, emptyLedger);
      const text = journalHeading + recordsOf(ledger).map(formatRecord).join('');
      expect(living(parseJournal(text).records.reduce(ledgerAfter, emptyLedger))).toEqual(living(ledger));
    }),
  );
});

/** A rest of an address that is held again says nothing. */
function living(ledger: Ledger): Ledger {
  const held = new Set([...ledger.held.values()].map((h) => h.ip));
  return { held: ledger.held, rests: new Map([...ledger.rests].filter(([address]) => !held.has(address))) };
}

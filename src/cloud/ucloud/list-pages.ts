import type * as z from 'zod';
import { type Ms, ms, seconds, sleep } from '#unit/clock.ts';
import { ok } from '#unit/result.ts';
import type { CloudResult } from '../failure.ts';
import type { Leisurely, Marked } from '../owned.ts';
import type { Removed } from './removed.ts';
import { type Deadline, deadlineIn } from './wire/deadline.ts';
import type { Params } from './wire/sign.ts';
import type { Wire } from './wire/transport.ts';

/** The largest page that lists of machines give; others take it too. @source UCloud API reference, DescribeUHostInstance */
export const pageSize = 100;

/** No list tells how late it may be; machines of the regression scenarios appear within 10 s. */
export const listLag = seconds(15);

/** What lists and the verbs beside them need of the connection. @unit poll: pause between two looks */
export interface ListsAt {
  readonly wire: Wire;
  readonly poll: Ms;
  /** What is left out of lists although the cloud still shows it. */
  readonly removed?: Removed | undefined;
  /** The pages are read once, also when entries come or go meanwhile: some may be missing, and those that are there are right. */
  readonly skims?: boolean;
}

/** One page of a list, and how many entries all pages have. */
interface Page<T> {
  readonly total: number | undefined;
  readonly entries: readonly T[];
}

type ReadPage<T> = (paging: { readonly Offset: number; readonly Limit: number }) => Promise<CloudResult<Page<T>>>;

/** One of the cloud's lists: the call that reads a page of it, and how the page is read. */
export interface List<T> {
  readonly action: string;
  readonly params: Params;
  readonly shape: z.ZodType<Page<T>>;
  idOf(this: void, entry: T): string;
}

/** The pages of an answer that counts what all of them have. @unit entriesOf: what of the answer the entries are */
export function pagesOf<A extends { readonly TotalCount: number | undefined }, T>(
  answer: z.ZodType<A>,
  entriesOf: (answer: A) => readonly T[],
): z.ZodType<Page<T>> {
  return answer.transform((one) => ({ total: one.TotalCount, entries: entriesOf(one) }));
}

/**
 * All entries of a list that comes in pages, each once, without those that were removed. Begun anew when entries came or went between two pages, because one may
 * then stand on neither.
 */
export async function listPages<T>(
  { wire, poll, removed, skims = false }: ListsAt,
  { action, params, shape, idOf }: List<T>,
  deadline: Deadline,
): Promise<CloudResult<readonly T[]>> {
  const read: ReadPage<T> = (paging) =>
    wire.call({ action, effect: 'read', params: { ...params, ...paging }, shape }, deadline);
  for (;;) {
    const seen = await turnPages(read, idOf, skims);
    if (!seen.ok) return seen;
    if (seen.value !== 'shifted') return ok(seen.value.filter((one) => removed?.has(idOf(one)) !== true));
    // Again and again without a pause, a list that is never still would take all turns until the deadline.
    await sleep(ms(Math.min(poll, deadline.left())));
  }
}

/** `shifted`: entries came or went between two pages, unless that is all the same. */
async function turnPages<T>(
  read: ReadPage<T>,
  idOf: (entry: T) => string,
  skims: boolean,
): Promise<CloudResult<readonly T[] | 'shifted'>> {
  const found = new Map<string, T>();
  let first: number | undefined;
  for (let told = 0; ; ) {
    const page = await read({ Offset: told, Limit: pageSize });
    if (!page.ok) return page;
    const { total, entries } = page.value;
    if (!skims && first !== undefined && total !== first) return ok('shifted');
    first = total;
    told += entries.length;
    for (const entry of entries) found.set(idOf(entry), entry);
    const isLast = total === undefined ? entries.length < pageSize : told >= total;
    if (entries.length === 0 || isLast) return ok([...found.values()]);
  }
}

/** What carries the mark, or all without one, sorted by id. No filter of a list knows marks. */
export async function markedOnly<T extends Marked & { readonly id: string }>(
  at: ListsAt,
  mark: string | undefined,
  { within, leisurely = false }: Leisurely,
  list: (at: ListsAt, filter: Params, deadline: Deadline) => Promise<CloudResult<readonly T[]>>,
): Promise<CloudResult<readonly T[]>> {
  const listed = await list({ ...at, wire: at.wire.as(leisurely ? 'audits' : 'changes') }, {}, deadlineIn(within));
  if (!listed.ok) return listed;
  const marked = listed.value.filter((one) => mark === undefined || one.mark === mark);
  return ok(marked.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
}

/**
 * What has this id. That it is gone is believed only when the list of all lacks it too, not just the list of those with the id.
 * @unit list: all that a filter lets through; idParam: the filter's name for an id
 */
export async function findListed<T>(
  list: (filter: Params) => Promise<CloudResult<readonly T[]>>,
  idParam: string,
  id: string,
  isIt: (one: T) => boolean,
): Promise<CloudResult<T | undefined>> {
  for (const filter of [{ [idParam]: id }, {}]) {
    const listed = await list(filter);
    if (!listed.ok) return listed;
    const seen = listed.value.find(isIt);
    if (seen !== undefined) return ok(seen);
  }
  return ok(undefined);
}

import * as z from 'zod';
import type { FaultWish } from './fault-wish.ts';
import type { Param, Params } from './parameters.ts';
import { missing, notValid } from './refusal.ts';

export const text = z.string();
export const texts = z.array(text).default([]);
export const integer = z
  .string()
  .regex(/^-?\d{1,15}$/, 'not an integer')
  .transform(Number);
export const flag = z.enum(['true', 'false'], 'write true or false').transform((value) => value === 'true');
export const address = z.ipv4('not an IPv4 address');

/** Where an action takes place. Region is required wherever it is taken; whose action needs more overrides it. */
export const place = { Region: text, Zone: text.optional(), ProjectId: text.optional() };

export const page = (limit: number, most = 10_000) => ({
  Offset: integer.pipe(z.number().min(0)).default(0),
  Limit: integer.pipe(z.number().min(0).max(most)).default(limit),
});

/** The part of `all` that one page shows, and how many there are. */
export function pageOf<T>(all: readonly T[], { Offset, Limit }: { Offset: number; Limit: number }) {
  return { TotalCount: all.length, shown: all.slice(Offset, Offset + Limit) };
}

/** One action of the API: what it takes, and what it answers besides Action and RetCode. */
export interface Action<Cloud> {
  /** Whether this back end writes RetCode as text, `"0"`. */
  readonly retCode: 'integer' | 'text';
  /** @fails Refusal */
  run(params: Params, cloud: Cloud): Promise<object>;
  /** Spoils what was begun, as a fault says. @shape answer: as `run` gave it */
  readonly spoil?: (answer: object, cloud: Cloud, wish: FaultWish) => void;
}

/** How a product declares its actions: each gets the same `Cloud`, which is what the product may read and touch. */
export function actionsOf<Cloud>() {
  return function action<S extends z.ZodRawShape>(
    shape: S,
    answer: (args: z.output<z.ZodObject<S>>, cloud: Cloud) => object | Promise<object>,
    { retCode = 'integer', ...rest }: Partial<Pick<Action<Cloud>, 'retCode' | 'spoil'>> = {},
  ): Action<Cloud> {
    const schema = z.strictObject(shape);
    return { retCode, run: async (params, cloud) => answer(readArguments(schema, params), cloud), ...rest };
  };
}

function readArguments<S extends z.ZodRawShape>(schema: z.ZodObject<S>, params: Params): z.output<z.ZodObject<S>> {
  const read = schema.safeParse(params);
  if (read.success) return read.data as z.output<z.ZodObject<S>>;
  const [issue] = read.error.issues;
  if (issue === undefined) throw notValid('?', 'unreadable');
  if (issue.code === 'unrecognized_keys')
    throw notValid([...issue.path, issue.keys[0]].join('.'), 'this action has no such parameter');
  const name = issue.path.join('.');
  throw valueAt(params, issue.path) === undefined ? missing(name) : notValid(name, issue.message);
}

function valueAt(params: Params, path: readonly PropertyKey[]): Param | undefined {
  let at: Param | undefined = params;
  for (const key of path) at = typeof at === 'object' ? (at as Params)[String(key)] : undefined;
  return at;
}

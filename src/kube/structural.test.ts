import { expect, test } from 'vitest';
import * as z from 'zod';
import { structuralSchema } from './structural.ts';

test.each<[string, z.ZodType, object]>([
  ['an integer has a format and no bounds of its machine', z.int(), { type: 'integer', format: 'int64' }],
  [
    'bounds that somebody chose stay',
    z.int().min(0).max(9),
    { type: 'integer', format: 'int64', minimum: 0, maximum: 9 },
  ],
  ['a bound on one side stands alone', z.int().max(9), { type: 'integer', format: 'int64', maximum: 9 }],
  ['a number that need not be whole has no format', z.number().min(1), { type: 'number', minimum: 1 }],
  [
    'a closed object is one that names its fields',
    z.strictObject({ a: z.string() }),
    { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
  ],
  [
    'a field may say itself that it holds anything',
    z.any().meta({ 'x-kubernetes-preserve-unknown-fields': true }),
    { 'x-kubernetes-preserve-unknown-fields': true },
  ],
  ['a time is a format without the pattern beside it', z.iso.datetime(), { type: 'string', format: 'date-time' }],
  ['any other pattern stays', z.string().regex(/^a+$/), { type: 'string', pattern: '^a+$' }],
  [
    'a record is typed by its values',
    z.record(z.string(), z.string()),
    { type: 'object', additionalProperties: { type: 'string' } },
  ],
  [
    'a loose object may hold anything',
    z.looseObject({}),
    { type: 'object', properties: {}, 'x-kubernetes-preserve-unknown-fields': true },
  ],
  [
    'a default makes a field optional',
    z.object({ a: z.enum(['x', 'y']).default('x') }),
    { type: 'object', properties: { a: { type: 'string', enum: ['x', 'y'], default: 'x' } } },
  ],
  [
    "Kubernetes' own extensions pass",
    z.array(z.string()).meta({ 'x-kubernetes-list-type': 'set' }),
    { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
  ],
  [
    'int-or-string has no type',
    z.union([z.int(), z.string()]).meta({ 'x-kubernetes-int-or-string': true }),
    { 'x-kubernetes-int-or-string': true },
  ],
  [
    'a union of objects that require nothing requires nothing',
    z.union([z.object({ a: z.string().optional() }), z.object({ b: z.string().optional() })]),
    { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } } },
  ],
  [
    'a choice that two members share has the values of both',
    z.union([z.object({ size: z.enum(['s', 'm']) }), z.object({ size: z.enum(['m', 'l']) })]),
    { type: 'object', properties: { size: { type: 'string', enum: ['s', 'm', 'l'] } }, required: ['size'] },
  ],
  [
    'a tagged union is one object whose tag has all values',
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a'), size: z.string(), only: z.string() }),
      z.object({ kind: z.literal('b'), size: z.string() }),
    ]),
    {
      type: 'object',
      required: ['kind', 'size'],
      properties: { kind: { type: 'string', enum: ['a', 'b'] }, size: { type: 'string' }, only: { type: 'string' } },
    },
  ],
])('%s', (_, type, schema) => {
  expect(structuralSchema(type, 'Thing.spec')).toStrictEqual(schema);
});

interface Tree {
  readonly inner?: Tree | undefined;
}
const tree: z.ZodType<Tree> = z.object({
  get inner() {
    return tree.optional();
  },
});

test.each<[string, z.ZodType, string]>([
  [
    'a union of other than objects',
    z.object({ a: z.union([z.string(), z.boolean()]) }),
    'Thing.spec.a: a union of other than objects',
  ],
  [
    'a union of objects and other types',
    z.object({ a: z.union([z.object({ b: z.string() }), z.string()]) }),
    'Thing.spec.a: a union of other than objects',
  ],
  [
    'a union among the values of a record',
    z.record(z.string(), z.union([z.string(), z.boolean()])),
    'Thing.spec.*: a union of other than objects',
  ],
  [
    'a union among the items of a list',
    z.array(z.union([z.string(), z.boolean()])),
    'Thing.spec[]: a union of other than objects',
  ],
  ...(
    [
      ['a text and a choice', z.string(), z.enum(['a'])],
      ['a choice and a text', z.enum(['a']), z.string()],
      ['choices of different types', z.literal('a'), z.literal(1)],
    ] as const
  ).map(([title, one, other]): [string, z.ZodType, string] => [
    `a field that is ${title} in one union`,
    z.union([z.object({ size: one }), z.object({ size: other })]),
    'Thing.spec.size: two members of a union give this field different types',
  ]),
  ['a field of any type', z.object({ a: z.any() }), 'Thing.spec.a: a field of any type'],
  [
    'a record with named fields',
    z.record(z.string(), z.string()).and(z.object({ b: z.string() })),
    'Thing.spec: a type with named fields',
  ],
  ['a recursive type', tree, 'Thing.spec.inner: a recursive type'],
  [
    'a field of two types in one union',
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a'), size: z.string() }),
      z.object({ kind: z.literal('b'), size: z.int() }),
    ]),
    'Thing.spec.size: two members of a union',
  ],
])('%s is refused by its name', (_, type, why) => {
  expect(() => structuralSchema(type, 'Thing.spec')).toThrow(why);
});

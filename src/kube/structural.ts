import * as z from 'zod';

/** A JSON schema as a CustomResourceDefinition holds it. */
export type Schema = Readonly<Record<string, unknown>>;

/**
 * The schema of a zod type in the form that Kubernetes demands: structural, every field typed, no references, a union of
 * objects told by a tag folded into one object. `x-kubernetes-…` in `.meta()` passes through.
 * @fails Error naming the field for what has no structural form
 * @source https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export function structuralSchema(type: z.ZodType, at: string): Schema {
  return structural(z.toJSONSchema(type, { target: 'openapi-3.0', io: 'input', reused: 'inline' }) as Schema, at);
}

function structural({ $schema: _schema, id: _id, ...raw }: Schema, at: string): Schema {
  if ('$ref' in raw) throw new Error(`${at}: a recursive type has no structural schema; nest it to a fixed depth`);
  // An optional reference comes wrapped in an allOf of one.
  for (const member of (raw.allOf ?? []) as readonly Schema[]) structural(member, at);
  const { oneOf, anyOf, ...rest } = withInner(withoutNoise(raw), at);
  const members = (oneOf ?? anyOf) as readonly Schema[] | undefined;
  if (members === undefined) return typed(rest, at);
  if (rest['x-kubernetes-int-or-string'] === true) {
    const { type: _type, ...bare } = rest;
    return bare;
  }
  if (members.every((member) => member.type === 'object'))
    return {
      ...rest,
      ...folded(
        members.map((m) => structural(m, at)),
        at,
      ),
    };
  throw new Error(`${at}: a union of other than objects has no structural schema; use one type, or int-or-string`);
}

function typed(schema: Schema, at: string): Schema {
  if (schema.type === undefined && schema['x-kubernetes-preserve-unknown-fields'] !== true)
    throw new Error(`${at}: a field of any type has no structural schema; give it a type`);
  if (schema.properties !== undefined && schema.additionalProperties !== undefined)
    throw new Error(
      `${at}: a type with named fields and further typed ones has no structural schema; use one or the other`,
    );
  return schema;
}

/** Without the bounds that zod gives every safe integer, and without the long pattern beside a format that the server checks itself. */
function withoutNoise(schema: Schema): Schema {
  const { maximum, minimum, pattern, ...rest } = schema;
  return {
    ...rest,
    ...(rest.type === 'integer' && { format: rest.format ?? 'int64' }),
    ...(maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER && { maximum }),
    ...(minimum !== undefined && minimum !== Number.MIN_SAFE_INTEGER && { minimum }),
    ...(pattern !== undefined && rest.format !== 'date-time' && { pattern }),
  };
}

function withInner({ additionalProperties, ...schema }: Schema, at: string): Schema {
  return {
    ...schema,
    ...openness(additionalProperties, at),
    ...(schema.properties !== undefined && { properties: mapFields(schema.properties as Schema, at) }),
    ...(schema.items !== undefined && { items: structural(schema.items as Schema, `${at}[]`) }),
  };
}

function openness(additional: unknown, at: string): Schema {
  if (additional === undefined || additional === false) return {};
  // A loose object says {}; the server wants to be told that it may keep what it does not know.
  if (Object.keys(additional as Schema).length === 0) return { 'x-kubernetes-preserve-unknown-fields': true };
  return { additionalProperties: structural(additional as Schema, `${at}.*`) };
}

function mapFields(properties: Schema, at: string): Schema {
  return Object.fromEntries(
    Object.entries(properties).map(([field, inner]) => [field, structural(inner as Schema, `${at}.${field}`)]),
  );
}

/** One object for a tagged union: the tag takes every member's value, and only what all members require stays required. */
function folded(members: readonly Schema[], at: string): Schema {
  const properties: Record<string, Schema> = {};
  for (const [field, schema] of members.flatMap((m) => Object.entries((m.properties ?? {}) as Record<string, Schema>)))
    properties[field] = joined(properties[field], schema, `${at}.${field}`);
  const required = members
    .map((member) => (member.required ?? []) as readonly string[])
    .reduce((all, own) => all.filter((field) => own.includes(field)));
  return { type: 'object', properties, ...(required.length > 0 && { required }) };
}

function joined(known: Schema | undefined, more: Schema, at: string): Schema {
  if (known === undefined || JSON.stringify(known) === JSON.stringify(more)) return more;
  const { enum: values, ...rest } = known;
  const { enum: further, ...same } = more;
  if (values === undefined || further === undefined || JSON.stringify(rest) !== JSON.stringify(same))
    throw new Error(`${at}: two members of a union give this field different types; name them differently`);
  return { ...rest, enum: [...new Set([...(values as unknown[]), ...(further as unknown[])])] };
}

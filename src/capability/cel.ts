/** A literal of CEL. */
export function text(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

export function listOf(values: readonly string[]): string {
  return `[${values.map(text).join(', ')}]`;
}

export function mapOf(values: Readonly<Record<string, string>>): string {
  return `{${Object.entries(values)
    .map(([key, value]) => `${text(key)}: ${text(value)}`)
    .join(', ')}}`;
}

/** What stands at a key of a map that may be absent; the empty text when there is nothing. */
export function entryOf(map: string, key: string): string {
  return `(has(${map}) && ${text(key)} in ${map} ? ${map}[${text(key)}] : '')`;
}

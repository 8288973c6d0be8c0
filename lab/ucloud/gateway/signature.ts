import { createHash } from 'node:crypto';

/** A parameter as it was received: flat text from a form or a query, any JSON value from a JSON body. */
export type Received = string | number | boolean | null | readonly Received[] | { readonly [key: string]: Received };

/**
 * The signature that the owner of `privateKey` puts on these parameters; a parameter `Signature` among them takes no part.
 * @shape 40 lower-case hex digits
 * @source UCloud API reference, summary/signature: keys in byte order, key and value without separator or escaping, the private
 *         key, SHA-1; nested values, and null as an empty value, as the Go SDK signs them
 */
export function signatureOf(params: Readonly<Record<string, Received>>, privateKey: string): string {
  const { Signature: _, ...signed } = params;
  return createHash('sha1')
    .update(textOf(signed) + privateKey, 'utf8')
    .digest('hex');
}

function textOf(value: Received): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return numberText(value);
  if (isList(value)) return value.map(textOf).join('');
  return Object.keys(value)
    .sort(byBytes)
    .map((key) => key + textOf(value[key] as Received))
    .join('');
}

// Array.isArray alone does not narrow a readonly array.
function isList(value: Received): value is readonly Received[] {
  return Array.isArray(value);
}

/** Never an exponent: 1e21 is signed as its digits. */
function numberText(value: number): string {
  if (Number.isInteger(value)) return BigInt(value).toString();
  const text = String(value);
  return text.includes('e') ? value.toFixed(20).replace(/0+$/, '') : text;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

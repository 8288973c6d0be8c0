import { createHash } from 'node:crypto';

/** The parameters of one call in flat form, `Disks.0.Size`; `undefined` is left out, as both official clients do. */
export type Params = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * The value of `Signature` for exactly these parameters.
 * @shape lower-case hex of SHA-1 over the sorted keys and values without separators, then the private key
 * @fails RangeError for a number that has no plain decimal text
 * @source UCloud API documentation, "signature"; its vectors and those of both SDKs are the table of the test
 */
export function sign(params: Params, privateKey: string): string {
  const texts = textsOf(params);
  // Keys are ASCII, so the order of code units is the order of bytes that the server expects: Backends.10 before Backends.2.
  const signed = Object.keys(texts)
    .sort((a, b) => (a < b ? -1 : 1))
    .map((key) => key + texts[key])
    .join('');
  return createHash('sha1')
    .update(signed + privateKey)
    .digest('hex');
}

/** The parameters as they are both signed and sent: one text form each. */
export function textsOf(params: Params): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(params)) if (value !== undefined) texts[key] = textOf(key, value);
  return texts;
}

function textOf(key: string, value: string | number | boolean): string {
  const text = String(value);
  if (typeof value === 'number' && !/^-?\d+(\.\d+)?$/.test(text))
    throw new RangeError(`parameter ${key}: ${text} has no plain decimal form, write it as text`);
  return text;
}

declare const bytesBrand: unique symbol;
/** An amount of memory or storage in bytes. */
export type Bytes = number & { readonly [bytesBrand]: true };

const factor = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 } as const;

export const gibi = (n: number): Bytes => (n * factor.Gi) as Bytes;
export const mebi = (n: number): Bytes => (n * factor.Mi) as Bytes;

/** Reads `512Mi`, `4Gi`; `undefined` for anything else, a bare number included, because its unit would be a guess. */
export function parseBytes(text: string): Bytes | undefined {
  const match = /^([1-9]\d*)(Ki|Mi|Gi|Ti)$/.exec(text);
  if (match === null) return undefined;
  return (Number(match[1]) * factor[match[2] as keyof typeof factor]) as Bytes;
}

/** The largest unit that divides evenly: `4Gi`, `1536Mi`. */
export function formatBytes(amount: Bytes): string {
  for (const unit of ['Ti', 'Gi', 'Mi', 'Ki'] as const)
    if (amount % factor[unit] === 0) return `${amount / factor[unit]}${unit}`;
  return `${amount}`;
}

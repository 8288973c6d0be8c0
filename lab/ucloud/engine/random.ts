/** Chance with a memory that can be written down: the whole state is one number, so a restored cloud goes on where it stopped. */
export interface Chance {
  seed: number;
}

/** A number in [0, 1). @source mulberry32, public domain */
export function draw(chance: Chance): number {
  chance.seed = (chance.seed + 0x6d2b79f5) | 0;
  let t = Math.imul(chance.seed ^ (chance.seed >>> 15), 1 | chance.seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

/** `length` characters of a-z and 0-9, as in the cloud's ids. */
export function drawName(chance: Chance, length: number): string {
  return Array.from({ length }, () => Math.floor(draw(chance) * 36).toString(36)).join('');
}

export function drawHex(chance: Chance, length: number): string {
  return Array.from({ length }, () => Math.floor(draw(chance) * 16).toString(16)).join('');
}

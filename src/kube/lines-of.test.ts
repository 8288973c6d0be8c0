import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { linesOf } from './lines-of.ts';

async function* inPieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts.map((c) => c % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
}

async function collected(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

/** Made from its code point: fast-check's own unit `binary` first spends a second on a table of all of them. */
const character = fc
  .oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0x80, max: 0x10ffff }))
  .map((point) => String.fromCodePoint(point))
  .filter((text) => text !== '\n' && text.isWellFormed());

test('lines come out whole wherever the stream was cut, amid a character too', async () => {
  const line = fc.string({ unit: character, minLength: 1 }).filter((text) => !text.startsWith('\uFEFF'));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat()), async (lines, cuts) => {
      const bytes = new TextEncoder().encode(lines.map((text) => `${text}\n`).join(''));
      expect(await collected(linesOf(inPieces(bytes, cuts)))).toEqual(lines);
    }),
  );
});

test('a torn last line is not told', async () => {
  const bytes = new TextEncoder().encode('{"whole":1}\n{"torn"');
  expect(await collected(linesOf(inPieces(bytes, [])))).toEqual(['{"whole":1}']);
});

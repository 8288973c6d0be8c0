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

test('lines come out whole wherever the stream was cut, amid a character too', async () => {
  const line = fc
    .string({ unit: 'binary', minLength: 1 })
    .filter((text) => !text.includes('\n') && text.isWellFormed() && !text.startsWith('\uFEFF'));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat()), async (lines, cuts) => {
      const bytes = new TextEncoder().encode(lines.map((text) => `${text}\n`).join(''));
      expect(await collected(linesOf(inPieces(bytes, cuts)))).toEqual(lines);
    }),
  );
  // Half a second of work, which a busy machine stretches.
}, 60_000);

test('a torn last line is not told', async () => {
  const bytes = new TextEncoder().encode('{"whole":1}\n{"torn"');
  expect(await collected(linesOf(inPieces(bytes, [])))).toEqual(['{"whole":1}']);
});

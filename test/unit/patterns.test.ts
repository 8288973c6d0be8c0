import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** A pattern as the value of a key: `message: /gone/`, within one call of the given name. */
const patternIn = (call: string): RegExp => new RegExp(String.raw`${call}\((?:(?!;\n)[^])*?:\s+\/[^\s/*)]`, 'g');

/** To `toMatchObject` a RegExp is an object without keys, and every text matches that. */
test('a pattern within toMatchObject is compared: it is in expect.stringMatching', () => {
  const files = globSync('{src,lab,test,bench,tool}/**/*.{test,contract}.ts');
  expect(files.length).toBeGreaterThan(300);
  for (const file of files)
    expect({ file, unread: readFileSync(file, 'utf8').match(patternIn('toMatchObject')) }).toEqual({
      file,
      unread: null,
    });
  expect('match({ message: /gone/ });'.match(patternIn('match'))).not.toBeNull();
  expect('match({ message: expect.stringMatching(/gone/) });'.match(patternIn('match'))).toBeNull();
  expect('match({ message: expect.stringMatching(/gone: /) });'.match(patternIn('match'))).toBeNull();
});

/** `isthmus lab conformance` ended with 0 although specs had failed: the program ends with the code that the command line gives, which is 0 for what did not throw. */
test('a command that fails throws: an exit code that it only sets is lost', () => {
  const files = globSync('{src,lab}/cli/**/*.ts').filter((file) => !file.endsWith('.test.ts'));
  expect(files.length).toBeGreaterThan(30);
  expect(files.filter((file) => readFileSync(file, 'utf8').includes('process.exitCode'))).toEqual([]);
});

import { expect, test } from 'vitest';
import { referencePages, writtenPage } from '../../tool/reference.ts';

test.each(Object.entries(referencePages()))(
  'docs/reference/%s says what the code says; `npm run docs` writes it anew',
  (name, text) => {
    expect(writtenPage(name)).toBe(text);
    expect(text.split('\n').length).toBeGreaterThan(20);
  },
);

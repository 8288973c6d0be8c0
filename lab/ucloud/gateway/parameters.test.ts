import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { parseParameters } from './parameters.ts';
import { Refusal } from './refusal.ts';

describe('parameters', () => {
  test('a flat form and a nested document are the same tree', () => {
    const flat = { 'Disks.0.Size': '20', 'Disks.1.Size': '30', 'Features.UNI': 'true', 'Ip.0': '10.9.0.3', Name: 'a' };
    const nested = { Disks: [{ Size: 20 }, { Size: 30 }], Features: { UNI: true }, Ip: ['10.9.0.3'], Name: 'a' };
    const tree = { Disks: [{ Size: '20' }, { Size: '30' }], Features: { UNI: 'true' }, Ip: ['10.9.0.3'], Name: 'a' };
    assert.deepEqual(parseParameters(flat), tree);
    assert.deepEqual(parseParameters(nested), tree);
  });

  test('a list keeps the order of its numbers, not of its texts', () => {
    const ids = Array.from({ length: 12 }, (_, at) => `uhost-${at}`);
    const received = Object.fromEntries(ids.map((id, at) => [`UHostIds.${at}`, id]).reverse());
    assert.deepEqual(parseParameters(received), { UHostIds: ids });
  });

  test('what is empty or null was not given', () => {
    assert.deepEqual(parseParameters({ Tag: '', Name: null, 'Ip.0': '' }), {});
  });

  test.each([
    [{ Ip: '10.9.0.3', 'Ip.0': '10.9.0.4' }],
    [{ 'Ip.0': '10.9.0.4', Ip: '10.9.0.3' }],
    [{ 'A.B.C.D.E.F.G.H.I.J.K': '1' }],
  ])('%o is refused as unreadable', (received) => {
    assert.throws(
      () => parseParameters(received),
      (e) => e instanceof Refusal && e.code === 230,
    );
  });

  test('no received document does more than be read or refused', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<never>), (received) => {
        try {
          parseParameters(received);
        } catch (e) {
          assert.ok(e instanceof Refusal, String(e));
        }
      }),
    );
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });
});

import assert from 'node:assert/strict';
import { test } from 'vitest';
import { parseScenario } from './scenario.ts';

test('a scenario has limits, faults or both', () => {
  assert.deepEqual(parseScenario({ limits: { machines: 3, calls: null } }), {
    limits: { machines: 3, calls: null },
    faults: [],
  });
  assert.throws(() => parseScenario({}), /write faults, limits or both/);
  assert.throws(
    () => parseScenario({ limits: { machines: -1, calls: 0 } }),
    /limits\.machines: .*\nlimits\.calls: write at least 1/,
  );
});

test('every fault of a scenario is told at once', () => {
  assert.throws(
    () =>
      parseScenario({
        faults: [
          { action: '*', kind: 'broken' },
          { action: '*', kind: 'slow', after: 'soon' },
        ],
      }),
    /faults\.0\.kind: .*\nfaults\.1\.after: /,
  );
});

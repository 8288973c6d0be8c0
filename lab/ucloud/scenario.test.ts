import assert from 'node:assert/strict';
import { test } from 'vitest';
import { parseKnownFault, parseScenario } from './scenario.ts';

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

test('a fault of an action that the cloud does not have is refused with those that it has', () => {
  const unknown =
    /action: the simulated cloud has no action "CreateUhostInstance"; it has .*CreateUHostInstance, .*StopUHostInstance/;
  assert.throws(() => parseKnownFault({ action: 'CreateUhostInstance', kind: 'timeout' }), unknown);
  assert.throws(() => parseKnownFault({ action: 'Destroy*', kind: 'timeout' }), /no action "Destroy\*"/);
  assert.throws(
    () => parseScenario({ faults: [{ action: 'CreateUHost', kind: 'timeout' }] }),
    /faults\.0\.action: the simulated cloud has no action "CreateUHost"/,
  );
  for (const action of ['CreateUHostInstance', 'Describe*', '*'])
    assert.equal(parseKnownFault({ action, kind: 'timeout' }).action, action);
});

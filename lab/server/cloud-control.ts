import type { PlantedFault } from '../ucloud/gateway/faults.ts';
import { parseLimitChange, parseScenario } from '../ucloud/scenario.ts';
import type { LabCloud } from './lab-cloud.ts';
import { parseLedger } from './ledger.ts';

/** A planted fault as it is shown; `spent`: it can meet no call any more. */
export type ShownFault = PlantedFault & { readonly spent: boolean };

/**
 * The simulated cloud's part of the control API: `GET /cloud/(state|calls|faults|limits)`, `POST /cloud/scenario`,
 * `PATCH /cloud/limits`, `DELETE /cloud/faults[/ID]`, `PUT /cloud/state` with what `GET` gave.
 * @fails Error that names what is wrong
 */
export async function answerCloud(cloud: LabCloud, asked: string, body: () => Promise<string>): Promise<unknown> {
  const now = cloud.current();
  switch (asked) {
    case 'GET /cloud/state':
      return now.snapshot();
    case 'GET /cloud/calls':
      return now.calls();
    case 'GET /cloud/faults':
      return now.faults();
    case 'GET /cloud/limits':
      return now.limits();
    case 'PATCH /cloud/limits':
      now.limit(parseLimitChange(JSON.parse(await body())));
      return now.limits();
    case 'DELETE /cloud/faults':
      now.clear();
      return {};
    case 'POST /cloud/scenario': {
      // All are read before the first is planted: a scenario with a mistake does nothing.
      const { limits, faults } = parseScenario(JSON.parse(await body()));
      now.limit(limits);
      return faults.map(now.plant);
    }
    case 'PUT /cloud/state':
      return cloud.load(parseLedger(await body(), 'what was sent'));
  }
  const one = /^DELETE \/cloud\/faults\/(fault-\d+)$/.exec(asked);
  if (one === null) throw new Error(`nothing answers to ${asked}`);
  now.clear(one[1]);
  return {};
}

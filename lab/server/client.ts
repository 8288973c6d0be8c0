import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { minutes } from '#unit/clock.ts';
import type { LineState } from '../fabric/line-rules.ts';
import type { PlantedFault } from '../ucloud/gateway/faults.ts';
import type { Call } from '../ucloud/gateway/gateway.ts';
import type { LimitChange } from '../ucloud/limits.ts';
import type { State } from '../ucloud/products.ts';
import type { ScenarioText } from '../ucloud/scenario.ts';
import type { ShownLimits } from '../ucloud/ucloud.ts';
import type { ShownFault } from './cloud-control.ts';
import type { LabStatus } from './control.ts';
import type { RecoveryStep } from './plan-recovery.ts';
import { pathsOf, readSettings } from './settings.ts';

/** The running lab as a command of the CLI sees it. */
export interface LabClient {
  status(): Promise<LabStatus>;
  power(key: string, action: 'start' | 'stop' | 'off' | 'reboot'): Promise<void>;
  readonly cloud: CloudClient;
  /** `rateKbit: null` takes the limit away. */
  changeLine(change: { cut?: boolean; rateKbit?: number | null; lossPercent?: number }): Promise<LineState>;
}

/** The simulated cloud, asked beside its API. */
export interface CloudClient {
  objects(): Promise<State>;
  calls(): Promise<readonly Call[]>;
  faults(): Promise<readonly ShownFault[]>;
  /** Sets its limits and plants its faults, all or none. @shape the faults as they were planted */
  play(scenario: ScenarioText): Promise<readonly PlantedFault[]>;
  limits(): Promise<ShownLimits>;
  limit(change: LimitChange): Promise<ShownLimits>;
  /** All of them without an id. */
  clear(id?: string): Promise<void>;
  load(state: State): Promise<readonly RecoveryStep[]>;
}

/** @fails Error when there is no such lab (with the names of those there are), or its server does not run */
export async function openLab(lab: string): Promise<LabClient> {
  await readSettings(lab);
  if (!(await isServed(lab)))
    throw new Error(
      `the server of lab "${lab}" does not run; start it again with \`isthmus lab up --name ${lab}\`, ` +
        `or remove the lab with \`isthmus lab down --name ${lab}\``,
    );
  return {
    status: () => call(lab, 'GET', '/status') as Promise<LabStatus>,
    power: async (key, action) => {
      await call(lab, 'POST', `/machines/${key}/${action}`);
    },
    cloud: {
      objects: () => call(lab, 'GET', '/cloud/state') as Promise<State>,
      calls: () => call(lab, 'GET', '/cloud/calls') as Promise<readonly Call[]>,
      faults: () => call(lab, 'GET', '/cloud/faults') as Promise<readonly ShownFault[]>,
      play: (scenario) => call(lab, 'POST', '/cloud/scenario', scenario) as Promise<readonly PlantedFault[]>,
      limits: () => call(lab, 'GET', '/cloud/limits') as Promise<ShownLimits>,
      limit: (change) => call(lab, 'PATCH', '/cloud/limits', change) as Promise<ShownLimits>,
      clear: async (id) => {
        await call(lab, 'DELETE', id === undefined ? '/cloud/faults' : `/cloud/faults/${id}`);
      },
      load: (state) => call(lab, 'PUT', '/cloud/state', state) as Promise<readonly RecoveryStep[]>,
    },
    changeLine: (change) => call(lab, 'PATCH', '/line', change) as Promise<LineState>,
  };
}

export async function isServed(lab: string): Promise<boolean> {
  if (!existsSync(pathsOf(lab).socket)) return false;
  return call(lab, 'GET', '/status').then(
    () => true,
    (e: unknown) => {
      if (['ECONNREFUSED', 'ENOENT'].includes((e as NodeJS.ErrnoException).code ?? '')) return false;
      throw e;
    },
  );
}

function call(lab: string, method: string, path: string, body?: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // A stop or reboot answers when it is done, after the machine's own shutdown.
    const asked = request({ socketPath: pathsOf(lab).socket, method, path, timeout: minutes(2) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => {
        const answer = JSON.parse(text) as { error?: string };
        if (response.statusCode === 200) resolve(answer);
        else reject(new Error(answer.error ?? text));
      });
    });
    asked.once('timeout', () => asked.destroy(new Error(`lab "${lab}" did not answer ${method} ${path} within 2 min`)));
    asked.once('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { stringify } from 'yaml';
import type { KubeObject, Resource } from '#kube/kube.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { minutes } from '#unit/clock.ts';
import type { apiServerForTests } from './api-server-for-tests.ts';
import { type Running, start } from './process.ts';

interface Budget extends KubeObject {
  readonly spec: { readonly minAvailable: number; readonly selector: object };
  readonly status?: { readonly disruptionsAllowed?: number; readonly currentHealthy?: number };
}

export const budgets: Resource<Budget> = {
  group: 'policy',
  version: 'v1',
  plural: 'poddisruptionbudgets',
  kind: 'PodDisruptionBudget',
  namespaced: true,
};

/** Upstream's controller of disruption budgets, for all tests of the file that calls this. */
export function disruptionController(api: ReturnType<typeof apiServerForTests>): { assertAlive(): Promise<void> } {
  let folder: string;
  let running: Running | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'isthmus-disruption-'));
    const kubeconfig = join(folder, 'kubeconfig');
    const { access, token } = api.server;
    const cluster = {
      server: access.server,
      'certificate-authority-data': Buffer.from(access.ca ?? '').toString('base64'),
    };
    const config = {
      'current-context': 'test',
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    };
    await writeFile(kubeconfig, stringify(config), { mode: 0o600 });
    const { bin } = await ensureBinaries();
    const flags = ['--controllers=disruption-controller', '--leader-elect=false', '--secure-port=0'];
    running = start(bin('kube-controller-manager'), [`--kubeconfig=${kubeconfig}`, ...flags], {
      cwd: folder,
      log: join(folder, 'log'),
    });
  }, minutes(3));

  afterAll(async () => {
    await running?.end('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  return {
    assertAlive: async () => {
      if (running === undefined) throw new Error('the disruption controller runs only while the tests of its file do');
      await running.assertAlive();
    },
  };
}

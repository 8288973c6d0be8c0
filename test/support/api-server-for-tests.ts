import { afterAll, beforeAll } from 'vitest';
import { connect } from '#kube/client.ts';
import type { Kube } from '#kube/kube.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { minutes } from '#unit/clock.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from './api-server.ts';

/**
 * One API server for all tests of the file that calls this, and a client of it. Both are there from the first test to the last; whoever
 * looks before is told.
 */
export function apiServerForTests(options: Pick<ApiServerOptions, 'flags'> = {}): {
  readonly server: ApiServer;
  readonly kube: Kube;
} {
  let running: { readonly server: ApiServer; readonly kube: Kube } | undefined;
  const now = () => {
    if (running === undefined) throw new Error('the API server of this file runs only while its tests do');
    return running;
  };

  beforeAll(async () => {
    const server = await startApiServer({ ...(await ensureBinaries()), ...options, within: minutes(2) });
    running = { server, kube: connect(server.access) };
  });

  afterAll(async () => {
    await running?.kube.close();
    await running?.server.stop();
  });

  return {
    get server() {
      return now().server;
    },
    get kube() {
      return now().kube;
    },
  };
}

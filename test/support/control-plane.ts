import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiServer } from './api-server.ts';
import { start } from './process.ts';

/** A program of the control plane beside a test's API server: the real kube-scheduler, or kube-controller-manager. */
export async function startBeside(
  server: ApiServer,
  program: string,
  flags: readonly string[],
): Promise<{ stop(): Promise<void>; assertAlive(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-control-plane-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(server, 'test'), { mode: 0o600 });
  const always = [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0'];
  const running = start(program, [...always, ...flags], { cwd: folder, log: join(folder, 'log') });
  return {
    assertAlive: () => running.assertAlive(),
    async stop() {
      await running.end('SIGKILL');
      await rm(folder, { recursive: true });
    },
  };
}

/** For programs that read a file; as a master. */
export function kubeconfigOf({ port, access, token }: ApiServer, cluster: string): string {
  const named = (value: object) => [{ name: cluster, ...value }];
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: named({
      cluster: {
        server: `https://127.0.0.1:${port}`,
        'certificate-authority-data': Buffer.from(access.ca ?? '').toString('base64'),
      },
    }),
    users: named({ user: { token } }),
    contexts: named({ context: { cluster, user: cluster } }),
    'current-context': cluster,
  });
}

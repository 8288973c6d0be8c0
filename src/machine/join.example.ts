import { createHash } from 'node:crypto';
import type { Download } from './bootstrap.ts';
import type { JoinFile } from './join-file.ts';

/** A bundle of our own program alone, for tests of what fetches it. */
export function downloadOf(program: string): Download {
  const digest = `sha256:${createHash('sha256').update(program).digest('hex')}`;
  return { program: { path: 'bin/isthmus', digest, size: program.length }, bytes: program.length };
}

/** What a cloud worker is told to join with. */
export function usualJoin(change: Pick<JoinFile, 'api'> & { readonly bundleUrl: string; readonly token: string }) {
  const { api, bundleUrl, token } = change;
  return {
    format: 'isthmus-join/v1',
    cluster: 'shop',
    machine: 'web-1',
    role: 'node',
    ground: 'cloud',
    kubernetes: '1.36.3',
    bundle: { url: bundleUrl, digest: `sha256:${'a'.repeat(64)}` },
    api,
    provider: 'ucloud',
    region: 'cn-bj2',
    zone: 'cn-bj2-04',
    services: '10.96.0.0/16',
    admission: { token, caHash: `sha256:${'b'.repeat(64)}` },
  } satisfies JoinFile;
}

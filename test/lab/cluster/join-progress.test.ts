import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tellProgress } from '#cluster/join/tell-progress.ts';
import { localHost } from '#host/local.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { connect } from '#kube/client.ts';
import { type Kube, KubeError } from '#kube/kube.ts';
import { configMaps, namespaces, secrets } from '#kube/resources.ts';
import { bootstrapScript } from '#machine/bootstrap.ts';
import { downloadOf, usualJoin } from '#machine/join.example.ts';
import type { JoinFile } from '#machine/join-file.ts';
import { apiAuthorityPath, formatJoinReport, joinRecordName } from '#machine/join-report.ts';
import {
  giveJoinToken,
  noteStalled,
  observeJoining,
  observeJoinTokens,
  readJoinReport,
  removeJoinTokens,
  renewJoinToken,
} from '#machine/join-token.ts';
import { type Instant, minutes, now, seconds, waitFor } from '#unit/clock.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';

/** Join tokens and the reports that machines send with them, against a real API server. */
const api = apiServerForTests({ flags: ['--enable-bootstrap-token-auth=true'] });

beforeAll(async () => {
  await waitFor('the namespace', () => api.kube.create(namespaces, { metadata: { name: systemNamespace } }), {
    within: seconds(20),
  });
}, minutes(1));

/** What a machine may do with the token that it was given. */
async function withToken<T>(token: string, work: (kube: Kube) => Promise<T>): Promise<T> {
  const { server, ca } = api.server.access;
  const kube = connect({ server, ...(ca !== undefined && { ca }), token: () => token });
  try {
    return await work(kube);
  } finally {
    await kube.close();
  }
}

async function status(call: Promise<unknown>): Promise<number> {
  return call.then(
    () => 200,
    (e: unknown) => (e instanceof KubeError ? e.status : Promise.reject(e)),
  );
}

const recordOf = (machine: string) => ({ name: joinRecordName(machine), namespace: systemNamespace });
const report = { step: 'binaries', have: 412_000_000, of: 586_000_000, fault: undefined };

test('a join token lets its machine report its own progress, and nothing else', async () => {
  const token = await giveJoinToken(api.kube, 'web-1', now());
  await giveJoinToken(api.kube, 'web-2', now());
  await withToken(token, async (machine) => {
    const patch = formatJoinReport(report);
    // Rights and tokens begin to hold a moment after they were written.
    await waitFor('the right to report', () => machine.merge(configMaps, recordOf('web-1'), patch), {
      within: seconds(20),
    });
    expect(await status(machine.merge(configMaps, recordOf('web-2'), patch))).toBe(403);
    const settings = { name: 'isthmus', namespace: systemNamespace };
    expect(await status(machine.merge(configMaps, settings, patch))).toBe(403);
    expect(await status(machine.get(configMaps, recordOf('web-1')))).toBe(403);
    expect(await status(machine.get(secrets, recordOf('web-1')))).toBe(403);
    expect(await status(machine.delete(configMaps, recordOf('web-1')))).toBe(403);
  });
  expect(await readJoinReport(api.kube, 'web-1')).toEqual(report);
  // It cannot have another machine taken for one that makes no progress, which is replaced.
  const label = { metadata: { labels: { 'isthmus.dev/machine': 'base-1' } } };
  await withToken(token, (machine) => machine.merge(configMaps, recordOf('web-1'), label));
  expect((await observeJoining(api.kube)).map(({ machine }) => machine)).toEqual(['web-1', 'web-2']);
  await removeJoinTokens(api.kube, 'web-1');
  await removeJoinTokens(api.kube, 'web-2');
  expect(await observeJoining(api.kube)).toEqual([]);
  expect(await observeJoinTokens(api.kube)).toEqual([]);
});

test('a token that expired and was swept up is the same again when it is renewed, and a machine given one twice keeps it', async () => {
  const first = await giveJoinToken(api.kube, 'web-1', now());
  expect(await giveJoinToken(api.kube, 'web-1', now())).toBe(first);
  const [swept] = await observeJoinTokens(api.kube);
  await api.kube.delete(secrets, { name: swept?.name ?? '', namespace: 'kube-system' });
  expect(await observeJoinTokens(api.kube)).toEqual([]);
  expect(await observeJoining(api.kube)).toMatchObject([{ machine: 'web-1', hasToken: true }]);
  expect(await renewJoinToken(api.kube, 'web-1', now())).toBe(first);
  await withToken(first, (machine) =>
    waitFor('the right to report', () => machine.merge(configMaps, recordOf('web-1'), formatJoinReport(report)), {
      within: seconds(20),
    }),
  );
  await removeJoinTokens(api.kube, 'web-1');
  expect(await renewJoinToken(api.kube, 'web-1', now())).toBeUndefined();
});

test('a machine that was noted as stalled counts as such until it has more bytes', async () => {
  const since = Date.parse('2026-11-28T10:00:00Z') as Instant;
  await giveJoinToken(api.kube, 'web-1', now());
  await api.kube.merge(configMaps, recordOf('web-1'), formatJoinReport(report));
  await noteStalled(api.kube, 'web-1', since, report.have);
  expect(await observeJoining(api.kube)).toEqual([{ machine: 'web-1', hasToken: true, report, stalledSince: since }]);
  const more = { ...report, have: report.have + 1 };
  await api.kube.merge(configMaps, recordOf('web-1'), formatJoinReport(more));
  expect(await observeJoining(api.kube)).toMatchObject([{ report: more, stalledSince: undefined }]);
  await removeJoinTokens(api.kube, 'web-1');
  await noteStalled(api.kube, 'web-1', since, 0);
  expect(await observeJoining(api.kube)).toEqual([]);
});

const folder = mkdtempSync(join(tmpdir(), 'isthmus-progress-'));
const program = `#!/bin/sh\nexit 0\n${'#'.repeat(3_000_000)}\n`;
let store: Server;

/** Gives the first half at once and the rest after a while, as a slow line does. */
beforeAll(async () => {
  store = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': program.length });
    response.write(program.slice(0, program.length / 2));
    setTimeout(() => response.end(program.slice(program.length / 2)), 9000);
  });
  await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
});

afterAll(() => {
  store.closeAllConnections();
  store.close();
  rmSync(folder, { recursive: true });
});

function joinFile(token: string): JoinFile {
  const { hostname, port } = new URL(api.server.access.server);
  const { port: storePort } = store.address() as AddressInfo;
  return usualJoin({
    bundleUrl: `http://127.0.0.1:${storePort}`,
    api: { address: hostname, port: Number(port) },
    token,
  });
}

const download = downloadOf(program);

test(
  'while the program itself is still being fetched over a slow line, the machine reports how much it has',
  async () => {
    const token = await giveJoinToken(api.kube, 'web-1', now());
    const script = join(folder, 'bootstrap.sh');
    writeFileSync(script, bootstrapScript(joinFile(token), download, api.server.access.ca));
    const inside = `mount --make-rprivate / && mount -t tmpfs none /usr/local && mount -t tmpfs none /etc && exec sh ${script}`;
    const child = spawn('unshare', ['-m', 'sh', '-c', inside], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('close', resolve));
    const half = await waitFor('a report', () => readJoinReport(api.kube, 'web-1'), { within: seconds(30) });
    expect(half).toMatchObject({ step: 'program', of: program.length });
    // What curl holds back is not in the file yet.
    expect(half.have).toBeGreaterThan(program.length * 0.4);
    expect(half.have).toBeLessThanOrEqual(program.length / 2);
    expect(await ended).toBe(0);
    await removeJoinTokens(api.kube, 'web-1');
  },
  minutes(1),
);

test('the program reports bytes, steps and why a try failed; a machine without a token only says them', async () => {
  const token = await giveJoinToken(api.kube, 'web-1', now());
  const said: string[] = [];
  const host = localHost('web-1');
  const ca = { ...host, read: (path: string) => (path === apiAuthorityPath ? api.server.access.ca : undefined) };
  const progress = await tellProgress(joinFile(token), { ...host, read: async (path) => ca.read(path) }, (line) =>
    said.push(line),
  );
  progress.expect(10_000_000);
  progress.file('bin/isthmus')(4_000_000);
  progress.file('bin/kubelet')(1_000_000);
  progress.file('bin/kubelet')(2_500_000);
  progress.step('images');
  await waitFor('the report', async () => (await readJoinReport(api.kube, 'web-1'))?.have === 6_500_000, {
    within: seconds(30),
  });
  progress.fail('no space left on device');
  await progress.end();
  expect(await readJoinReport(api.kube, 'web-1')).toEqual({
    step: 'images',
    have: 6_500_000,
    of: 10_000_000,
    fault: 'no space left on device',
  });
  expect(said).toContain('  fetched 6 of 10 MB');
  await removeJoinTokens(api.kube, 'web-1');

  const alone: string[] = [];
  const { admission: _, ...without } = joinFile(token);
  const quiet = await tellProgress(without, host, (line) => alone.push(line));
  quiet.expect(10_000_000);
  quiet.file('bin/isthmus')(4_000_000);
  await quiet.end();
  expect(alone).toEqual(['  fetched 4 of 10 MB']);
});

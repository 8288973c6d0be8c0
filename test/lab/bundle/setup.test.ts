import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { officialReleases } from '#cluster/bundle/plan-release.ts';
import { type Said, said } from '../lab-tools.ts';

const script = join(import.meta.dirname, '../../../tool/setup.mjs');

/** The first step of `npm run WHAT` on a computer without Go, cut off from every network. */
async function setUp(what: string, env: Readonly<Record<string, string>> = {}): Promise<Said> {
  const path = mkdtempSync(join(tmpdir(), 'isthmus-setup-'));
  // Of all programs, only what looks: whatever would be installed ends the run here.
  symlinkSync('/usr/bin/dpkg-query', join(path, 'dpkg-query'));
  try {
    const argv = ['--net', process.execPath, script];
    return await said(spawn('/usr/bin/unshare', argv, { env: { PATH: path, npm_lifecycle_event: what, ...env } }));
  } finally {
    rmSync(path, { recursive: true });
  }
}

test('the tests say that they need Go', async () => {
  const { code, err } = await setUp('test');
  expect(code).toBe(1);
  expect(err).toMatch(/^This computer can't run the lab yet:\n {2}- there is no Go; install Go 1\.26 or newer/);
});

test('the demo needs Go only where releases can’t be reached, and names every server that it tried', async () => {
  const { code, err } = await setUp('demo');
  expect(code).toBe(1);
  for (const host of ['dl.k8s.io', 'registry.k8s.io', 'github.com']) expect(err).toContain(`${host}: `);
  expect(err).toMatch(/install Go 1\.26 or newer, or let this computer reach them/);
  // Behind a proxy they may be reachable by what makes the bundle, so that is no fault.
  expect((await setUp('demo', { HTTPS_PROXY: 'http://127.0.0.1:1' })).err).not.toContain("can't run the lab yet");
});

test('the servers that are tried are those that a bundle is made from', () => {
  const text = readFileSync(script, 'utf8');
  for (const base of [officialReleases.kubernetesBase, officialReleases.cniBase.replace('/download', '')])
    expect(text).toContain(`'${base}/`);
});

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'vitest';
import type { State } from '../ucloud/products.ts';
import { openLedger } from './ledger.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  file = join(folder, 'cloud.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const lists = {
  vpcs: [],
  subnets: [],
  images: [],
  machines: [],
  interfaces: [],
  addresses: [],
  labels: [],
  firewalls: [],
  eips: [],
  balancers: [],
  applicationBalancers: [],
  certificates: [],
  classicBalancers: [],
  routeTables: [],
  secGroups: [],
  udisks: [],
  snapshots: [],
  snapshotServices: [],
  shares: [],
  sessions: [],
  faults: [],
};
const state = (faultsPlanted: number): State => ({ ...lists, chance: { seed: 1 }, faultsPlanted, limits: {} });

test('what is kept is read back, by root alone, and nothing else is left beside it', async () => {
  assert.equal(await openLedger(file).read(), undefined);
  await openLedger(file).keep(state(3));
  assert.deepEqual(await openLedger(file).read(), state(3));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ['cloud.json']);
});

test('of many changes at once each is on disk when its own keep has ended', async () => {
  const ledger = openLedger(file);
  const now = { ...state(0) };
  const written = Array.from({ length: 20 }, async (_, n) => {
    now.faultsPlanted = n + 1;
    const mine = n + 1;
    await ledger.keep(now);
    assert.ok(((await ledger.read())?.faultsPlanted ?? 0) >= mine);
  });
  await Promise.all(written);
  assert.equal((await ledger.read())?.faultsPlanted, 20);
});

test.each(['', 'not JSON', '{}', '{"machines": 5}'])('%j is no ledger, and the file is named', async (text) => {
  writeFileSync(file, text);
  await assert.rejects(openLedger(file).read(), /cloud\.json is no state of a simulated cloud; write one with/);
});

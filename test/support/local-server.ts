import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { MachineStorage } from '#capability/capability.ts';
import { insideOf } from '#host/inside.ts';
import { serve } from '#rpc/serve.ts';
import { hours, now } from '#unit/clock.ts';
import { localDriver } from '../../src/storage/local/driver.ts';
import { openLocalDriver } from '../../src/storage/local/open-driver.ts';
import { planLeft } from '../../src/storage/local/plan-left.ts';

/**
 * The driver of local volumes as a process that can be killed: `node local-server.ts --pid PID --node NAME --socket PATH --given FILE
 * [--named FILE] [--die-before N]`. Each note is a line of JSON on stdout. FILE has the handles that PersistentVolumes name; without it all are.
 * Before the Nth change it ends itself by SIGKILL.
 */
const { values } = parseArgs({
  options: {
    pid: { type: 'string', default: '' },
    node: { type: 'string', default: '' },
    socket: { type: 'string', default: '' },
    given: { type: 'string', default: '' },
    named: { type: 'string', default: '' },
    'die-before': { type: 'string', default: '0' },
  },
});
let left = Number(values['die-before']);

const driver = await openLocalDriver({
  inside: await insideOf(values.node, Number(values.pid)),
  node: values.node,
  version: 'test',
  given: async () => JSON.parse(await readFile(values.given, 'utf8')) as MachineStorage,
  left: async (records) => {
    if (values.named === '') return [];
    const named = JSON.parse(await readFile(values.named, 'utf8')) as readonly string[];
    const volumes = named.map((volumeHandle) => ({
      metadata: { name: volumeHandle },
      spec: { csi: { driver: localDriver, volumeHandle } },
    }));
    return planLeft({ records, volumes, claims: [], at: now() }, { rest: hours(1) });
  },
  say: (said) => {
    process.stdout.write(`${JSON.stringify({ said: said ?? 'nothing' })}\n`);
    return Promise.resolve();
  },
  note: (facts, doing) => {
    if ('step' in facts && --left === 0) process.kill(process.pid, 'SIGKILL');
    process.stdout.write(`${JSON.stringify({ ...facts, doing })}\n`);
  },
});
await serve(values.socket, driver.services, { note: () => {} });
process.stdout.write(`${JSON.stringify({ serving: values.socket })}\n`);
await driver.tend(new AbortController().signal);

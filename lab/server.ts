import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { ListenOptions } from 'node:net';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { addresses } from './fabric/addresses.ts';
import { openFabric } from './fabric/fabric.ts';
import { markOf } from './fabric/names.ts';
import { observeCgroups } from './machine/cgroup.ts';
import { formatMark, observeMark } from './machine/process-mark.ts';
import { controlServer, type LabStatus, type StartStep } from './server/control.ts';
import { cutPower } from './server/cut-power.ts';
import { openImages } from './server/images.ts';
import { type LabCloud, type LabCloudOptions, openLabCloud } from './server/lab-cloud.ts';
import { openLedger } from './server/ledger.ts';
import { type LabMachines, openMachines } from './server/machines.ts';
import { anotherServes, becomeOnlyServer } from './server/only-server.ts';
import { type LabSettings, pathsOf, readSettings } from './server/settings.ts';
import { isSshUp } from './server/ssh-up.ts';
import { staticFiles } from './server/static-files.ts';

/**
 * The one process of a running lab, started by `isthmus lab up` with the network of the VPC router. It holds the machines'
 * power, the simulated cloud and the control socket. It ends by a signal: `lab down` then clears everything away by looking.
 */
async function main(lab: string): Promise<void> {
  if (!(await becomeOnlyServer(lab))) process.exit(anotherServes);
  const settings = await readSettings(lab);
  const note = (entry: Readonly<Record<string, unknown>>): void => {
    process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`);
  };
  const fabric = openFabric(lab);
  const cgroups = await observeCgroups();
  await cutPower(lab, fabric, cgroups, note);
  const machines = openMachines({ settings, fabric, cgroups, note });
  const ledger = openLedger(pathsOf(lab).ledger);
  const images = openImages(lab);
  const cloud = await serveCloud({ settings, machines, images, fabric, ledger, note });

  const done: StartStep[] = [];
  let failed: string | undefined;
  let complete = false;
  const start = (): LabStatus['start'] => ({ done, complete, ...(failed === undefined ? {} : { failed }) });
  await serveControl(lab, controlServer({ settings, machines, fabric, cloud, start }));
  startMachines(settings, machines, (step) => done.push(step)).then(
    () => (complete = true),
    (e: unknown) => (failed = messageOf(e)),
  );
}

async function serveCloud(options: LabCloudOptions): Promise<LabCloud> {
  const cloud = await openLabCloud(options);
  await serve(cloud.metadata, { host: addresses.metadata, port: 80 });
  await serve(cloud.api, { host: addresses.api, port: 80 });
  await serve(staticFiles('/bundle', options.settings.bundle.folder), { host: addresses.store, port: 80 });
  return cloud;
}

async function serveControl(lab: string, control: Server): Promise<void> {
  const { run, socket, server } = pathsOf(lab);
  await mkdir(run, { recursive: true, mode: 0o700 });
  const mark = observeMark(process.pid);
  if (mark !== undefined) await writeFile(server, formatMark(mark));
  // Of a server that was killed.
  await rm(socket, { force: true });
  await listen(control, { path: socket });
  await chmod(socket, 0o600);
}

/** Together; without the gateway nobody outside reaches the others, so it is on its way first. */
async function startMachines(
  settings: LabSettings,
  machines: LabMachines,
  tell: (step: StartStep) => void,
): Promise<void> {
  const office = markOf(settings.name, 'office');
  const start = async (key: string, address: string): Promise<void> => {
    const began = performance.now();
    await machines.get(key).on();
    await waitFor(`${key} to answer SSH`, () => isSshUp(office, address), { within: seconds(60), every: ms(150) });
    tell({ what: `${key} answers SSH`, took: Math.round(performance.now() - began) });
  };
  await machines.addGateway();
  for (const { name, address } of settings.machines) await machines.addPhysical(name, address);
  await Promise.all([
    start('gateway', addresses.siteGateway),
    ...settings.machines.map(({ name, address }) => start(name, address)),
  ]);
}

async function serve(listener: RequestListener, where: ListenOptions): Promise<void> {
  await listen(createServer(listener), where);
}

function listen(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, resolve);
  });
}

await main(process.argv[2] ?? '');

import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { ListenOptions } from 'node:net';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { addresses } from './fabric/addresses.ts';
import { openFabric } from './fabric/fabric.ts';
import { markOf } from './fabric/names.ts';
import { type Cgroups, observeCgroups, observeMembers } from './machine/cgroup.ts';
import { formatMark, nameOf, observeMark } from './machine/process-mark.ts';
import { controlServer, type LabStatus, type StartStep } from './server/control.ts';
import { apiServersOf } from './server/control-planes.ts';
import { cutPower } from './server/cut-power.ts';
import { openDisks } from './server/disks.ts';
import { openImages } from './server/images.ts';
import { type LabCloud, type LabCloudOptions, openLabCloud } from './server/lab-cloud.ts';
import { openLedger } from './server/ledger.ts';
import { type LabMachine, type LabMachines, openMachines } from './server/machines.ts';
import { anotherServes, becomeOnlyServer } from './server/only-server.ts';
import { type LabSettings, pathsOf, readSettings } from './server/settings.ts';
import { openShares } from './server/shares.ts';
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
  const disks = openDisks({ lab, cgroups, find: (key) => machines.find(key) });
  const machines = openMachines({ settings, fabric, cgroups, disks, note });
  const ledger = openLedger(pathsOf(lab).ledger);
  const [images, shares] = [openImages(lab), openShares(lab, fabric)];
  const cloud = await serveCloud({ settings, machines, images, disks, shares, fabric, ledger, note });

  const done: StartStep[] = [];
  let failed: string | undefined;
  let complete = false;
  const start = (): LabStatus['start'] => ({ done, complete, ...(failed === undefined ? {} : { failed }) });
  await serveControl(lab, controlServer({ settings, machines, fabric, cloud, start }));
  startMachines({ settings, machines, cloud, cgroups }, (step) => done.push(step)).then(
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

interface Park {
  readonly settings: LabSettings;
  readonly machines: LabMachines;
  readonly cloud: LabCloud;
  readonly cgroups: Cgroups;
}

/**
 * Power to all that were on. Without the gateway nobody outside reaches the site, so it is among the first; and so are the control
 * planes: a kubelet that asks in vain pauses longer and longer, so one that comes earlier than its API server is ready later. The
 * others boot while the API server starts, which takes it as long.
 */
async function startMachines(
  { settings, machines, cloud, cgroups }: Park,
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
  const getsPower = ({ card }: LabMachine): boolean => card.kind !== 'cloud' || cloud.shouldRun(card.key);
  const apis = await apiServersOf(settings.name);
  const isControlPlane = (one: LabMachine): boolean =>
    getsPower(one) && apis.some(({ address }) => address === one.card.address);
  const isFirst = (one: LabMachine): boolean => one.card.kind === 'gateway' || isControlPlane(one);
  const switchOn = async ({ card, machine }: LabMachine): Promise<void> => {
    if (card.kind !== 'cloud') await start(card.key, card.address);
    // Asked now: the cloud works already, and somebody may have stopped it meanwhile.
    else if (cloud.shouldRun(card.key)) await machine.on();
  };
  const all = machines.all();
  const first = Promise.all(all.filter(isFirst).map(switchOn));
  const apiServers = all
    .filter(isControlPlane)
    .map(({ card }) => untilApiServerStarts(cgroups, markOf(settings.name, card.key)));
  const rest = Promise.all(apiServers).then(() => Promise.all(all.filter((one) => !isFirst(one)).map(switchOn)));
  await Promise.all([first, rest]);
}

/** Until the machine runs an API server, or has had its time: what has broken it must not keep the others off. */
async function untilApiServerStarts(cgroups: Cgroups, machine: string): Promise<void> {
  const runs = async (): Promise<boolean> =>
    (await observeMembers(cgroups, machine)).some((pid) => {
      const mark = observeMark(pid);
      return mark !== undefined && nameOf(mark) === 'kube-apiserver';
    });
  await waitFor(`an API server in ${machine}`, runs, { within: seconds(20), every: ms(100) }).catch(() => undefined);
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

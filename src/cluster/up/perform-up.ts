import { machines } from '#kube/api/machine.ts';
import { cloudKeysName, systemNamespace } from '#kube/api/settings.ts';
import { nodes } from '#kube/resources.ts';
import { removeJoinTokens, renewJoinToken } from '#machine/join-token.ts';
import { now } from '#unit/clock.ts';
import { cloudMachinesOf } from '../observe-cluster.ts';
import { outsidesOf, type Session } from '../session.ts';
import { applySystemObjects, nameOf, observeSystemObjects, observeUnwanted } from '../system-objects/system-objects.ts';
import type { At } from './at.ts';
import { createCloudMachine, removeCloudMachine, replaceCloudMachine, startCloudMachine } from './cloud-machine.ts';
import { joinSiteMachine, makeControlPlane, recordMachine } from './join-machine.ts';
import { wantedObjects } from './observe-up.ts';
import type { UpStep } from './plan-up.ts';
import { removeNodeGroup } from './remove-group.ts';
import { drainNode, forgetNode, leaveBalancers, resetRemovedMachine } from './remove-machine.ts';
import { waitForApi, waitForNode, waitForWorkloads } from './wait.ts';

/** Takes one step of `up`. Every one can be repeated after a crash at any place. */
export async function performUp(at: At, step: UpStep): Promise<void> {
  const { session, connections } = at;
  switch (step.do) {
    case 'create-cloud-machine':
      return createCloudMachine(at, step.machine);
    case 'start-cloud-machine':
      return startCloudMachine(at, step.machine, step.id);
    case 'replace-cloud-machine':
      return replaceCloudMachine(at, step.machine, step.id);
    case 'make-control-plane':
      return makeControlPlane(at);
    case 'wait-for-api':
      return waitForApi(at);
    case 'forget-node':
      return forgetNode(at, step.machine);
    case 'apply-objects':
      return applyObjects(at);
    case 'leave-balancers':
      return leaveBalancers(at, step.machine);
    case 'drain-node':
      return drainNode(at, step.machine);
    case 'reset-machine':
      return resetRemovedMachine(at, step.machine, step.address);
    case 'remove-cloud-machine':
      return removeCloudMachine(at, step.machine, step.id);
    case 'remove-node-group':
      return removeNodeGroup(at, step.group);
    case 'renew-token':
      return renewToken(at, step.machine);
    case 'join-machine':
      return joinSiteMachine(at, step.machine);
    case 'wait-for-node':
      return waitForNode(at, step.machine);
    case 'remove-tokens':
      return removeTokens(at, step.machine);
    case 'set-outside':
      return outsidesOf(session)
        .find(({ what }) => what === step.what)
        ?.set(await connections.kube());
    case 'wait-for-workloads':
      return waitForWorkloads(at);
  }
}

async function renewToken({ connections }: At, machine: string): Promise<void> {
  if ((await renewJoinToken(await connections.kube(), machine, now())) === undefined)
    throw new Error(`the join token of ${machine} was removed meanwhile; run isthmus up again`);
}

/** And, of a machine that was dropped before it had joined, what was recorded of it: there is no Node to delete that with. */
async function removeTokens({ session: { config }, connections }: At, name: string): Promise<void> {
  const kube = await connections.kube();
  await removeJoinTokens(kube, name);
  const isNamed = [...config.machines, ...config.cloudMachines].some((machine) => machine.name === name);
  if (!isNamed && (await kube.get(nodes, { name })) === undefined) await kube.delete(machines, { name });
}

const cloudKeysSecret = `Secret ${systemNamespace}/${cloudKeysName}`;

/** Said once, when the keys are put into the cluster: whoever may read Secrets of that namespace has them from then on. */
function explainCloudKeys({ config }: Session): string {
  const variables = Object.values(config.cloud.credentials).join(', ');
  return `${cloudKeysSecret} now contains the cloud keys of this computer (${variables}); the controller needs fewer rights than up: docs/reference/cloud-permissions.md lists them, and how to give it keys of its own`;
}

async function applyObjects(at: At): Promise<void> {
  const { session, connections, say } = at;
  const kube = await connections.kube();
  for (const object of await observeUnwanted(kube)) {
    await kube.delete(object.resource, object.object.metadata);
    say(`${nameOf(object)} removed`);
  }
  const wanted = await wantedObjects(session, connections, await cloudMachinesOf(session));
  const stale = await observeSystemObjects(kube, wanted);
  await applySystemObjects(kube, stale);
  for (const object of stale) say(nameOf(object));
  if (stale.some((object) => nameOf(object) === cloudKeysSecret)) session.report.say(explainCloudKeys(session));
  const controlPlane = session.config.machines.find(({ name }) => name === session.config.controlPlane);
  if (controlPlane !== undefined) await recordMachine(at, controlPlane);
}

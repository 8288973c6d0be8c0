import { isControlPlane } from '#kube/api/control-plane.ts';
import { type NodeGroupObject, nodeGroups } from '#kube/api/node-group.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { nodes, type PodObject, pods } from '#kube/resources.ts';
import { type ConfigChange, type ConfigFile, planConfigChange } from '../config/config-file.ts';
import { withoutMachine } from '../config/edit-machines.ts';
import { askApi, cloudMachinesOf } from '../observe-cluster.ts';
import { Refused } from '../refused.ts';
import { Connections, type Session } from '../session.ts';
import { up } from '../up/up.ts';
import { explainLost } from './explain-lost.ts';
import { type RemovalSeen, whyNotRemovable } from './plan-removal.ts';
import { groupOf } from './plan-scale.ts';
import { removeFromGroup } from './scale-group.ts';

export interface NodeOptions {
  readonly file: ConfigFile;
  /** Shows the lines and asks a person. */
  readonly confirm: (lines: readonly string[]) => Promise<boolean>;
  /** Hears what is left for a person to do although the machine is removed. */
  readonly leave: (line: string) => void;
}

/**
 * Removes one machine: takes it out of cluster.yaml, and does what `up` does about a machine that was taken out. A run that was stopped is
 * continued by the next one, or by `up`. A machine of a group is left to the group's controller.
 * @fails Refused, and nothing was done · as `up` · as `removeFromGroup`
 */
export async function removeNode(
  session: Session,
  name: string,
  options: NodeOptions,
): Promise<{ readonly from: 'file' } | { readonly from: 'group'; readonly group: string } | 'declined'> {
  const { config, report } = session;
  const seen = await report.look('looking at cloud and cluster', () => observe(session, name));
  // A machine of cluster.yaml is of no group, whatever a record says.
  if (!seen.named.some((machine) => machine.name === name) && groupOf(name, seen.groups) !== undefined) {
    const removed = await removeFromGroup(session, { machine: name, pods: seen.pods }, options.confirm);
    if (removed === 'declined') return 'declined';
    if (removed !== undefined) return { from: 'group', ...removed };
  }
  const why = whyNotRemovable(name, seen);
  if (why !== undefined) throw new Refused(why);
  const change = await changeOf(session, name, options.file);
  let isSaved = change === undefined;
  const confirm = async (steps: readonly string[]): Promise<boolean> => {
    const lines = [...steps, ...explainLost(seen.pods)];
    if (change === undefined || isSaved) return options.confirm(lines);
    if (!(await options.confirm([...change.lines, ...lines]))) return false;
    const own = config.machines.find((machine) => machine.name === name);
    // By it the machine is reset, by this run or by the next one.
    if (own !== undefined) await session.state.keepAccess(name, own.ssh);
    await change.save();
    isSaved = true;
    report.say(`${options.file.name} no longer has ${name}`);
    return true;
  };
  const outcome = await up(
    { ...session, config: change?.config ?? config },
    { file: options.file.name, confirm, leave: options.leave, only: { machine: name, doing: 'remove' } },
  );
  if (outcome === 'declined') return 'declined';
  // Of a machine that never joined there is nothing but its entry.
  return isSaved || (await confirm([])) ? { from: 'file' } : 'declined';
}

async function observe(
  session: Session,
  name: string,
): Promise<RemovalSeen & { readonly pods: readonly PodObject[]; readonly groups: readonly NodeGroupObject[] }> {
  const { config } = session;
  const connections = new Connections(session);
  try {
    const kube = await connections.kubeIfMade();
    const answers = kube !== undefined && (await askApi(kube)) === 'answers';
    const [listed, onIt, groups] = answers
      ? await Promise.all([
          kube.list(nodes),
          kube.list(pods, { fieldSelector: `spec.nodeName=${name}` }),
          listIfServed(kube, nodeGroups),
        ])
      : [[], [], []];
    return {
      controlPlane: config.controlPlane,
      named: [...config.machines, ...config.cloudMachines.map((machine) => ({ name: machine.name }))],
      nodes: listed.map((node) => ({
        name: node.metadata.name,
        providerId: node.spec?.providerID,
        isControlPlane: isControlPlane(node),
        address: node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address,
      })),
      cloudMachines: (await cloudMachinesOf(session)).map((machine) => machine.name),
      pods: onIt,
      groups,
    };
  } finally {
    await connections.close();
  }
}

/** @shape `undefined`: cluster.yaml has no such machine any more */
async function changeOf({ config }: Session, name: string, file: ConfigFile): Promise<ConfigChange | undefined> {
  if (![...config.machines, ...config.cloudMachines].some((machine) => machine.name === name)) return undefined;
  const byHand = `take ${name} out of ${file.name} where it is kept, then run isthmus up`;
  return planConfigChange(file, withoutMachine(file.text, name), { doing: `without ${name}`, byHand });
}

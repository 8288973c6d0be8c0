import { join } from 'node:path';
import { kubeconfigsOf } from '../cli/office.ts';
import { markOf } from '../fabric/names.ts';
import { enterNetwork } from '../machine/enter.ts';
import { nameOf, type ProcessMark } from '../machine/process-mark.ts';
import { readSettings } from '../server/settings.ts';
import { command } from '../toolchain/command.ts';

/** What it takes to write to a cluster: it stands still after all that the writing is about. */
export function isControlPlane(process: ProcessMark): boolean {
  return ['etcd', 'kube-apiserver'].includes(nameOf(process));
}

/** Runs kubectl against a cluster. @fails Error with what it said */
export type Kubectl = (args: readonly string[]) => Promise<string>;

/** Does this for each cluster of a lab. */
export async function forClusters(lab: string, act: (kubectl: Kubectl) => Promise<void>): Promise<void> {
  const { bundle } = await readSettings(lab);
  for (const { path } of kubeconfigsOf(lab)) {
    const kubectl = [join(bundle.folder, 'bin/kubectl'), `--kubeconfig=${path}`, '--request-timeout=5s'];
    await act((args) => {
      const [program = '', ...rest] = enterNetwork(markOf(lab, 'office'), [...kubectl, ...args]);
      return command(program, rest);
    });
  }
}

/**
 * Writes into a cluster what others find there when the machines of a saved lab start: nobody leads, and no kubelet has said
 * anything for a while. Otherwise controllers and scheduler of the new lab would wait 15 s for leaders that are no more, and a kubelet
 * whose Node is Ready in the API server tells only every ten seconds whether it is. Those that lead stand still meanwhile, and
 * take their leases again when they go on.
 * @fails Error of kubectl: an API server that does not answer
 */
export async function leaveCluster(kubectl: Kubectl): Promise<void> {
  await kubectl(['delete', 'leases', '--all-namespaces', '--wait=false', ...elections]);
  await sayOfNodes(kubectl, readyNodes, unknown);
}

/** Takes back what was said of nodes: their kubelets go on at this moment. @fails Error of kubectl */
export async function returnToCluster(kubectl: Kubectl): Promise<void> {
  await sayOfNodes(kubectl, leftNodes, ready);
}

/** Not the leases of nodes and API servers, which nobody waits for, nor that of an `isthmus up` in the office, which goes on. */
const elections = [
  '--field-selector=metadata.namespace!=kube-node-lease,metadata.name!=isthmus-up',
  '--selector=!apiserver.kubernetes.io/identity',
];

const mark = 'StoodStill';
const unknown = { type: 'Ready', status: 'Unknown', reason: mark, message: 'this lab was saved' };
/** As kubelet says it. */
const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' };
const readyNodes = '?(@.status=="True")';
const leftNodes = `?(@.reason=="${mark}")`;

/** @shape which: a filter on a Node's conditions, as JSONPath has them; its Ready condition must pass */
async function sayOfNodes(kubectl: Kubectl, which: string, condition: typeof ready): Promise<void> {
  const path = `{range .items[*]}{.metadata.name}{" "}{range .status.conditions[${which}]}{.type}{","}{end}{"\\n"}{end}`;
  const lines = (await kubectl(['get', 'nodes', '--output', `jsonpath=${path}`])).split('\n');
  const names = lines.flatMap((line) => {
    const [name = '', types = ''] = line.split(' ');
    return types.split(',').includes('Ready') ? [name] : [];
  });
  const at = `${new Date().toISOString().slice(0, 19)}Z`;
  const patch = JSON.stringify({ status: { conditions: [{ ...condition, lastTransitionTime: at }] } });
  await Promise.all(
    names.map((name) =>
      kubectl(['patch', 'node', name, '--subresource=status', '--type=strategic', `--patch=${patch}`]),
    ),
  );
}

import '../src/program/agent.ts';
import '../src/program/controller.ts';
import '#rpc/serve.ts';
import { balancerReasons } from '#balancer/reasons.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { networkReasons } from '#network/reasons.ts';
import { cutReasons } from '#node/cut/reasons.ts';
import { leavingReasons, scaledReasons } from '#node/group/reasons.ts';
import { denialReasons } from '#node/identity/reasons.ts';
import { nodeReasons } from '#node/life/reasons.ts';
import { fenceReasons } from '#storage/fence/reasons.ts';
import { roomReasons } from '#storage/guard/reasons.ts';
import { poolReasons } from '#storage/local/reasons.ts';
import { orphanReasons } from '#storage/orphans/reasons.ts';
import { metrics } from '#unit/metrics.ts';

/** Our metrics, as they are made in the code. */
export function metricsPage(): string {
  const rows = metrics
    .getMetricsAsArray()
    .map((metric) => metric as unknown as { name: string; help: string; type: string; labelNames?: readonly string[] })
    .filter(({ name }) => name.startsWith('isthmus_'))
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .map(({ name, type, labelNames = [], help }) => [
      `\`${name}\``,
      type,
      labelNames.map((label) => `\`${label}\``).join(', ') || '–',
      help,
    ]);
  return `# Metrics

Made from the code by \`npm run docs\`.

Our programs answer in the text format of Prometheus. They listen on loopback of their node only, because they ask for neither TLS
nor credentials:

| program | address on its node |
|---|---|
| controller | \`http://127.0.0.1:${healthPorts.controller}/metrics\` |
| agent | \`http://127.0.0.1:${healthPorts.agent}/metrics\` |
| csi-controller | \`http://127.0.0.1:${healthPorts.csiController}/metrics\` |
| csi-share-controller | \`http://127.0.0.1:${healthPorts.csiShareController}/metrics\` |
| csi-share-node | \`http://127.0.0.1:${healthPorts.csiShareNode}/metrics\` |
| csi-node on cloud nodes, csi-local on nodes of the site | \`http://127.0.0.1:${healthPorts.csiNode}/metrics\` |

The same ports answer kubelet's probes: \`/healthz\` fails when only a restart helps, \`/readyz\` while the program does not do its work. Scrape
them with a Prometheus agent that runs on the node's network, or look at one node:

\`\`\`sh
curl -s http://127.0.0.1:${healthPorts.controller}/metrics | grep ^isthmus_
\`\`\`

${table(['metric', 'type', 'labels', 'meaning'], rows)}
Beside these there are the usual metrics of a Node.js process: \`process_cpu_seconds_total\`, \`process_resident_memory_bytes\`,
\`nodejs_eventloop_lag_seconds\` and others.
`;
}

/** The reasons of conditions, Events and metrics. */
export function eventsPage(): string {
  const rowsOf = (reasons: Readonly<Record<string, string>>): readonly (readonly string[])[] =>
    Object.entries(reasons).map(([reason, meaning]) => [`\`${reason}\``, meaning]);
  return `# Events and reasons

Made from the code by \`npm run docs\`.

What keeps the pod network of a node from working is a condition of its PodRange: \`PodNetwork\` is written by the node's agent,
\`Addresses\` by the controller, and status \`False\` means that something is wrong. The controller writes a fault as a Warning Event of the Node,
again every five minutes while it lasts, and its end as a Normal one. A pod that waits for an address for more than five seconds gets an
Event with the same reason. The reason is also a label of the metric \`isthmus_pod_range_fault\`, and \`isthmus status\` and
\`isthmus explain node NAME\` print the message.

\`\`\`sh
kubectl describe node web-1
kubectl describe pod NAME
kubectl get events --namespace default --field-selector reportingComponent=isthmus.dev/controller
kubectl get podrange web-1 --output jsonpath='{.status.conditions}'
\`\`\`

The same Event told again counts up one Event, and is written at most once a minute. An object has at most 25 different Events at once and one
more every five minutes; Events that are too many are dropped and counted by \`isthmus_events_lost_total\`.

## Of the pod network

${table(['reason', 'meaning'], rowsOf(networkReasons))}
## Of load balancers

A Service of type LoadBalancer has the condition \`isthmus.dev/Balancer\`: \`True\` when it is served, \`False\` when something is wrong, and
\`Unknown\` while its balancer is being made. Faults are Warning Events of the Service, and a label of the metric \`isthmus_balancer_fault\`.
An Ingress of the class \`alb\` has the same in its annotation \`isthmus.dev/balancer-condition\`, because an Ingress has no conditions, and in the
metric \`isthmus_ingress_fault\`.

\`\`\`sh
kubectl describe service shop
isthmus explain service shop
\`\`\`

${table(['reason', 'meaning'], rowsOf(balancerReasons))}
## Of cloud nodes that do not answer

A cloud node whose kubelet has been silent for 50 seconds has the condition \`isthmus.dev/Fenced\`: \`True\` when its machine is off and its pods and
disks may move, \`False\` while that is not certain. The reason is also that of Events of the Node, and a label of the metric
\`isthmus_silent_node\`. [What is done, and what you can do](../guide/storage-placement.md#when-a-cloud-node-dies).

${table(['reason', 'meaning'], rowsOf(fenceReasons))}
## Of disks and file shares that no volume names

What carries the mark of the cluster in the cloud, and no PersistentVolume names, is a Warning Event of the CSIDriver that made it and a line of
\`isthmus status\`, every ten minutes while it lasts; so are directories that the cluster has made in file shares. Nothing of it is ever removed by itself, but disks that no pod has ever had
and directories that were never finished or were being deleted
([why](../decision/2026-11-30-what-no-volume-names.md)).

\`\`\`sh
kubectl get events --namespace default --field-selector regarding.kind=CSIDriver
isthmus doctor storage
\`\`\`

${table(['reason', 'meaning'], rowsOf(orphanReasons))}
## Of claims that no machine has room for

A Warning Event of the PersistentVolumeClaim, every five minutes while it lasts; \`isthmus explain pvc NAME\` and \`isthmus explain pod NAME\` say the same.

${table(['reason', 'meaning'], rowsOf(roomReasons))}
## Of requests for certificates

A kubelet that joins, or that serves logs and exec, asks for a certificate. The controller approves the request, or denies it with a reason: in the
condition \`Denied\` of the CertificateSigningRequest, in a Warning Event about it, and as a label of the metric
\`isthmus_certificate_requests_total\`. [What to do](../guide/operations.md#certificates-of-nodes).

\`\`\`sh
kubectl get certificatesigningrequests
kubectl describe certificatesigningrequest NAME
\`\`\`

${table(['reason', 'meaning'], rowsOf(denialReasons))}
## Of cloud nodes whose machines are missing

A cloud node that is not ready, and whose machine the cloud does not know, has the condition \`isthmus.dev/MachineKnown\`, always \`False\`, with
what is done about it. The reason is also that of Events of the Node, and a label of the metric \`isthmus_missing_machine\`; \`isthmus status\` and
\`isthmus explain node NAME\` print the message. [What is done, and what you can do](../guide/operations.md#when-a-cloud-machine-is-gone).

\`\`\`sh
kubectl get events --namespace default --field-selector reason=DeletingNode
\`\`\`

${table(['reason', 'meaning'], rowsOf(nodeReasons))}
## Of machines of the site that do not answer

A machine of the site whose kubelet has been silent for 50 seconds has the condition \`isthmus.dev/Cut\`: \`True\` while it is only cut off, \`False\` when it is
dead, \`Unknown\` while nobody can tell. The reason is also that of Events of the Node, and a label of the metric \`isthmus_silent_site_node\`;
\`isthmus status\`, \`isthmus explain node NAME\` and \`isthmus explain pod NAME\` print it. Its neighbours tell on their own Nodes whether they can reach it, in
conditions such as \`isthmus.dev/sees-base-2\`. [What happens to its pods](../guide/when-the-line-is-cut.md).

\`\`\`sh
kubectl get nodes --output custom-columns='NODE:.metadata.name,CUT:.status.conditions[?(@.type=="isthmus.dev/Cut")].reason'
\`\`\`

${table(['reason', 'meaning'], rowsOf(cutReasons))}
## Of node groups

A NodeGroup has the condition \`Scaled\`: \`True\` when all machines that are wanted are there and Ready, \`False\` with what is missing. Its reason is also that of Events of the
NodeGroup, and \`kubectl get nodegroups\` shows it. \`isthmus status\` prints the message of those that do not pass by themselves.
[What helps](../guide/node-groups.md#when-machines-are-missing).

\`\`\`sh
kubectl describe nodegroup burst
\`\`\`

${table(['reason of `Scaled`', 'meaning'], rowsOf(scaledReasons))}
Why a machine of a group goes is the reason of a further Event, and is in \`status.members[].leaving\` of the NodeGroup until it is gone:

${table(['reason', 'meaning'], rowsOf(leavingReasons))}
## Of folders and disks for volumes

The Node of a physical machine that gives folders or disks to volumes has the condition \`isthmus.dev/LocalVolumes\`: \`True\` when all of them can be used,
\`False\` with every fault in its message. csi-local on the machine writes it when something has changed; it looks every ten minutes, and every
minute while something is wrong. \`isthmus status\` and \`isthmus explain node NAME\` print the message.
[What helps](../guide/local-volumes.md#when-it-does-not-work).

\`\`\`sh
kubectl get node base-1 --output jsonpath='{.status.conditions[?(@.type=="isthmus.dev/LocalVolumes")]}'
\`\`\`

${table(['reason', 'meaning'], rowsOf(poolReasons))}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return `${line(heads)}|${'---|'.repeat(heads.length)}\n${rows.map(line).join('')}`;
}

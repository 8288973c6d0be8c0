/**
 * What is known of a machine of the site that does not answer, by the reason of its condition `isthmus.dev/Cut`, which is also the reason of Events of
 * the Node and a label of the metric `isthmus_silent_site_node`. `docs/reference/events.md` is made from it.
 */
export const cutReasons = {
  LineCut:
    'No machine of the site is heard. Their pods stay, but for those whose owner asked for the opposite. A site of one machine is judged so too, because nobody is beside it.',
  SeenByNeighbours:
    'A neighbour on the site that is heard can reach the machine: it is cut off alone, or its kubelet does not work. Its pods stay. Look at its uplink and at `systemctl status kubelet`.',
  SeenFromCloud:
    'The machine answers the controller over the line, but its kubelet does not report. Its pods stay. Look at `systemctl status kubelet` there.',
  MostSilent:
    'At least half of the machines of the site, and more than one, are not heard, and no neighbour can reach this one. That is taken for a cut within the site: the pods stay. If the machines are dead, delete their pods, or taint their Nodes with `node.kubernetes.io/out-of-service:NoExecute`.',
  MachineDead:
    'Neighbours that are heard can’t reach the machine, and nobody else can: its pods go at once, without the usual five minutes.',
  NobodyLooked:
    'No agent on the site has said whether it can reach the machine. Its pods go when their tolerations end, as Kubernetes has it. Look at the agents of its neighbours.',
  LineBack: 'Event only: the machine is heard again. Its pods have run on.',
} as const satisfies Readonly<Record<string, string>>;

export type CutReason = keyof typeof cutReasons;

import { formatMs, ms } from '#unit/clock.ts';

/** When what happened to one pod of a burst: milliseconds since 1970, by the clock that all machines of a lab have in common. */
export type PodTimes = Partial<Record<Moment, number>>;

const moments = ['created', 'bound', 'asked', 'addAsked', 'addAnswered', 'connected', 'started', 'ready'] as const;
type Moment = (typeof moments)[number];

/** The way of a pod from its creation to Ready, by who has it. */
const stages: readonly { readonly who: string; readonly from: Moment; readonly to: Moment }[] = [
  { who: 'scheduler: created to bound to a node', from: 'created', to: 'bound' },
  { who: 'kubelet: bound to sandbox asked for', from: 'bound', to: 'asked' },
  { who: 'containerd: sandbox asked for to ADD', from: 'asked', to: 'addAsked' },
  { who: 'Isthmus: ADD, the wait for an address in it', from: 'addAsked', to: 'addAnswered' },
  { who: 'containerd: ADD to sandbox running', from: 'addAnswered', to: 'connected' },
  { who: 'containerd: sandbox asked for to running, without ADD', from: 'asked', to: 'connected' },
  { who: 'kubelet and containerd: sandbox to container started', from: 'connected', to: 'started' },
  { who: 'kubelet: container started to Ready at the API server', from: 'started', to: 'ready' },
];

/** One line of `kubectl get pods --watch` in the form of `watchedForm`, and when it came. */
export interface Watched {
  readonly at: number;
  readonly line: string;
}

/** For kubectl's `-o jsonpath=`. */
export const watchedForm = '{.metadata.name}|{.spec.nodeName}|{.status.conditions[?(@.type=="Ready")].status}{"\\n"}';

/**
 * @param watched what the API server told
 * @param nodes of every node, what containerd's journal and the agent's log say
 * @shape by pod
 */
export function timesOf(watched: readonly Watched[], nodes: readonly string[]): ReadonlyMap<string, PodTimes> {
  const times = new Map<string, PodTimes>();
  const first = (pod: string, moment: Moment, at: number): void => {
    const before = times.get(pod) ?? {};
    if (before[moment] === undefined) times.set(pod, { ...before, [moment]: at });
  };
  for (const { at, line } of watched) {
    const [pod = '', node = '', ready = ''] = line.split('|');
    first(pod, 'created', at);
    if (node !== '') first(pod, 'bound', at);
    if (ready === 'True') first(pod, 'ready', at);
  }
  for (const { pod, moment, at } of nodes.flatMap(nodeMoments)) if (times.has(pod)) first(pod, moment, at);
  return times;
}

interface NodeMoment {
  readonly pod: string;
  readonly moment: Moment;
  readonly at: number;
}

function nodeMoments(text: string): readonly NodeMoment[] {
  const found: NodeMoment[] = [];
  /** Of sandboxes and containers, by their id. */
  const podOf = new Map<string, string>();
  for (const [, time = '', message = ''] of text.matchAll(/^time="([^"]+)" level=info msg="(.*)"$/gm)) {
    const at = Date.parse(time);
    const [, pod, sandbox] = runSandbox.exec(message) ?? [];
    if (pod !== undefined && sandbox !== undefined) podOf.set(sandbox, pod);
    if (pod !== undefined) found.push({ pod, moment: sandbox === undefined ? 'asked' : 'connected', at });
    const [, of = '', container] = createContainer.exec(message) ?? [];
    const owner = podOf.get(of);
    if (container !== undefined && owner !== undefined) podOf.set(container, owner);
    const started = podOf.get(startContainer.exec(message)?.[1] ?? '');
    if (started !== undefined) found.push({ pod: started, moment: 'started', at });
  }
  for (const [line] of text.matchAll(/\{.*"verb":"ADD".*\}/g)) {
    const { time, took, container } = JSON.parse(line) as { time: number; took?: number; container: string };
    const pod = podOf.get(container);
    // A refused one has no such time.
    if (pod === undefined || took === undefined) continue;
    found.push({ pod, moment: 'addAsked', at: time - took }, { pod, moment: 'addAnswered', at: time });
  }
  return found;
}

/** @source containerd 1.6 pkg/cri/server/instrumented_service.go */
const runSandbox = /^RunPodSandbox for &PodSandboxMetadata\{Name:([^,]+),.*?\}(?: returns sandbox id \\"(\w+)\\")?$/;
const createContainer = /^CreateContainer within sandbox \\"(\w+)\\".* returns container id \\"(\w+)\\"$/;
const startContainer = /^StartContainer for \\"(\w+)\\" returns successfully$/;

/** @shape sorted, in milliseconds; a pod that lacks one of the two is left out */
export function spans(times: Iterable<PodTimes>, from: Moment, to: Moment): readonly number[] {
  return [...times]
    .flatMap((one) => {
      const [begin, end] = [one[from], one[to]];
      return begin === undefined || end === undefined ? [] : [end - begin];
    })
    .sort((a, b) => a - b);
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** A line for each stage, and one for the whole way. */
export function formatStages(times: ReadonlyMap<string, PodTimes>): string {
  const all = [...times.values()];
  const hasAdd = all.some(({ addAsked }) => addAsked !== undefined);
  const apart: readonly Moment[] = ['addAsked', 'addAnswered'];
  const shown = stages.filter(({ from, to }) =>
    hasAdd ? !(from === 'asked' && to === 'connected') : !(apart.includes(from) || apart.includes(to)),
  );
  return [...shown, { who: 'created to Ready', from: 'created', to: 'ready' } as const]
    .map(({ who, from, to }) => {
      const took = spans(all, from, to);
      const [median, p95] = [0.5, 0.95].map((share) => formatMs(ms(percentile(took, share))).padStart(7));
      return `  ${who.padEnd(56)} median ${median}  p95 ${p95}${took.length === all.length ? '' : `  (of ${took.length})`}`;
    })
    .join('\n');
}

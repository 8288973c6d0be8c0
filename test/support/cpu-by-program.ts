import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { readIfThere } from '../lab/lab-tools.ts';

/** Who computes on this computer while a lab runs. The first that fits has it. */
const programs: readonly (readonly [string, RegExp])[] = [
  ['Isthmus', /\/app\/(agent|controller)\.mjs/],
  ['the lab', /lab\/server\.ts/],
  ['API server and etcd', /^\S*(kube-apiserver|etcd)\b/],
  ['scheduler and controllers of Kubernetes', /^\S*(kube-scheduler|kube-controller-manager|kube-proxy)\b/],
  ['kubelets', /^\S*kubelet\b/],
  ['containerd, runc and containers', /^\S*(containerd|runc|pause|agnhost)/],
];

/** Seconds of CPU so far. */
interface CpuSeen {
  readonly busy: number;
  readonly at: number;
  readonly processes: ReadonlyMap<string, { readonly program: string; readonly used: number }>;
}

export function observeCpu(): CpuSeen {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (readIfThere('/proc/stat').split('\n')[0] ?? '')
    .split(/\s+/)
    .map(Number);
  const processes = new Map<string, { program: string; used: number }>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = readIfThere(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    const program = programs.find(([, form]) => form.test(command))?.[0];
    if (program === undefined) continue;
    // With the children that have ended: runc and CNI plugins live for milliseconds.
    const used = [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i] ?? 0), 0) / ticks;
    processes.set(`${pid} ${fields[19] ?? ''}`, { program, used });
  }
  return { busy: (user + nice + system + irq + softirq) / ticks, at: performance.now(), processes };
}

/** Seconds of CPU since then, most first. @example 24.1 s of CPU in 14.0 s on 2 cores: kubelets 8.0 s, … */
export function formatCpuSince(before: CpuSeen): string {
  const after = observeCpu();
  const sums = new Map<string, number>();
  for (const [key, { program, used }] of after.processes)
    sums.set(program, (sums.get(program) ?? 0) + used - (before.processes.get(key)?.used ?? 0));
  const busy = after.busy - before.busy;
  sums.set('others', busy - [...sums.values()].reduce((a, b) => a + b, 0));
  const parts = [...sums].sort(([, a], [, b]) => b - a).map(([program, used]) => `${program} ${used.toFixed(1)} s`);
  const span = ((after.at - before.at) / 1000).toFixed(1);
  return `${busy.toFixed(1)} s of CPU in ${span} s on ${availableParallelism()} cores: ${parts.join(', ')}`;
}

/** Of Linux, for programs: sysconf(_SC_CLK_TCK), 100 on every architecture that we know. */
const ticks = 100;

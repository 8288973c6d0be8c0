import { Counter, Gauge, Registry } from 'prom-client';

/**
 * What this process tells at `/metrics`. Every metric of ours is made by one of the functions below, where it is counted;
 * `docs/reference/metrics.md` is made from them.
 */
export const metrics = new Registry();

/** @unit name: `isthmus_…_total` */
export function counter<L extends string = never>(
  name: `isthmus_${string}_total`,
  help: string,
  labelNames: readonly L[] = [],
): Counter<L> {
  return new Counter({ name, help, labelNames, registers: [metrics] });
}

export function gauge<L extends string = never>(
  name: `isthmus_${string}`,
  help: string,
  labelNames: readonly L[] = [],
): Gauge<L> {
  return new Gauge({ name, help, labelNames, registers: [metrics] });
}

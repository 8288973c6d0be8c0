import { createHash } from 'node:crypto';

/** Parts of a lab that have a network namespace without being a machine. */
export const places = ['vpc', 'office', 'wires', 'internet'] as const;
export type Place = (typeof places)[number];

/**
 * No dash: `isl-a-…` would otherwise also begin the names of a lab called `a-b`.
 * @fails Error that names the rule
 */
export function checkLabName(name: string): string {
  if (/^[a-z][a-z0-9]{0,11}$/.test(name)) return name;
  throw new Error(`lab name "${name}": write 1 to 12 lower-case letters and digits, a letter first, such as "lab1"`);
}

/** What everything of a lab begins with: namespaces, control groups. */
export function labPrefix(lab: string): string {
  return `isl-${lab}-`;
}

/** The name of a place's or machine's network namespace, and of a machine's control group. */
export function markOf(lab: string, key: string): string {
  return `${labPrefix(lab)}${key}`;
}

/** An interface name that fits into the kernel's 15 characters, whatever the machine is called. */
export function portName(kind: 'v' | 's' | 'o', key: string): string {
  return `${kind}-${createHash('sha256').update(key).digest('hex').slice(0, 10)}`;
}

/** The same at every power-on, as a real network card's: neighbours remember it. Locally administered. */
export function macOf(lab: string, key: string, nic: string): string {
  const digest = createHash('sha256').update(`${lab} ${key} ${nic}`).digest('hex');
  return `02:${digest.slice(0, 10).replaceAll(/(..)(?!$)/g, '$1:')}`;
}

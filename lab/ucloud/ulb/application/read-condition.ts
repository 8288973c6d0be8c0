import * as z from 'zod';
import { texts } from '../../gateway/declare.ts';
import { notValid, Refusal } from '../../gateway/refusal.ts';
import type { HostCondition, RuleRecord } from './state.ts';

const one = texts.refine((values) => values.length < 2, 'one value for now');

export const wishedCondition = z.strictObject({
  Type: z.enum(['Host', 'Path']),
  HostConfig: z.strictObject({ MatchMode: z.enum(['Regular', 'Wildcard']).default('Regular'), Values: one }).optional(),
  PathConfig: z.strictObject({ Values: one }).optional(),
});
type Wish = z.output<typeof wishedCondition>;

/** Of what does not belong to its type nothing is read. @fails Refusal 230, 63030, 63031 */
export function readConditions(wanted: readonly Wish[]): Pick<RuleRecord, 'host' | 'path'> {
  const hosts = wanted.filter(({ Type }) => Type === 'Host');
  const paths = wanted.filter(({ Type }) => Type === 'Path');
  if (hosts.length > 1 || paths.length > 1)
    throw notValid('RuleConditions', 'one condition of a type for now: each has one value');
  const [host, path] = [hosts[0]?.HostConfig, paths[0]?.PathConfig];
  return {
    host: hosts.length === 0 ? undefined : readHost({ mode: host?.MatchMode ?? 'Regular', value: valueOf(host) }),
    path: paths.length === 0 ? undefined : readPath(valueOf(path)),
  };
}

function valueOf(config: { readonly Values: readonly string[] } | undefined): string {
  const [value] = config?.Values ?? [];
  if (value === undefined) throw new Refusal(63030, 'a condition without a value');
  return value;
}

/** @source UCloud ALB manual, forwarding: which characters each may have; 255 characters, 63 between two dots */
function readHost({ mode, value }: HostCondition): HostCondition {
  if (value.length > 255 || value.split('.').some((label) => label.length > 63))
    throw unusable(value, 'a host has at most 255 characters, and 63 between two dots');
  if (mode === 'Regular') return { mode, value: readPattern(value, /^[\p{L}\p{N}.?=~_+^*!$:&|()[\]-]+$/u) };
  if (!/^[\p{L}\p{N}.:*_-]+$/u.test(value)) throw unusable(value, 'a character that a wildcard host can not have');
  const stars = value.split('*').length - 1;
  const isOpen = /^\*?\./.test(value) || /\.\*?$/.test(value);
  if (!isOpen || stars > 1 || (stars === 1 && !/^\*\.|\.\*$/.test(value)))
    throw unusable(value, 'a wildcard host begins with "*." or ".", or ends with ".*" or "."');
  return { mode, value };
}

function readPath(value: string): string {
  if (value.length > 255) throw unusable(value, 'a path has at most 255 characters');
  return readPattern(value, /^[\p{L}\p{N}.\-_/=?^*$!:()[\]+|]+$/u);
}

/** A regular expression, of which only some characters are allowed: none of them escapes another. */
function readPattern(value: string, allowed: RegExp): string {
  if (!allowed.test(value)) throw unusable(value, 'a character that a pattern can not have');
  try {
    new RegExp(value);
  } catch {
    throw unusable(value, 'it is not a regular expression');
  }
  return value;
}

function unusable(value: string, why: string): Refusal {
  return new Refusal(63031, `${JSON.stringify(value)} can not be matched: ${why}`);
}

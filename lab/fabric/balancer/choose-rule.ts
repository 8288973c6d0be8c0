import type { HostCondition } from '../../ucloud/ulb/application/state.ts';
import type { WorldRule } from '../../ucloud/ulb/application/world.ts';

/** What of a request rules look at. */
export interface AskedPlace {
  /** Of the Host header, with the port if it has one. */
  readonly host: string;
  /** Without a query. */
  readonly path: string;
}

/**
 * The rule that counts for a request. Rules of one host are taken together, at the place of the first of them: whose host matches and
 * whose path does not gets none of the rules after them.
 * @shape rules: in the order in which they count, the last without a condition. `undefined`: nothing is there for that path
 * @source UCloud ALB manual, forwarding, order of matching
 */
export function chooseRule(rules: readonly WorldRule[], asked: AskedPlace): WorldRule | undefined {
  for (const rule of rules) {
    if (rule.host !== undefined && matchesHost(rule.host, asked.host)) {
      const key = JSON.stringify(rule.host);
      return rules.find((one) => JSON.stringify(one.host) === key && matchesPath(one.path, asked.path));
    }
    if (rule.host === undefined && matchesPath(rule.path, asked.path)) return rule;
  }
  return undefined;
}

function matchesPath(pattern: string | undefined, path: string): boolean {
  return new RegExp(pattern ?? '').test(path);
}

/** Names are the same in capitals. A condition with a colon is about the port, too. */
export function matchesHost({ mode, value }: HostCondition, host: string): boolean {
  const name = (value.includes(':') ? host : host.replace(/:\d+$/, '')).toLowerCase();
  if (mode === 'Regular') return new RegExp(value, 'i').test(name);
  const pattern = value.toLowerCase();
  if (pattern.startsWith('*.')) return name.endsWith(pattern.slice(1));
  if (pattern.startsWith('.')) return name.endsWith(pattern) || name === pattern.slice(1);
  return name.startsWith(pattern.replace('*', ''));
}

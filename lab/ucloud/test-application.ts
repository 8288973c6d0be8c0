import { type Ms, ms, seconds, waitFor } from '#unit/clock.ts';
import { home, ok } from './test-balancer.ts';
import type { TestCloud } from './test-cloud.ts';

export interface ShownApplication {
  readonly Name: string;
  readonly IPInfos: readonly { readonly IP: string; readonly AddressType: string }[];
  readonly SnatIPs: readonly string[];
  readonly Listeners: readonly ShownApplicationListener[];
}

export interface ShownApplicationListener {
  readonly ListenerId: string;
  readonly ListenerPort: number;
  readonly State: string;
  readonly RedirectEnabled: boolean;
  readonly Certificates: readonly { readonly SSLId: string; readonly IsDefault: boolean }[];
  readonly Targets: readonly { readonly Id: string; readonly ResourceIP: string; readonly State: string }[];
  readonly Rules: readonly ShownRule[];
}

export interface ShownRule {
  readonly RuleId: string;
  readonly IsDefault: boolean;
  readonly Pass: boolean;
  readonly RuleConditions: readonly object[];
  readonly RuleActions: readonly { readonly Type: string }[];
}

export type Fields = Readonly<Record<string, string | number>>;

/** The balancer as its list shows it, or `undefined`. */
export async function shownApplication(test: TestCloud, id: string): Promise<ShownApplication | undefined> {
  const { LoadBalancers } = await ok(test, 'DescribeLoadBalancers', { 'LoadBalancerIds.0': id, ShowDetail: 'true' });
  return (LoadBalancers as readonly ShownApplication[])[0];
}

/** Waits until the list shows it so. */
export function untilApplication(
  test: TestCloud,
  id: string,
  what: string,
  look: (one: ShownApplication) => boolean,
  every: Ms = ms(5),
): Promise<ShownApplication> {
  return waitFor(
    what,
    async () => {
      const one = await shownApplication(test, id);
      return one !== undefined && look(one) ? one : false;
    },
    { within: seconds(20), every },
  );
}

/** A balancer that is listed. */
export async function makeApplication(test: TestCloud, params: Fields = {}): Promise<string> {
  const { LoadBalancerId } = await ok(test, 'CreateLoadBalancer', { ...home, ChargeType: 'Dynamic', ...params });
  await untilApplication(test, LoadBalancerId as string, 'the balancer to be listed', () => true);
  return LoadBalancerId as string;
}

/** @shape what names the listener in a call */
export async function makeHttpListener(test: TestCloud, LoadBalancerId: string, params: Fields = {}) {
  const { ListenerId } = await ok(test, 'CreateListener', { LoadBalancerId, ...params });
  return { LoadBalancerId, ListenerId: ListenerId as string };
}

/** Flat parameters of a nested value, as forms carry them. */
export function flat(value: object): Fields {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) =>
      typeof one === 'object' && one !== null
        ? Object.entries(flat(one as object)).map(([rest, leaf]) => [`${name}.${rest}`, leaf])
        : [[name, String(one)]],
    ),
  );
}

export const hostIs = (value: string, MatchMode = 'Regular') => ({
  Type: 'Host',
  HostConfig: { MatchMode, Values: [value] },
});
export const pathIs = (value: string) => ({ Type: 'Path', PathConfig: { Values: [value] } });
export const forwardTo = (...ids: readonly string[]) => ({
  Type: 'Forward',
  ForwardConfig: { Targets: ids.map((Id) => ({ Id })) },
});
export const answerWith = (HttpCode: number, Content = '') => ({
  Type: 'FixedResponse',
  FixedResponseConfig: { HttpCode, Content },
});

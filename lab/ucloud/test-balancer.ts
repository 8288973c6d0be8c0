import { type Ms, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { type Answer, openTestCloud, type TestCloud } from './test-cloud.ts';
import type { Clock, UcloudOptions } from './ucloud.ts';

/** A hundred seconds pass in one: a check every two seconds is every twenty milliseconds. */
export function createFastClock(): Clock {
  const began = Date.now();
  return {
    now: () => began + (Date.now() - began) * 100,
    sleep: (span: Ms, signal: AbortSignal) => sleep(ms(span / 100), signal),
  };
}

export function openFastCloud(options: Partial<UcloudOptions> = {}): Promise<TestCloud> {
  return openTestCloud({ clock: createFastClock(), ...options });
}

/** Calls that must succeed. */
export async function ok(test: TestCloud, action: string, params: Readonly<Record<string, string | number>> = {}) {
  const answer = await test.call(action, params);
  if (answer.RetCode !== 0) throw new Error(`${action}: ${JSON.stringify(answer)}`);
  return answer;
}

export const home = { VPCId: 'uvnet-lab', SubnetId: 'subnet-lab' } as const;

export interface Shown {
  readonly Name: string;
  readonly Remark: string;
  readonly IPInfos: readonly { readonly IP: string; readonly Type: number; readonly AddressType: string }[];
  readonly Listeners: readonly ShownListener[];
}

export interface ShownListener {
  readonly ListenerId: string;
  readonly State: string;
  readonly StartPort: number;
  readonly Targets: readonly { readonly Id: string; readonly ResourceIP: string; readonly State: string }[];
}

/** The balancer as its list shows it, or `undefined`. */
export async function shown(test: TestCloud, id: string): Promise<Shown | undefined> {
  const { NLBs } = await ok(test, 'DescribeNetworkLoadBalancers', { 'NLBIds.0': id, ShowDetail: 'true' });
  return (NLBs as readonly Shown[])[0];
}

/** Waits until the list shows it so. */
export function untilShown(test: TestCloud, id: string, what: string, look: (one: Shown) => boolean): Promise<Shown> {
  return waitFor(
    what,
    async () => {
      const one = await shown(test, id);
      return one !== undefined && look(one) ? one : false;
    },
    { within: seconds(20), every: ms(5) },
  );
}

/** A balancer that is listed. */
export async function makeBalancer(test: TestCloud, params: Readonly<Record<string, string>> = {}): Promise<string> {
  const { NLBId } = await ok(test, 'CreateNetworkLoadBalancer', { ...home, ChargeType: 'Dynamic', ...params });
  await untilShown(test, NLBId as string, 'the balancer to be listed', () => true);
  return NLBId as string;
}

export async function makeListener(
  test: TestCloud,
  NLBId: string,
  params: Readonly<Record<string, string | number>> = {},
): Promise<{ readonly NLBId: string; readonly ListenerId: string }> {
  const wanted = { Protocol: 'TCP', StartPort: 80, EndPort: 80, 'HealthCheckConfig.Port': 30_080, ...params };
  const { ListenerId } = await ok(test, 'CreateNLBListener', { NLBId, ...wanted });
  return { NLBId, ListenerId: ListenerId as string };
}

/** Parameters of targets that are addresses. */
export function addressTargets(ips: readonly string[], port = 30_080): Readonly<Record<string, string | number>> {
  const each = (ip: string) => ({ ResourceType: 'IP', ...home, ResourceIP: ip, Port: port });
  return Object.fromEntries(
    ips.flatMap((ip, at) => Object.entries(each(ip)).map(([name, value]) => [`Targets.${at}.${name}`, value])),
  );
}

export function idsOf({ Targets }: Answer): readonly string[] {
  return (Targets as readonly { readonly Id: string }[]).map(({ Id }) => Id);
}

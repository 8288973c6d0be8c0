import type { WorldNetwork } from '../ucloud/vpc/world.ts';
import { inside } from './inside.ts';
import { markOf } from './names.ts';
import { checkedPorts, formatRoutes, formatSourceCheck, formatVpcRules, type Generation, hopsOf } from './vpc-rules.ts';

/** What the VPC's router does beyond carrying packets to the machine that has the address. */
export interface VpcShape {
  /** Routes and filters as told, without a moment in between at which neither the old nor the new is in force. */
  become(network: WorldNetwork): Promise<void>;
  /** A machine has a new port: routes that lead to it are made anew. */
  afterPlug(key: string): Promise<void>;
}

const plain: WorldNetwork = { routes: [], guards: [], lent: [], unguarded: [] };

export function openVpcShape(lab: string): VpcShape {
  const vpc = markOf(lab, 'vpc');
  let now = plain;
  let generation: Generation | undefined;
  let last: Promise<void> = Promise.resolve();

  async function route({ routes }: WorldNetwork): Promise<void> {
    const next = generation === 0 ? 1 : 0;
    await inside(vpc, formatRoutes(routes, next));
    generation = next;
  }

  /** Only once the filter is there. */
  async function leaveToFilter(ports: Iterable<string>): Promise<void> {
    const script = formatSourceCheck(ports, 'filter');
    if (script !== '') await inside(vpc, script);
  }

  async function filter(network: WorldNetwork): Promise<void> {
    const checked = checkedPorts(network);
    const leaving = [...checkedPorts(now)].filter((key) => !checked.has(key));
    const rules = formatVpcRules(`isthmus_lab_${lab}`, network);
    await inside(
      vpc,
      `${formatSourceCheck(leaving, 'kernel')}\nnft -f - <<'END'\n${rules}END\n${network.guards.length === 0 ? '' : forgetIdle}`,
    );
  }

  /** One after the other: two at once would mix their generations. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    last = last.catch(() => undefined).then(work);
    return last;
  }

  return {
    become: (network) =>
      inTurn(async () => {
        // Filters first: a route that opens must not open more than its filters allow.
        await filter(network);
        if (generation === undefined || JSON.stringify(network.routes) !== JSON.stringify(now.routes))
          await route(network);
        await leaveToFilter(checkedPorts(network));
        now = network;
      }),
    afterPlug: (key) =>
      inTurn(async () => {
        if (hopsOf(now.routes).has(key)) await route(now);
        if (checkedPorts(now).has(key)) await leaveToFilter([key]);
      }),
  };
}

/** @unit seconds of silence after which a connection is no longer known. @source UCloud VPC manual, security groups */
const idle = 150;

const forgetIdle = `sysctl -q -w ${[
  'tcp_timeout_established',
  'udp_timeout',
  'udp_timeout_stream',
  'icmp_timeout',
  'generic_timeout',
]
  .map((what) => `net.netfilter.nf_conntrack_${what}=${idle}`)
  .join(' ')}`;

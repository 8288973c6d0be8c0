import { type Ms, ms, seconds } from '#unit/clock.ts';
import { type Chance, draw } from './random.ts';

/**
 * How long the cloud takes, in seconds, least and most. The regression scenarios of UCloud's Go SDK give the first look
 * after each call, which is what its testers found sensible; a wait drawn here ends at about that time.
 * @source ucloud-sdk-go 0.22.98 regression scenarios, except where a row names another
 */
const latencies = {
  /** CreateUHostInstance: first look after 20 to 30 s; both parts together. */
  writeDisk: [12, 18],
  firstStart: [6, 10],
  /** StartUHostInstance: first look after 10 to 30 s. */
  start: [6, 12],
  /** StopUHostInstance: first look after 10 s. */
  stop: [4, 10],
  /** PoweroffUHostInstance: Stopped is seen 10 to 20 s later. */
  off: [4, 10],
  /** No scenario waits for a reboot: a stop and a start. */
  reboot: [10, 20],
  /** How long a subnet is held by a machine that is gone: DeleteSubnet is first tried after 60 s. */
  rest: [60, 60],
  /** CreateCustomImage: not published. Console users are told of some minutes; this is at the short end. */
  makeImage: [30, 60],
  /** AttachNetworkInterface, DetachNetworkInterface: not published. UCloud's CNI looks every 3 s, and for 90 s at the most. ucloud/uk8s-cni-vpc @736247a */
  plug: [2, 6],
  /** A fresh or moved secondary address works after 5 to 15 s. UK8S manual, VPC CNI. */
  settle: [5, 15],
  /** Route tables: CreateRouteTable, AssociateRouteTable and ModifyRouteRule are looked at after 3 to 5 s. */
  routes: [3, 5],
  /** Changed rules of a security group are in force within seconds. UCloud VPC manual. */
  groups: [1, 2],
} as const satisfies Record<string, readonly [number, number]>;

export type Latency = keyof typeof latencies;

/** @unit speed: 1 is realistic, 0.05 twenty times faster */
export function drawLatency(what: Latency, speed: number, chance: Chance): Ms {
  const [least, most] = latencies[what];
  return ms(seconds(least + draw(chance) * (most - least)) * speed);
}

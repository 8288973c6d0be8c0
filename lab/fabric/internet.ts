import { publicRange } from '../ucloud/unet/public-range.ts';
import { addresses, mtu } from './addresses.ts';

/** Tables of the VPC router for what comes from the internet, and for what goes there. */
export const internetTables = { toCloud: 901, toInternet: 900 } as const;

/**
 * The internet, as far as a cloud's customer sees it: clients that reach the cloud's public addresses and nothing else. Only what
 * leaves the cloud with a public address gets there. No process runs in it.
 */
export function internetScript(office: string): string {
  const { internet, internetToVpc, internetToOffice } = addresses;
  return `
sysctl -q -w net.ipv4.ip_forward=1
for client in ${internet.clients.join(' ')}; do ip address add $client/32 dev lo; done
ip address add ${internetToVpc.internet}/30 dev vpc0
ip link set vpc0 up
ip route add ${publicRange} via ${internetToVpc.vpc} dev vpc0 src ${internet.clients[0]}
ip link add office0 mtu ${mtu.site} type veth peer name internet0 mtu ${mtu.site} netns ${office}
ip address add ${internetToOffice.internet}/30 dev office0
ip link set office0 up
ip route add ${internet.office}/32 via ${internetToOffice.office} dev office0`;
}

/** The VPC router's end, which judges by source: a private address has no way to the internet, and the internet none to one. */
export function internetAtVpc(internet: string): string {
  const { internetToVpc, internet: range } = addresses;
  const { toCloud, toInternet } = internetTables;
  return `
ip link add internet0 mtu ${mtu.site} type veth peer name vpc0 mtu ${mtu.site} netns ${internet}
ip address add ${internetToVpc.vpc}/30 dev internet0
ip link set internet0 up
ip route add ${range.range} via ${internetToVpc.internet} dev internet0 table ${toInternet}
ip rule add pref ${toInternet} from ${publicRange} lookup ${toInternet}
ip route add blackhole default table ${toCloud}
ip rule add pref ${toCloud} from ${range.range} lookup ${toCloud}
ip route add blackhole ${publicRange}`;
}

/** The office has its own line to the internet, as offices do. */
export const internetAtOffice = `
ip address add ${addresses.internet.office}/32 dev lo
ip address add ${addresses.internetToOffice.office}/30 dev internet0
ip link set internet0 up
ip route add ${publicRange} via ${addresses.internetToOffice.internet} dev internet0 src ${addresses.internet.office}`;

/** Numbers of linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/fib_rules.h and linux/neighbour.h that we use, under their own names. */
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_SETLINK = 19;
export const RTM_NEWADDR = 20;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;
export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
export const RTM_GETRULE = 34;
export const RTM_SETNEIGHTBL = 67;

/** NLM_F_CREATE with NLM_F_EXCL: fail if it is there. */
export const NEW = 0x600;
/** NLM_F_CREATE with NLM_F_REPLACE. */
export const REPLACE = 0x500;

export const AF_INET = 2;
export const AF_INET6 = 10;

export const IFF_UP = 1;
export const IFLA_ADDRESS = 1;
export const IFLA_IFNAME = 3;
export const IFLA_MTU = 4;
export const IFLA_LINK = 5;
export const IFLA_LINKINFO = 18;
export const IFLA_AF_SPEC = 26;
export const IFLA_GROUP = 27;
export const IFLA_NET_NS_FD = 28;
export const IFLA_INFO_KIND = 1;
export const IFLA_INFO_DATA = 2;
export const VETH_INFO_PEER = 1;
/** Inside IFLA_AF_SPEC and AF_INET: per-link settings by number, the same ones as under /proc/sys/net/ipv4/conf. */
export const IFLA_INET_CONF = 1;
export const DEVCONF_FORWARDING = 1;
export const DEVCONF_PROXY_ARP = 3;
export const DEVCONF_ACCEPT_REDIRECTS = 4;
export const DEVCONF_RP_FILTER = 8;
export const DEVCONF_ACCEPT_SOURCE_ROUTE = 9;
export const DEVCONF_ARP_IGNORE = 19;
/** The same under AF_INET6, numbered by linux/ipv6.h. */
export const IFLA_INET6_CONF = 2;
export const DEVCONF_DISABLE_IPV6 = 26;

export const IFA_ADDRESS = 1;
export const IFA_LOCAL = 2;

export const RTA_DST = 1;
export const RTA_OIF = 4;
export const RTA_GATEWAY = 5;
export const RTA_PRIORITY = 6;
export const RTA_TABLE = 15;
export const RT_TABLE_UNSPEC = 0;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_UNREACHABLE = 7;
/** Marks routes as ours; a number that iproute2's rt_protos leaves free. */
export const RTPROT_ISTHMUS = 73;

/** The gateway is reached through the link, whatever the routes say. */
export const RTNH_F_ONLINK = 4;
/** Of linux/fib_rules.h. */
export const FR_ACT_TO_TBL = 1;
export const FRA_SRC = 2;
export const FRA_IIFNAME = 3;
export const FRA_PRIORITY = 6;
export const FRA_SUPPRESS_PREFIXLEN = 14;
export const FRA_TABLE = 15;
export const FRA_PROTOCOL = 21;

export const NDA_DST = 1;
export const NDA_LLADDR = 2;
export const NDA_PROTOCOL = 12;
export const NUD_PERMANENT = 0x80;
export const NTF_PROXY = 0x08;

export const NDTA_NAME = 1;
export const NDTA_PARMS = 6;
export const NDTPA_IFINDEX = 1;
export const NDTPA_PROXY_DELAY = 13;

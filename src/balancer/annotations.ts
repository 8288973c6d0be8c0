/** Our own annotations, which say the same on any cloud. */
export const ownPrefix = 'isthmus.dev/balancer-';
/** What the controller itself notes on a Service or an Ingress. */
export const recordAnnotation = `${ownPrefix}record`;
/** What it says of an Ingress, which has no conditions: one condition as JSON. */
export const conditionAnnotation = `${ownPrefix}condition`;

export interface Annotation {
  /** After `ownPrefix`; `undefined` for one that only UK8S has. */
  readonly own: string | undefined;
  /** After `uk8sPrefix`; `undefined` for one that only we have. */
  readonly uk8s: string | undefined;
  /** What may be written, for people. */
  readonly values: string;
  /** Values of UK8S that mean one of ours, where they differ. */
  readonly uk8sValues?: Readonly<Record<string, string>>;
  /** Values of UK8S that are refused, each with the reason as a part of a sentence. */
  readonly uk8sRefused?: Readonly<Record<string, string>>;
  readonly pattern: RegExp;
  readonly fallback: string | undefined;
  readonly meaning: string;
  /** Whether a change is followed on a balancer that exists. */
  readonly later: boolean;
}

/** All that may be written on objects of one kind. */
export interface AnnotationTable<K extends string> {
  readonly annotations: Readonly<Record<K, Annotation>>;
  /** Of those of UK8S, UCloud's own Kubernetes: a manifest that was written for it works unchanged. */
  readonly uk8sPrefix: string;
  /** Where people find them. */
  readonly page: string;
}

const count = { pattern: /^[1-9]\d{0,2}$/, values: 'a number from 1', fallback: '1', later: false } as const;
const charges = { dynamic: 'hour', month: 'month', year: 'year' } as const;
const id = { values: 'an id', pattern: /^[A-Za-z0-9][A-Za-z0-9_-]*$/, fallback: undefined } as const;

const annotations = {
  access: {
    own: 'access',
    uk8s: 'type',
    values: 'public, private',
    uk8sValues: { outer: 'public', inner: 'private' },
    pattern: /^(public|private)$/,
    fallback: 'public',
    meaning: 'Whether the balancer has an address of the Internet, or only one inside the VPC.',
    later: true,
  },
  id: {
    ...id,
    own: 'id',
    uk8s: 'id',
    meaning:
      'Use this balancer, which somebody else made and pays: its listeners for this Service are made and removed, the balancer itself and its addresses never. Several Services can share it when their ports differ.',
    later: true,
  },
  subnet: {
    ...id,
    own: 'subnet',
    uk8s: 'subnet-id',
    meaning: 'The subnet of the balancer; that of the cluster when left out.',
    later: false,
  },
  charge: {
    own: 'charge',
    uk8s: 'paymode',
    values: 'hour, month, year',
    uk8sValues: charges,
    pattern: /^(hour|month|year)$/,
    fallback: 'hour',
    meaning:
      'How the balancer is paid. A month or a year is paid in advance, and what is left of it at the end is lost in part. UK8S pays by the month when this is left out; Isthmus does so only when it is written.',
    later: false,
  },
  quantity: { ...count, own: 'quantity', uk8s: 'quantity', meaning: 'How many months or years.' },
  scheduler: {
    own: 'scheduler',
    uk8s: 'vserver-method',
    values: 'round-robin, source-hash, least-connections, weighted-least-connections',
    uk8sValues: {
      roundrobin: 'round-robin',
      sourcehash: 'source-hash',
      leastconn: 'least-connections',
      weightleastconn: 'weighted-least-connections',
    },
    pattern: /^(round-robin|source-hash|least-connections|weighted-least-connections)$/,
    fallback: 'round-robin',
    meaning: 'How connections are spread over the cloud nodes; which pod gets one is chosen on the node.',
    later: true,
  },
  sticky: {
    own: 'sticky',
    uk8s: 'vserver-client-timeout',
    values: '0, or seconds from 60 to 900',
    pattern: /^(0|[6-9]\d|[1-8]\d\d|900)$/,
    fallback: '0',
    meaning:
      'How long a client keeps the cloud node that it got; 0 for not at all. On an ALB: how long a connection may be silent, 60 s with 0.',
    later: true,
  },
  proxyProtocol: {
    own: 'proxy-protocol',
    uk8s: undefined,
    values: 'true, false',
    pattern: /^(true|false)$/,
    fallback: 'false',
    meaning:
      'Whether the pods are told the address of the client by PROXY protocol, which they must then speak on these ports; a client that calls without it, such as a probe, is not understood any more.',
    later: true,
  },
  check: {
    own: 'check',
    uk8s: 'vserver-monitor-type',
    values: 'port, http',
    uk8sValues: { port: 'port', http: 'http', path: 'http' },
    pattern: /^(port|http)$/,
    fallback: 'port',
    meaning:
      'How back ends are checked: by a connection, or, by an ALB, also by a request. Of a network load balancer Isthmus chooses the port.',
    later: true,
  },
  checkHost: {
    own: 'check-host',
    uk8s: 'vserver-monitor-domain',
    values: 'a host name',
    pattern: /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/,
    fallback: undefined,
    meaning: 'ALB only: the host that the check asks for, with `check` http.',
    later: true,
  },
  checkPath: {
    own: 'check-path',
    uk8s: 'vserver-monitor-path',
    values: 'a path',
    pattern: /^\S{1,226}$/,
    fallback: undefined,
    meaning: 'ALB only: the path that the check asks for, with `check` http; / when left out.',
    later: true,
  },
  bandwidth: {
    own: 'bandwidth',
    uk8s: 'eip-bandwidth',
    values: 'Mb/s, 1 to 10000',
    pattern: /^([1-9]\d{0,3}|10000)$/,
    fallback: '2',
    meaning: 'Bandwidth of the public address. A change in the console is put back.',
    later: true,
  },
  pays: {
    own: 'pays',
    uk8s: 'eip-paymode',
    values: 'bandwidth, traffic, shared',
    uk8sValues: { bandwidth: 'bandwidth', traffic: 'traffic', sharebandwidth: 'shared' },
    pattern: /^(bandwidth|traffic|shared)$/,
    fallback: 'bandwidth',
    meaning: 'What is paid for the public address: its bandwidth, its traffic, or a shared bandwidth.',
    later: false,
  },
  sharedBandwidth: {
    ...id,
    own: 'shared-bandwidth',
    uk8s: 'eip-sharebandwidthid',
    meaning: 'The shared bandwidth that pays for the public address; needed with `shared`, and only then.',
    later: false,
  },
  addressCharge: {
    own: 'address-charge',
    uk8s: 'eip-chargetype',
    values: 'hour, month, year',
    uk8sValues: charges,
    pattern: /^(hour|month|year)$/,
    fallback: 'hour',
    meaning: 'How the public address is paid; as `charge`.',
    later: false,
  },
  addressQuantity: {
    ...count,
    own: 'address-quantity',
    uk8s: 'eip-quantity',
    meaning: 'How many months or years the public address is paid for.',
  },
  operator: {
    own: 'operator',
    uk8s: 'eip-operator-name',
    values: 'a line of the cloud, such as Bgp or International',
    pattern: /^[A-Za-z]+$/,
    fallback: undefined,
    meaning: 'The line of the public address; the usual one of the region when left out.',
    later: false,
  },
  kind: {
    own: 'kind',
    uk8s: 'listentype',
    values: 'network, direct, application',
    uk8sValues: { network: 'network', packetstransmit: 'direct', application: 'application' },
    uk8sRefused: { requestproxy: 'a classic load balancer that answers requests (CLB7), which an ALB replaces' },
    pattern: /^(network|direct|application)$/i,
    fallback: undefined,
    meaning:
      'A network load balancer (NLB) for TCP and UDP, an application load balancer (ALB) for HTTP and HTTPS, or, for accounts that have it, a classic one that forwards packets (CLB4), whose nodes answer clients directly. When left out: what the protocol of UK8S needs, and else network. A classic one that answers requests (CLB7, `requestproxy`) is refused: UCloud is retiring CLB, and an ALB does the same.',
    later: true,
  },
  protocol: {
    own: undefined,
    uk8s: 'vserver-protocol',
    values: 'tcp, udp, tcp/udp, http, https',
    pattern: /^(tcp|udp|tcp\/udp|https?)$/i,
    fallback: undefined,
    meaning:
      'tcp and udp must agree with the protocols of the Service’s ports, which decide. http and https ask for an ALB; with https and without `tls-ports` all ports are HTTPS.',
    later: true,
  },
  tlsPorts: {
    own: 'tls-ports',
    uk8s: 'vserver-ssl-port',
    values: 'ports, separated by commas',
    pattern: /^\d{1,5}(\s*,\s*\d{1,5})*$/,
    fallback: undefined,
    meaning: 'ALB only: the ports that are HTTPS; the others are HTTP. Needs `certificates`.',
    later: true,
  },
  certificates: {
    own: 'certificates',
    uk8s: 'vserver-ssl-cert',
    values: 'ids of certificates, separated by commas',
    pattern: /^[A-Za-z0-9][A-Za-z0-9_-]*(\s*,\s*[A-Za-z0-9][A-Za-z0-9_-]*)*$/,
    fallback: undefined,
    meaning:
      'ALB only: certificates that the cloud has, for the ports that are HTTPS. The first is shown to clients that name no host.',
    later: true,
  },
  cookie: {
    own: 'cookie',
    uk8s: 'vserver-session-persistence-type',
    values: 'none, balancer, application',
    uk8sValues: { none: 'none', serverinsert: 'balancer', userdefined: 'application' },
    pattern: /^(none|balancer|application)$/,
    fallback: 'none',
    meaning: 'ALB only: whether a client keeps its back end by a cookie, of the load balancer or of the application.',
    later: true,
  },
  cookieName: {
    own: 'cookie-name',
    uk8s: 'vserver-session-persistence-info',
    values: 'the name of a cookie',
    pattern: /^[A-Za-z0-9_-]{1,255}$/,
    fallback: undefined,
    meaning: 'ALB only: the cookie of the application by which a client keeps its back end.',
    later: true,
  },
  targets: {
    own: 'targets',
    uk8s: 'vserver-enable-direct-endpoint',
    values: 'nodes, pods',
    uk8sValues: { false: 'nodes', true: 'pods' },
    pattern: /^(nodes|pods)$/,
    fallback: 'nodes',
    meaning:
      'Whether the balancer sends to cloud nodes, where kube-proxy chooses a pod, or straight to pods. Pods can be back ends only while all ready pods of the Service have addresses of the VPC; otherwise cloud nodes are. TCP only. Without the annotation a Service with `allocateLoadBalancerNodePorts: false` goes straight to pods.',
    later: true,
  },
  unscheduled: {
    own: undefined,
    uk8s: 'remove-unscheduled-backend',
    values: 'true, false',
    pattern: /^(true|false)$/i,
    fallback: 'true',
    meaning: 'Accepted without effect: a cordoned node still forwards, and leaves when it is labelled or removed.',
    later: true,
  },
  provisioned: {
    own: undefined,
    uk8s: 'id-provision',
    values: 'anything',
    pattern: /^/,
    fallback: undefined,
    meaning: 'Accepted without effect: UK8S noted here what it had made.',
    later: true,
  },
} as const satisfies Readonly<Record<string, Annotation>>;

export type ServiceKey = keyof typeof annotations;

/** Every annotation of a Service that is understood. `docs/reference/service-annotations.md` is made from this. */
export const serviceAnnotations: AnnotationTable<ServiceKey> = {
  annotations,
  uk8sPrefix: 'service.beta.kubernetes.io/ucloud-load-balancer-',
  page: 'docs/reference/service-annotations.md',
};

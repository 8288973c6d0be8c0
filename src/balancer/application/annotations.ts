import { type Annotation, type AnnotationTable, serviceAnnotations } from '../annotations.ts';

const {
  access,
  id,
  subnet,
  charge,
  quantity,
  bandwidth,
  pays,
  sharedBandwidth,
  addressCharge,
  addressQuantity,
  operator,
} = serviceAnnotations.annotations;

/** As on a Service, under another name in UK8S. */
function as(annotation: Annotation, uk8s: string): Annotation {
  return { ...annotation, uk8s };
}

const annotations = {
  access: as(access, 'load-balancer-type'),
  id: {
    ...as(id, 'load-balancer-id'),
    meaning:
      'Use this ALB, which somebody else made and pays: its listeners for this Ingress are made and removed, the ALB itself and its addresses never.',
  },
  group: {
    own: 'group',
    uk8s: undefined,
    values: 'a name of a-z, 0-9 and -',
    pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    fallback: undefined,
    meaning:
      'Ingresses of one namespace with the same group share one ALB; one without a group has an ALB of its own. What concerns the ALB as a whole is taken from the oldest Ingress, and the others must say the same or nothing.',
    later: true,
  },
  listen: {
    own: 'listen',
    uk8s: 'listen-ports',
    values: 'a list such as [{"HTTP": 80}, {"HTTPS": 443}]',
    pattern: /^\[\s*\{\s*"(HTTP|HTTPS)"\s*:\s*\d{1,5}\s*\}(\s*,\s*\{\s*"(HTTP|HTTPS)"\s*:\s*\d{1,5}\s*\})*\s*\]$/,
    fallback: undefined,
    meaning:
      'The ports on which the Ingress is served. When left out: HTTP 80, and HTTPS 443 when there is a certificate.',
    later: true,
  },
  certificates: {
    own: 'certificates',
    uk8s: 'certificates',
    values: 'ids of certificates, separated by commas',
    pattern: /^[A-Za-z0-9][A-Za-z0-9_-]*(\s*,\s*[A-Za-z0-9][A-Za-z0-9_-]*)*$/,
    fallback: undefined,
    meaning:
      'Certificates that somebody else gave to the cloud, for hosts beside those of `spec.tls`. The first is shown to clients that name no host, or one that no certificate is for.',
    later: true,
  },
  targets: {
    own: 'targets',
    uk8s: undefined,
    values: 'pods, nodes',
    pattern: /^(pods|nodes)$/,
    fallback: 'pods',
    meaning:
      'Whether the ALB sends straight to pods, or to node ports of cloud nodes, where kube-proxy chooses a pod. Pods can be back ends only while all ready pods of a Service have addresses of the VPC; otherwise cloud nodes are.',
    later: true,
  },
  redirect: {
    own: 'redirect',
    uk8s: undefined,
    values: 'true, false',
    pattern: /^(true|false)$/,
    fallback: 'false',
    meaning: 'Whether the HTTP ports send each client to the first HTTPS port instead of serving it.',
    later: true,
  },
  checkHost: {
    own: 'check-host',
    uk8s: 'monitor-domain',
    values: 'a host name',
    pattern: /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/,
    fallback: undefined,
    meaning:
      'The host that the check of back ends asks for. With it or a path the check is a request by HTTP; without, a connection.',
    later: true,
  },
  checkPath: {
    own: 'check-path',
    uk8s: 'monitor-path',
    values: 'a path that begins with /',
    pattern: /^\/\S{0,226}$/,
    fallback: undefined,
    meaning: 'The path that the check of back ends asks for, by HTTP.',
    later: true,
  },
  checkMethod: {
    own: 'check-method',
    uk8s: 'monitor-method',
    values: 'HEAD, GET',
    pattern: /^(HEAD|GET)$/,
    fallback: 'HEAD',
    meaning: 'How the check of back ends asks, when it asks by HTTP.',
    later: true,
  },
  subnet: as(subnet, 'subnet-id'),
  charge: as(charge, 'load-balancer-chargetype'),
  quantity: as(quantity, 'load-balancer-quantity'),
  bandwidth: as(bandwidth, 'eip-bandwidth'),
  pays: as(pays, 'eip-paymode'),
  sharedBandwidth: as(sharedBandwidth, 'eip-sharebandwidthid'),
  addressCharge: as(addressCharge, 'eip-chargetype'),
  addressQuantity: as(addressQuantity, 'eip-quantity'),
  operator: as(operator, 'eip-operator-name'),
} as const satisfies Readonly<Record<string, Annotation>>;

export type IngressKey = keyof typeof annotations;

/**
 * Every annotation of an Ingress that is understood. `docs/reference/ingress-annotations.md` is made from this.
 * @source UCloudDoc-Team/uk8s service/ingress/alb_ingress.md @db303906; the default method is the cloud's own
 */
export const ingressAnnotations: AnnotationTable<IngressKey> = {
  annotations,
  uk8sPrefix: 'alb.ingress.kubernetes.io/',
  page: 'docs/reference/ingress-annotations.md',
};

/** Of the ALB or its ports as a whole, and so the same for all Ingresses of a group. */
export const groupKeys = [
  'access',
  'id',
  'subnet',
  'charge',
  'quantity',
  'bandwidth',
  'pays',
  'sharedBandwidth',
  'addressCharge',
  'addressQuantity',
  'operator',
  'redirect',
  'checkHost',
  'checkPath',
  'checkMethod',
] as const satisfies readonly IngressKey[];

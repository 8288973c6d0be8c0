import type {
  IValidatingAdmissionPolicy,
  IValidatingAdmissionPolicyBinding,
} from 'kubernetes-models/admissionregistration.k8s.io/v1';
import type { Named } from '#capability/named.ts';
import { preferOwnSide } from '#capability/own-side.ts';
import { controllerAccount, systemNamespace } from '#kube/api/settings.ts';
import { type Annotation, ownPrefix, recordAnnotation, type ServiceKey, serviceAnnotations } from './annotations.ts';
import { nameOf } from './parse-annotations.ts';
import { balancerClass } from './service.ts';

/** One thing that may be wrong, both parts in CEL: when it is, and the sentence that says so. */
interface Rule {
  readonly when: string;
  readonly say: string;
}

/**
 * What no load balancer of ours can ever serve is refused when it is written, so that what serves goes on. It says the same as
 * `parseWish`, as far as a Service alone can tell it, but for what contradicts itself on an ALB; the controller stays the one that decides, and
 * nothing waits for the policy.
 * @unit mostPorts: of one load balancer
 */
export function refusedServices(mostPorts: number): Named<IValidatingAdmissionPolicy> {
  return policyOf('isthmus-services-refused', [
    ...annotationRules(),
    ...contradictionRules,
    ...unsupportedRules,
    {
      // The others take more than any Service has.
      when: `!(${isForAlb}) && !(${isDirect}) && size(${ports}) > ${mostPorts}`,
      say: `'the Service has ' + string(size(${ports})) + ' ports, and one load balancer takes ${mostPorts}: split it into Services of at most ${mostPorts} ports'`,
    },
  ]);
}

/** What may be meant so, and surprises those who did not mean it, is told when it is written. */
export function doubtfulServices(): Named<IValidatingAdmissionPolicy> {
  return policyOf('isthmus-services-doubtful', doubtfulRules());
}

export const refusedServicesBinding = bindingOf('isthmus-services-refused', 'Deny');
export const doubtfulServicesBinding = bindingOf('isthmus-services-doubtful', 'Warn');

/** Everything is told at once. */
function policyOf(name: string, rules: readonly Rule[]): Named<IValidatingAdmissionPolicy> {
  const told = rules.map(({ when, say }) => `(${when} ? ${say} : '')`);
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      // It must not stand in the way of what it cannot judge.
      failurePolicy: 'Ignore',
      matchConstraints: {
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], resources: ['services'], operations: ['CREATE', 'UPDATE'] },
        ],
      },
      matchConditions: [
        {
          name: 'has-a-load-balancer-of-ours',
          expression: `object.spec.type == 'LoadBalancer' && (!has(object.spec.loadBalancerClass) || object.spec.loadBalancerClass == '${balancerClass}')`,
        },
        // What was there before the policy can be labelled, finalized and deleted.
        {
          name: 'is-changed',
          expression:
            '!has(object.metadata.deletionTimestamp) && (oldObject == null || object.spec != oldObject.spec || (has(object.metadata.annotations) ? object.metadata.annotations : {}) != (has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}))',
        },
        {
          name: 'not-by-the-controller',
          expression: `request.userInfo.username != 'system:serviceaccount:${systemNamespace}:${controllerAccount}'`,
        },
      ],
      variables: [
        {
          name: 'annotations',
          expression: 'has(object.metadata.annotations) ? object.metadata.annotations : {}',
        },
        { name: 'ports', expression: 'has(object.spec.ports) ? object.spec.ports : []' },
        { name: 'told', expression: `[${told.join(', ')}].filter(told, told != '')` },
      ],
      validations: [
        {
          expression: 'size(variables.told) == 0',
          messageExpression: "variables.told.join('; ')",
          message: 'the Service asks for what a load balancer cannot do',
          reason: 'Invalid',
        },
      ],
    },
  };
}

function bindingOf(name: string, action: 'Deny' | 'Warn'): Named<IValidatingAdmissionPolicyBinding> {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: [action] },
  };
}

/** Variables of the policy. */
const given = 'variables.annotations';
const ports = 'variables.ports';

function text(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function listOf(values: readonly string[]): string {
  return `[${values.map(text).join(', ')}]`;
}

function isThere(name: string): string {
  return `${text(name)} in ${given}`;
}

/** A pattern of ours in the syntax of RE2. */
function fits(name: string, { source, flags }: RegExp): string {
  return `${given}[${text(name)}].matches(${text(flags.includes('i') ? `(?i)${source}` : source)})`;
}

const lower = (name: string): string => `${given}[${text(name)}].lowerAscii()`;
const written = (name: string): string => `'${name} is "' + ${given}[${text(name)}] + '"`;

const { annotations, uk8sPrefix, page } = serviceAnnotations;
const all = Object.values<Annotation>(annotations);

function annotationRules(): readonly Rule[] {
  const known = [
    recordAnnotation,
    ...all.flatMap(({ own }) => (own === undefined ? [] : [`${ownPrefix}${own}`])),
    ...all.flatMap(({ uk8s }) => (uk8s === undefined ? [] : [`${uk8sPrefix}${uk8s}`])),
  ];
  const unknown = `${given}.filter(name, (name.startsWith('${ownPrefix}') || name.startsWith('${uk8sPrefix}')) && !(name in ${listOf(known)}))`;
  return [
    {
      when: `size(${unknown}) > 0`,
      say: `'unknown annotation ' + ${unknown}.join(', ') + ': see ${page} for those there are'`,
    },
    ...all.flatMap(valueRules),
  ];
}

function valueRules({ own, uk8s, uk8sValues, uk8sRefused = {}, pattern, values }: Annotation): readonly Rule[] {
  const ownName = `${ownPrefix}${own}`;
  const uk8sName = `${uk8sPrefix}${uk8s}`;
  const isGood =
    uk8sValues === undefined ? fits(uk8sName, pattern) : `${lower(uk8sName)} in ${listOf(Object.keys(uk8sValues))}`;
  const means = uk8sValues === undefined ? `${given}[${text(uk8sName)}]` : `${mapOf(uk8sValues)}[${lower(uk8sName)}]`;
  const rules: Rule[] = [];
  if (own !== undefined)
    rules.push({
      when: `${isThere(ownName)} && !${fits(ownName, pattern)}`,
      say: `${written(ownName)}: write ${values}'`,
    });
  if (uk8s !== undefined)
    rules.push({
      when: `${isThere(uk8sName)} && !(${isGood})`,
      say: `${written(uk8sName)}' + ${because(uk8sName, uk8sRefused)} + ': write ${uk8sValues === undefined ? values : Object.keys(uk8sValues).join(', ')}'`,
    });
  if (own !== undefined && uk8s !== undefined)
    rules.push({
      when: `${isThere(ownName)} && ${isThere(uk8sName)} && ${isGood} && ${given}[${text(ownName)}] != ${means}`,
      say: `${written(ownName)} but ' + ${written(uk8sName)}: leave one of them out'`,
    });
  return rules;
}

function because(name: string, refused: Readonly<Record<string, string>>): string {
  const whys = Object.entries(refused).map(
    ([value, why]) => `${lower(name)} == ${text(value)} ? ${text(`, ${why}`)} : `,
  );
  return `(${whys.join('')}'')`;
}

function mapOf(values: Readonly<Record<string, string>>): string {
  return `{${Object.entries(values)
    .map(([key, value]) => `${text(key)}: ${text(value)}`)
    .join(', ')}}`;
}

/** What an annotation says in our words; its fallback, or the empty text, where it says nothing that is understood. */
function valueOf(key: ServiceKey): string {
  const { own, uk8s, uk8sValues, fallback = '' }: Annotation = annotations[key];
  const ownName = `${ownPrefix}${own}`;
  const uk8sName = `${uk8sPrefix}${uk8s}`;
  const otherwise = text(fallback);
  const ofUk8s =
    uk8s === undefined
      ? otherwise
      : uk8sValues === undefined
        ? `(${isThere(uk8sName)} ? ${given}[${text(uk8sName)}] : ${otherwise})`
        : `(${isThere(uk8sName)} && ${lower(uk8sName)} in ${mapOf(uk8sValues)} ? ${mapOf(uk8sValues)}[${lower(uk8sName)}] : ${otherwise})`;
  return own === undefined ? ofUk8s : `(${isThere(ownName)} ? ${given}[${text(ownName)}] : ${ofUk8s})`;
}

function isWritten(key: ServiceKey): string {
  const { own, uk8s }: Annotation = annotations[key];
  const names = [
    ...(own === undefined ? [] : [`${ownPrefix}${own}`]),
    ...(uk8s === undefined ? [] : [`${uk8sPrefix}${uk8s}`]),
  ];
  return `(${names.map(isThere).join(' || ')})`;
}

const has = (protocol: string): string => `${ports}.exists(p, p.protocol == '${protocol}')`;
const name = (key: ServiceKey): string => nameOf(serviceAnnotations, key);
const protocols = `(${has('TCP')} ? (${has('UDP')} ? 'tcp/udp' : 'tcp') : 'udp')`;
const isSticky = "has(object.spec.sessionAffinity) && object.spec.sessionAffinity == 'ClientIP'";
const toPods = `${valueOf('targets')} == 'pods'`;
const kind = `${valueOf('kind')}.lowerAscii()`;
const isHttp = `${valueOf('protocol')}.lowerAscii() in ['http', 'https']`;
const isDirect = `${kind} == 'direct'`;
const isForAlb = `(${kind} == 'application' || (${kind} == '' && ${isHttp}))`;

const contradictionRules: readonly Rule[] = [
  {
    when: `${isThere(name('protocol'))} && ${lower(name('protocol'))} in ['tcp', 'udp', 'tcp/udp'] && ${lower(name('protocol'))} != ${protocols}`,
    say: `${written(name('protocol'))}, but the ports of the Service are ' + ${protocols} + ': leave the annotation out'`,
  },
  {
    when: `${valueOf('pays')} == 'shared' && ${valueOf('sharedBandwidth')} == ''`,
    say: text(`${name('pays')} is "shared": name the shared bandwidth with ${name('sharedBandwidth')}`),
  },
  {
    when: `${valueOf('pays')} != 'shared' && ${valueOf('sharedBandwidth')} != ''`,
    say: text(`${name('sharedBandwidth')} needs ${name('pays')} "shared"`),
  },
  {
    when: `${isSticky} && ${isWritten('scheduler')} && ${valueOf('scheduler')} != 'source-hash'`,
    say: text(
      `${name('scheduler')} contradicts spec.sessionAffinity ClientIP, which needs source-hash: leave one of them out`,
    ),
  },
  {
    when: `${valueOf('proxyProtocol')} == 'true' && ${has('UDP')}`,
    say: text(
      `${name('proxyProtocol')} is "true", but PROXY protocol goes with TCP only: put UDP ports into a Service of their own`,
    ),
  },
  {
    when: `${toPods} && ${has('UDP')}`,
    say: text(
      `${name('targets')} is "pods", but the load balancer checks pods by a TCP connection to the port, which a UDP port does not take: put UDP ports into a Service of their own`,
    ),
  },
  {
    when: `!(${isDirect}) && has(object.spec.allocateLoadBalancerNodePorts) && !object.spec.allocateLoadBalancerNodePorts && ${ports}.exists(p, !has(p.nodePort) || p.nodePort == 0) && (${isWritten('targets')} ? !(${toPods}) : ${has('UDP')})`,
    say: text(
      'a port has no node port, which the load balancer sends to: set spec.allocateLoadBalancerNodePorts to true',
    ),
  },
];

const legacyRanges = 'service.beta.kubernetes.io/load-balancer-source-ranges';

const unsupportedRules: readonly Rule[] = [
  {
    when: "has(object.spec.loadBalancerSourceRanges) && object.spec.loadBalancerSourceRanges.exists(range, range != '0.0.0.0/0')",
    say: `'spec.loadBalancerSourceRanges ' + object.spec.loadBalancerSourceRanges.join(', ') + ${text(cannotFilter())}`,
  },
  {
    when: `${isThere(legacyRanges)} && ${given}[${text(legacyRanges)}].split(',').exists(range, !(range.trim() in ['', '0.0.0.0/0']))`,
    say: `'${legacyRanges} ' + ${given}[${text(legacyRanges)}] + ${text(cannotFilter())}`,
  },
  {
    when: "has(object.spec.loadBalancerIP) && object.spec.loadBalancerIP != ''",
    say: "'spec.loadBalancerIP ' + object.spec.loadBalancerIP + ' is not supported: remove the field, the cloud chooses the address'",
  },
  {
    when: "has(object.spec.ipFamilies) && size(object.spec.ipFamilies) > 0 && !('IPv4' in object.spec.ipFamilies)",
    say: "'spec.ipFamilies is ' + object.spec.ipFamilies.join(', ') + ', and load balancers have IPv4 addresses alone: write IPv4 there, or leave the field out'",
  },
  { when: has('SCTP'), say: text('a port is SCTP: network load balancers take TCP and UDP') },
];

function cannotFilter(): string {
  return ` cannot be enforced: the load balancer has no filter, and nodes cannot tell clients from its own connections and checks. Remove it, or keep the Service private with ${name('access')}: private`;
}

function doubtfulRules(): readonly Rule[] {
  const ours = `${given}.filter(name, name.startsWith('isthmus.dev/') && !name.startsWith('${ownPrefix}') && name != '${preferOwnSide}')`;
  const timeout = 'object.spec.sessionAffinityConfig.clientIP.timeoutSeconds';
  return [
    {
      when: `size(${ours}) > 0`,
      say: `'annotation ' + ${ours}.join(', ') + ' means nothing on a Service: those of load balancers begin with ${ownPrefix}'`,
    },
    {
      when: `has(object.spec.externalTrafficPolicy) && object.spec.externalTrafficPolicy == 'Local' && !(${toPods}) && !(${isDirect})`,
      say: text(
        "externalTrafficPolicy is Local: pods on machines of the site get nothing from the load balancer, and pods see its address instead of the client's",
      ),
    },
    ...(['charge', 'addressCharge'] as const).map((key) => ({
      when: `${valueOf(key)} in ['month', 'year']`,
      say: `'${name(key)} is ' + ${valueOf(key)} + ': it is paid in advance, and what is left of it at the end is lost in part'`,
    })),
    {
      when: `${valueOf('proxyProtocol')} == 'true'`,
      say: text(
        `${name('proxyProtocol')} is "true": pods must speak PROXY protocol on these ports, and probes of the kubelet must use another port`,
      ),
    },
    {
      // Three hours are Kubernetes' own default. An ALB keeps an affinity without a time.
      when: `!(${isForAlb}) && ${isSticky} && has(object.spec.sessionAffinityConfig) && (${timeout} < 60 || (${timeout} > 900 && ${timeout} != 10800))`,
      say: text('sessionAffinity is kept by the load balancer for 60 to 900 s: the nearest of them is taken'),
    },
    ...(['unscheduled', 'provisioned'] as const).map((key) => ({
      when: isThere(name(key)),
      say: text(`${name(key)} is accepted without effect`),
    })),
  ];
}

import { expect, test } from 'vitest';
import type { Instant } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { RequestedCertificate } from './parse-request.ts';
import {
  type IdentitySeen,
  nodeAskedFor,
  planApproval,
  type RequestSeen,
  tokenAskedBy,
  type Verdict,
} from './plan-approval.ts';
import { type DenialReason, denialReasons } from './reasons.ts';

const made = Date.parse('2026-11-30T12:00:00Z') as Instant;
const at = (minutes: number): Instant => (made + minutes * 60_000) as Instant;
const day = 24 * 60 * 60;

const asked: RequestedCertificate = {
  subject: [
    ['O', 'system:nodes'],
    ['CN', 'system:node:web-1'],
  ],
  dnsNames: [],
  addresses: [],
  others: [],
  key: 'sha256:web-1',
};

/** web-1 asks for its first certificate with its join token. */
const joining: RequestSeen = {
  made,
  signer: 'kubernetes.io/kube-apiserver-client-kubelet',
  username: 'system:bootstrap:abcdef',
  groups: ['system:bootstrappers', 'system:bootstrappers:kubeadm:default-node-token', 'system:authenticated'],
  usages: ['digital signature', 'client auth'],
  lifetime: undefined,
  isDecided: false,
  asked: ok(asked),
};
const welcome: IdentitySeen = {
  at: at(0),
  admission: { machine: 'web-1', token: 'abcdef', replaces: undefined, usedBy: undefined },
  machine: { is: 'cloud', id: 'uhost-1', addresses: ['10.9.0.12'] },
  node: undefined,
};
const letIn: Verdict = { do: 'approve', use: true, says: 'the join token was made for web-1 and has not been used' };

const broken = { uid: 'n-1', ready: false, providerId: 'ucloud://cn-bj2-04/uhost-1' };

function subject(...parts: readonly (readonly [string, string])[]): RequestSeen['asked'] {
  return ok({ ...asked, subject: parts });
}

function denied(why: DenialReason, says: string): Verdict {
  return { do: 'deny', why, says };
}

type Row = readonly [title: string, request: Partial<RequestSeen>, seen: Partial<IdentitySeen>, verdict: Verdict];

const joins: readonly Row[] = [
  ['a machine with its own token', {}, {}, letIn],
  ['a kubelet with an RSA key', { usages: ['digital signature', 'key encipherment', 'client auth'] }, {}, letIn],
  ['a machine of the site', {}, { machine: { is: 'site', addresses: ['192.168.50.13'] } }, letIn],
  ['a certificate for a year', { lifetime: 365 * day }, {}, letIn],
  ['a certificate for 366 days', { lifetime: 366 * day }, {}, letIn],
  [
    'the same key again, whose approval was lost on its way',
    {},
    { admission: { machine: 'web-1', token: 'abcdef', replaces: undefined, usedBy: 'sha256:web-1' } },
    letIn,
  ],
  [
    'a machine that takes the place of its node that is not ready',
    {},
    { node: broken, admission: { machine: 'web-1', token: 'abcdef', replaces: 'n-1', usedBy: undefined } },
    letIn,
  ],
  [
    'a token stolen to become another machine',
    { asked: subject(['O', 'system:nodes'], ['CN', 'system:node:web-2']) },
    {},
    denied('OtherMachine', 'the join token was made for web-1, and asks for a certificate of web-2'),
  ],
  [
    'a token stolen to become the control plane',
    { asked: subject(['O', 'system:nodes'], ['CN', 'system:node:cp-1']) },
    { node: { uid: 'cp', ready: true, providerId: undefined } },
    denied('OtherMachine', 'the join token was made for web-1, and asks for a certificate of cp-1'),
  ],
  [
    'a name that begins with that of the machine',
    { asked: subject(['O', 'system:nodes'], ['CN', 'system:node:web-1.evil']) },
    {},
    denied('OtherMachine', 'the join token was made for web-1, and asks for a certificate of web-1.evil'),
  ],
  [
    'a used token with another key',
    {},
    { admission: { machine: 'web-1', token: 'abcdef', replaces: undefined, usedBy: 'sha256:first' } },
    denied('TokenUsed', 'the join token of web-1 has let in another key already'),
  ],
  [
    'a token that was removed, or made by kubeadm token create',
    {},
    { admission: undefined },
    denied('UnknownToken', 'system:bootstrap:abcdef is not a join token of Isthmus'),
  ],
  [
    'a second machine with the name of a node that is ready',
    {},
    { node: { ...broken, ready: true } },
    denied('NameTaken', 'the node web-1 is in the cluster, and the join token was not made to replace it'),
  ],
  [
    'a second machine with the name of a node that is cut off',
    {},
    { node: broken },
    denied('NameTaken', 'the node web-1 is in the cluster, and the join token was not made to replace it'),
  ],
  [
    'a token that was renewed after the join',
    {},
    {
      node: { ...broken, uid: 'n-2' },
      admission: { machine: 'web-1', token: 'abcdef', replaces: 'n-1', usedBy: undefined },
    },
    denied('NameTaken', 'the node web-1 is in the cluster, and the join token was not made to replace it'),
  ],
  [
    'a token made to replace a node that has become ready meanwhile',
    {},
    {
      node: { ...broken, ready: true },
      admission: { machine: 'web-1', token: 'abcdef', replaces: 'n-1', usedBy: undefined },
    },
    denied('NameTaken', 'the node web-1 is ready'),
  ],
  [
    'a machine that neither the site nor the cloud has, a moment after it asked',
    {},
    { machine: { is: 'unknown' }, at: (at(10) - 1) as Instant },
    { do: 'wait', says: 'neither the site nor the cloud has a machine web-1 of this cluster' },
  ],
  [
    'a machine that neither the site nor the cloud has, ten minutes later',
    {},
    { machine: { is: 'unknown' }, at: at(10) },
    denied('UnknownMachine', 'neither the site nor the cloud has a machine web-1 of this cluster'),
  ],
  [
    'a cloud that does not answer keeps nobody out for good',
    {},
    { machine: { is: 'unclear', why: 'the cloud has 2 machines web-1' }, at: at(60) },
    { do: 'wait', says: 'the cloud has 2 machines web-1' },
  ],
  [
    'a request of the group of masters',
    { asked: subject(['O', 'system:masters'], ['CN', 'system:node:web-1']) },
    {},
    denied('WrongSubject', 'it asks for O=system:masters, CN=system:node:web-1'),
  ],
  [
    'a further group',
    { asked: subject(['O', 'system:nodes'], ['O', 'system:masters'], ['CN', 'system:node:web-1']) },
    {},
    denied('WrongSubject', 'it asks for O=system:nodes, O=system:masters, CN=system:node:web-1'),
  ],
  [
    'the group of nodes twice',
    { asked: subject(['O', 'system:nodes'], ['O', 'system:nodes']) },
    {},
    denied('WrongSubject', 'it asks for O=system:nodes, O=system:nodes'),
  ],
  [
    'no group',
    { asked: subject(['CN', 'system:node:web-1']) },
    {},
    denied('WrongSubject', 'it asks for CN=system:node:web-1'),
  ],
  ['no subject', { asked: subject() }, {}, denied('WrongSubject', 'it asks for no subject')],
  [
    'two names, of which a reader may take the other',
    { asked: subject(['O', 'system:nodes'], ['CN', 'system:node:web-1'], ['CN', 'system:node:cp-1']) },
    {},
    denied('WrongSubject', 'it asks for O=system:nodes, CN=system:node:web-1, CN=system:node:cp-1'),
  ],
  [
    'a further attribute',
    { asked: subject(['O', 'system:nodes'], ['CN', 'system:node:web-1'], ['2.5.4.11', 'x']) },
    {},
    denied('WrongSubject', 'it asks for O=system:nodes, CN=system:node:web-1, 2.5.4.11=x'),
  ],
  [
    'the name of a user in place of a node',
    { asked: subject(['O', 'system:nodes'], ['CN', 'kubernetes-admin']) },
    {},
    denied('WrongSubject', 'it asks for O=system:nodes, CN=kubernetes-admin'),
  ],
  [
    'the name of a user that contains that of a node',
    { asked: subject(['O', 'system:nodes'], ['CN', 'x:system:node:web-1']) },
    {},
    denied('WrongSubject', 'it asks for O=system:nodes, CN=x:system:node:web-1'),
  ],
  [
    'a node without a name',
    { asked: subject(['O', 'system:nodes'], ['CN', 'system:node:']) },
    {},
    denied('WrongSubject', 'it asks for O=system:nodes, CN=system:node:'),
  ],
  [
    'a name with an end that is not of a name',
    { asked: subject(['O', 'system:nodes'], ['CN', 'system:node:web-1 ']) },
    {},
    denied('WrongSubject', 'it asks for O=system:nodes, CN=system:node:web-1 '),
  ],
  [
    'a DNS name in a client certificate',
    { asked: ok({ ...asked, dnsNames: ['web-1'] }) },
    {},
    denied('WrongNames', 'it asks for web-1'),
  ],
  [
    'an address in a client certificate',
    { asked: ok({ ...asked, addresses: ['10.9.0.12'] }) },
    {},
    denied('WrongNames', 'it asks for 10.9.0.12'),
  ],
  [
    'names and addresses in a client certificate',
    { asked: ok({ ...asked, dnsNames: ['web-1'], addresses: ['10.9.0.12'] }) },
    {},
    denied('WrongNames', 'it asks for web-1, 10.9.0.12'),
  ],
  [
    'an e-mail address and an authority of its own',
    { asked: ok({ ...asked, others: ['an e-mail address', 'extension 2.5.29.19'] }) },
    {},
    denied('BadRequest', 'it asks for an e-mail address, extension 2.5.29.19'),
  ],
  [
    'a request that cannot be read',
    { asked: fail('it ends too early') },
    {},
    denied('BadRequest', 'it ends too early'),
  ],
  [
    'the use of a server',
    { usages: ['digital signature', 'server auth'] },
    {},
    denied('WrongUsages', 'it asks for digital signature, server auth'),
  ],
  [
    'the use of a server beside that of a client',
    { usages: ['digital signature', 'client auth', 'server auth'] },
    {},
    denied('WrongUsages', 'it asks for digital signature, client auth, server auth'),
  ],
  [
    'the use of an authority',
    { usages: ['digital signature', 'client auth', 'cert sign'] },
    {},
    denied('WrongUsages', 'it asks for digital signature, client auth, cert sign'),
  ],
  ['a use too few', { usages: ['client auth'] }, {}, denied('WrongUsages', 'it asks for client auth')],
  ['no use', { usages: [] }, {}, denied('WrongUsages', 'it asks for no use')],
  ['ten years', { lifetime: 3650 * day }, {}, denied('TooLong', 'it asks for 3650 days')],
  ['a second more than 366 days', { lifetime: 366 * day + 1 }, {}, denied('TooLong', 'it asks for 366 days')],
  [
    'a pod’s service account',
    { username: 'system:serviceaccount:default:default', groups: ['system:serviceaccounts', 'system:authenticated'] },
    {},
    denied('NotAllowed', 'system:serviceaccount:default:default is neither a join token nor a node'),
  ],
  [
    'somebody whose name is like that of a token',
    { groups: ['system:authenticated'] },
    {},
    denied('NotAllowed', 'system:bootstrap:abcdef is neither a join token nor a node'),
  ],
  [
    'somebody whose name begins like that of a token',
    { username: 'system:bootstrap:abcdef0' },
    {},
    denied('NotAllowed', 'system:bootstrap:abcdef0 is neither a join token nor a node'),
  ],
  [
    'somebody whose name ends like that of a token',
    { username: 'x:system:bootstrap:abcdef' },
    {},
    denied('NotAllowed', 'x:system:bootstrap:abcdef is neither a join token nor a node'),
  ],
  ['a request that somebody has denied', { isDecided: true }, {}, { do: 'leave', why: 'decided' }],
  ['another signer', { signer: 'kubernetes.io/kube-apiserver-client' }, {}, { do: 'leave', why: 'other-signer' }],
];

/** A node with its client certificate. */
const asNode = { username: 'system:node:web-1', groups: ['system:nodes', 'system:authenticated'] };
const own = { ...asked, dnsNames: ['web-1'], addresses: ['10.9.0.12'] };
const serving: RequestSeen = {
  ...joining,
  ...asNode,
  signer: 'kubernetes.io/kubelet-serving',
  usages: ['digital signature', 'server auth'],
  asked: ok(own),
};
const known: IdentitySeen = { ...welcome, admission: undefined, node: { ...broken, ready: true } };

const nodes: readonly Row[] = [
  ['a node that renews its own certificate', asNode, {}, { do: 'leave', why: 'renewal' }],
  [
    'a node that asks for the certificate of another',
    { ...asNode, asked: subject(['O', 'system:nodes'], ['CN', 'system:node:cp-1']) },
    {},
    denied('OtherMachine', 'the node web-1 asks for a certificate of cp-1'),
  ],
  [
    'a node that asks for a further group when it renews',
    { ...asNode, asked: subject(['O', 'system:nodes'], ['O', 'system:masters'], ['CN', 'system:node:web-1']) },
    {},
    denied('WrongSubject', 'it asks for O=system:nodes, O=system:masters, CN=system:node:web-1'),
  ],
  [
    'the user of a node without its group',
    { ...asNode, groups: ['system:authenticated'] },
    {},
    denied('NotAllowed', 'system:node:web-1 is neither a join token nor a node'),
  ],
];

const isOwn: Verdict = { do: 'approve', use: false, says: '10.9.0.12 belongs to web-1' };

const servings: readonly Row[] = [
  ['a node for its own name and address', {}, {}, isOwn],
  ['a node for its address alone', { asked: ok({ ...own, dnsNames: [] }) }, {}, isOwn],
  ['a node that is not ready yet', {}, { node: { ...broken, ready: false } }, isOwn],
  ['a node without a provider id yet', {}, { node: { ...broken, providerId: undefined } }, isOwn],
  ['a node with an RSA key', { usages: ['digital signature', 'key encipherment', 'server auth'] }, {}, isOwn],
  [
    'a node of the site',
    { asked: ok({ ...own, addresses: ['192.168.50.13'] }) },
    {
      machine: { is: 'site', addresses: ['192.168.50.13'] },
      node: { ...broken, providerId: 'isthmus-site://web-1' },
    },
    { do: 'approve', use: false, says: '192.168.50.13 belongs to web-1' },
  ],
  [
    'a node for two addresses of its machine',
    { asked: ok({ ...own, addresses: ['10.9.0.12', '10.9.0.40'] }) },
    { machine: { is: 'cloud', id: 'uhost-1', addresses: ['10.9.0.12', '10.9.0.40'] } },
    { do: 'approve', use: false, says: '10.9.0.12, 10.9.0.40 belongs to web-1' },
  ],
  [
    'the address of another node beside its own',
    { asked: ok({ ...own, addresses: ['10.9.0.12', '10.9.0.10'] }) },
    {},
    denied('ForeignAddress', 'web-1 asks for 10.9.0.10, and its machine has 10.9.0.12'),
  ],
  [
    'two addresses of others, where its machine has two of its own',
    { asked: ok({ ...own, addresses: ['10.9.0.10', '10.9.0.11'] }) },
    { machine: { is: 'cloud', id: 'uhost-1', addresses: ['10.9.0.12', '10.9.0.40'] } },
    denied('ForeignAddress', 'web-1 asks for 10.9.0.10, 10.9.0.11, and its machine has 10.9.0.12, 10.9.0.40'),
  ],
  [
    'a machine that the cloud does not list yet',
    {},
    { machine: { is: 'unknown' } },
    { do: 'wait', says: 'neither the site nor the cloud has a machine web-1 of this cluster' },
  ],
  [
    'an address of IPv6 that nobody gave',
    { asked: ok({ ...own, addresses: ['fd00:0:0:0:0:0:0:1'] }) },
    {},
    denied('ForeignAddress', 'web-1 asks for fd00:0:0:0:0:0:0:1, and its machine has 10.9.0.12'),
  ],
  [
    'the name of another node',
    { asked: ok({ ...own, dnsNames: ['web-1', 'cp-1'] }) },
    {},
    denied('WrongNames', 'web-1 asks for the names cp-1'),
  ],
  ['a wildcard', { asked: ok({ ...own, dnsNames: ['*'] }) }, {}, denied('WrongNames', 'web-1 asks for the names *')],
  [
    'names of the API server and of the internet',
    { asked: ok({ ...own, dnsNames: ['kubernetes.default.svc', 'www.example.com'] }) },
    {},
    denied('WrongNames', 'web-1 asks for the names kubernetes.default.svc, www.example.com'),
  ],
  [
    'a name and no address',
    { asked: ok({ ...own, addresses: [] }) },
    {},
    denied('WrongNames', 'web-1 asks for no address'),
  ],
  [
    'the certificate of another node',
    {
      asked: ok({
        ...own,
        subject: [
          ['O', 'system:nodes'],
          ['CN', 'system:node:cp-1'],
        ],
      }),
    },
    {},
    denied('OtherMachine', 'the node web-1 asks for a certificate of cp-1'),
  ],
  [
    'a join token',
    { username: joining.username, groups: joining.groups },
    {},
    denied('NotAllowed', 'system:bootstrap:abcdef is not a node'),
  ],
  [
    'a pod’s service account',
    { username: 'system:serviceaccount:default:default', groups: ['system:serviceaccounts'] },
    {},
    denied('NotAllowed', 'system:serviceaccount:default:default is not a node'),
  ],
  [
    'the use of a client',
    { usages: ['digital signature', 'client auth'] },
    {},
    denied('WrongUsages', 'it asks for digital signature, client auth'),
  ],
  ['a URI', { asked: ok({ ...own, others: ['a URI'] }) }, {}, denied('BadRequest', 'it asks for a URI')],
  [
    'a Node that says that it is another machine of the cloud',
    {},
    { node: { ...broken, providerId: 'ucloud://cn-bj2-04/uhost-2' } },
    denied('OtherMachine', 'the Node web-1 says that its machine is ucloud://cn-bj2-04/uhost-2, and it is not'),
  ],
  [
    'a machine of the cloud whose Node says that it is of the site',
    {},
    { node: { ...broken, providerId: 'isthmus-site://web-1' } },
    denied('OtherMachine', 'the Node web-1 says that its machine is isthmus-site://web-1, and it is not'),
  ],
  [
    'a machine of the site whose Node says that it is of the cloud',
    {},
    { machine: { is: 'site', addresses: ['10.9.0.12'] } },
    denied('OtherMachine', 'the Node web-1 says that its machine is ucloud://cn-bj2-04/uhost-1, and it is not'),
  ],
  [
    'a machine of the site whose Node has the id of another',
    {},
    {
      machine: { is: 'site', addresses: ['10.9.0.12'] },
      node: { ...broken, providerId: 'isthmus-site://base-2' },
    },
    denied('OtherMachine', 'the Node web-1 says that its machine is isthmus-site://base-2, and it is not'),
  ],
  [
    'a provider id of a form that is not ours',
    {},
    { node: { ...broken, providerId: 'gce://p/z/web-1' } },
    denied('OtherMachine', 'the Node web-1 says that its machine is gce://p/z/web-1, and it is not'),
  ],
  ['a node whose Node has not been made yet', {}, { node: undefined }, { do: 'wait', says: 'web-1 has no Node' }],
  [
    'a machine that was taken out of the cluster, with the certificate that it still has',
    {},
    { node: undefined, at: at(10) },
    denied('UnknownMachine', 'web-1 has no Node'),
  ],
  [
    'a machine that is neither the site’s nor the cloud’s',
    {},
    { machine: { is: 'unknown' }, at: at(11) },
    denied('UnknownMachine', 'neither the site nor the cloud has a machine web-1 of this cluster'),
  ],
  [
    'while the cloud does not answer',
    {},
    { machine: { is: 'unclear', why: 'the cloud does not list its machines: throttled' } },
    { do: 'wait', says: 'the cloud does not list its machines: throttled' },
  ],
];

test.each(joins)('a join: %s', (_title, request, seen, verdict) => {
  expect(planApproval({ ...joining, ...request }, { ...welcome, ...seen })).toEqual(verdict);
});

test.each(nodes)('a client certificate: %s', (_title, request, seen, verdict) => {
  expect(planApproval({ ...joining, ...request }, { ...welcome, ...seen })).toEqual(verdict);
});

test.each(servings)('a serving certificate: %s', (_title, request, seen, verdict) => {
  expect(planApproval({ ...serving, ...request }, { ...known, ...seen })).toEqual(verdict);
});

test('every reason for a denial has its attack', () => {
  const met = [...joins, ...nodes, ...servings].flatMap(([, , , verdict]) =>
    verdict.do === 'deny' ? [verdict.why] : [],
  );
  expect(new Set(met)).toEqual(new Set(Object.keys(denialReasons)));
});

test('who asks and whose certificate is asked for is read off the request', () => {
  expect(nodeAskedFor(joining)).toBe('web-1');
  expect(nodeAskedFor({ asked: fail('unreadable') })).toBeUndefined();
  expect(nodeAskedFor({ asked: subject(['CN', 'system:node:a'], ['CN', 'system:node:b']) })).toBeUndefined();
  expect(nodeAskedFor({ asked: subject(['CN', 'system:node:a.b-c']) })).toBe('a.b-c');
  expect(nodeAskedFor({ asked: subject(['CN', 'system:node:a']) })).toBe('a');
  expect(tokenAskedBy(joining)).toBe('abcdef');
  expect(tokenAskedBy(asNode)).toBeUndefined();
});

import type { IValidatingAdmissionPolicy } from 'kubernetes-models/admissionregistration.k8s.io/v1';
import type {
  IClusterRole,
  IClusterRoleBinding,
  IRole,
  IRoleBinding,
} from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { systemNamespace } from '#kube/api/settings.ts';
import {
  admissionBindings,
  admissionPolicies,
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
} from '#kube/resources.ts';
import type { SystemObject } from './capability.ts';
import type { Named } from './named.ts';
import { denying } from './own-node.ts';

export type Rules = NonNullable<IClusterRole['rules']>;

/** Rights of an account in our namespace. */
export interface Rights {
  /** Of the role and of its binding. */
  readonly name: string;
  readonly account: string;
  readonly rules: Rules;
}

const group = 'rbac.authorization.k8s.io';
const apiVersion = `${group}/v1`;

/** In the whole cluster: the role, then what binds it. */
export function rightsEverywhere({ name, account, rules }: Rights): readonly SystemObject[] {
  const metadata = { name };
  const role: Named<IClusterRole> = { apiVersion, kind: 'ClusterRole', metadata, rules };
  const binding: Named<IClusterRoleBinding> = {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata,
    roleRef: { apiGroup: group, kind: 'ClusterRole', name },
    subjects: [subject(account)],
  };
  return [
    { resource: clusterRoles, object: role },
    { resource: clusterRoleBindings, object: binding },
  ];
}

/** In our own namespace alone: the role, then what binds it. */
export function rightsAtHome(rights: Rights): readonly SystemObject[] {
  return rightsIn(systemNamespace, rights);
}

/** In one namespace alone: the role, then what binds it. */
export function rightsIn(namespace: string, { name, account, rules }: Rights): readonly SystemObject[] {
  const metadata = { name, namespace };
  const role: Named<IRole> = { apiVersion, kind: 'Role', metadata, rules };
  const binding: Named<IRoleBinding> = {
    apiVersion,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: group, kind: 'Role', name },
    subjects: [subject(account)],
  };
  return [
    { resource: roles, object: role },
    { resource: roleBindings, object: binding },
  ];
}

function subject(account: string): {
  readonly kind: 'ServiceAccount';
  readonly name: string;
  readonly namespace: string;
} {
  return { kind: 'ServiceAccount', name: account, namespace: systemNamespace };
}

/** A policy, then what makes it refuse whatever breaks it. */
export function refusing(policy: Named<IValidatingAdmissionPolicy>): readonly SystemObject[] {
  return [
    { resource: admissionPolicies, object: policy },
    { resource: admissionBindings, object: denying(policy) },
  ];
}

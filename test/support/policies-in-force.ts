import type {
  IMutatingAdmissionPolicy,
  IMutatingAdmissionPolicyBinding,
  IValidatingAdmissionPolicy,
} from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { refusing } from '#capability/rights.ts';
import type { Kube } from '#kube/kube.ts';
import { configMaps, mutatingBindings, mutatingPolicies } from '#kube/resources.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';

const says = 'every policy that was made before this one is in force';

/**
 * Waits until the API server goes by all admission policies that were made so far. It takes them up in the order in which they
 * were made, a moment later and not all at once: so two more are made, one of each kind, and looked for in what it does.
 * @fails WaitedTooLong after 30 s
 */
export async function untilPoliciesAreInForce(kube: Kube): Promise<void> {
  const name = `last-${crypto.randomUUID()}`;
  const made = [
    { resource: mutatingPolicies, object: marking(name) },
    { resource: mutatingBindings, object: binding(name) },
    ...refusing(refusingMarked(name)),
  ];
  for (const { resource, object } of made) await kube.create(resource, object);
  const probe = { name, namespace: 'default' };
  await waitFor(
    'the policies to be in force',
    async () => {
      const tried = await kube.create(configMaps, { metadata: probe }).catch(messageOf);
      if (typeof tried === 'string') return tried.includes(says);
      await kube.delete(configMaps, probe);
      return false;
    },
    { within: seconds(30), every: ms(100) },
  );
  for (const { resource } of made) await kube.delete(resource, { name });
}

const onlyOf = (name: string) => ({
  matchConditions: [{ name: 'is-the-probe', expression: `object.metadata.name == '${name}'` }],
});

const ofConfigMaps = {
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE' as const] }],
};

function marking(name: string): IMutatingAdmissionPolicy & { readonly metadata: { readonly name: string } } {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      matchConstraints: ofConfigMaps,
      ...onlyOf(name),
      mutations: [
        {
          patchType: 'ApplyConfiguration',
          applyConfiguration: { expression: "Object{metadata: Object.metadata{labels: {'marked': 'yes'}}}" },
        },
      ],
    },
  };
}

function binding(name: string): IMutatingAdmissionPolicyBinding & { readonly metadata: { readonly name: string } } {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name },
  };
}

/** Of the probe as the other policy has changed it: a refusal shows that both decide. */
function refusingMarked(name: string): IValidatingAdmissionPolicy & { readonly metadata: { readonly name: string } } {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: ofConfigMaps,
      ...onlyOf(name),
      validations: [{ expression: '!has(object.metadata.labels)', message: says }],
    },
  };
}

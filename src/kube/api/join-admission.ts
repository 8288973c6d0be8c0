import type { Meta } from '../kube.ts';
import type { ConfigMapObject } from '../resources.ts';
import { systemNamespace } from './settings.ts';

/**
 * Lets one machine become one node, once: a ConfigMap in isthmus-system. Whoever gives or renews a join token writes it, whoever approves
 * the machine's request for a certificate notes there by which one it was used. The machine itself can't write it.
 */
export interface JoinAdmission {
  readonly machine: string;
  /** The id of the one token that belongs to the machine: its user is `system:bootstrap:ID`. */
  readonly token: string;
  /** The uid of the Node that the machine may take the place of; `undefined`: there must be none of its name. */
  readonly replaces: string | undefined;
  /** The public key that was let in, as `sha256:…`; `undefined` when nobody has used it since it was given or renewed. */
  readonly usedBy: string | undefined;
}

/** Lists all admissions. Its value is the machine. */
export const admissionLabel = 'isthmus.dev/admission';

export function admissionName(machine: string): string {
  return `isthmus-admission-${machine}`;
}

/** As it is given: not used by anybody. */
export function formatAdmission({
  machine,
  token,
  replaces,
}: Omit<JoinAdmission, 'usedBy'>): ConfigMapObject & { readonly metadata: Meta } {
  return {
    metadata: {
      name: admissionName(machine),
      namespace: systemNamespace,
      labels: { [admissionLabel]: machine },
    },
    data: { machine, token, replaces: replaces ?? '', usedBy: '' },
  };
}

/**
 * @shape `undefined`: it lacks what it must have, or has another name. With its token a machine may write one ConfigMap beside these, of which
 * it could make an admission of another machine.
 */
export function parseAdmission({ metadata, data }: ConfigMapObject): JoinAdmission | undefined {
  const { machine, token, replaces, usedBy } = data ?? {};
  if (!machine || !token || metadata.name !== admissionName(machine)) return undefined;
  return { machine, token, replaces: replaces || undefined, usedBy: usedBy || undefined };
}

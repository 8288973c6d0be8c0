import type { AddressHome } from '../address.ts';
import type { CertificateContent } from '../certificate.ts';
import type { Cloud } from '../cloud.ts';

/**
 * How the cloud's door behaves, so that every provider is tried in the same troubles.
 *
 * - throttled: every call is refused because of too many calls
 * - hanging: calls are taken and never answered
 * - answersLost: what changes something is done, and the connection is cut before its answer; reads are answered
 */
export type Trouble = 'throttled' | 'hanging' | 'answersLost';

/** Which machines there are, which further addresses they have, what was made for owners, and what is in it. */
export interface Ledger {
  readonly machines: readonly { readonly id: string; readonly name: string; readonly mark: string | undefined }[];
  /** home: the id of an AddressHome; primary addresses are not among them. */
  readonly addresses: readonly { readonly ip: string; readonly home: string }[];
  readonly owned: readonly {
    readonly id: string;
    readonly mark: string | undefined;
    readonly owner: string | undefined;
    readonly kind: OwnedKind;
    /** Of certificates, of which one owner may have several. */
    readonly digest?: string | undefined;
  }[];
  /** Which machines have which disks, or are about to. */
  readonly attached: readonly { readonly disk: string; readonly machine: string }[];
  /** Listeners of balancers, rules of listeners but not the rule that the cloud itself makes, and mount points of file shares. */
  readonly parts: readonly {
    readonly id: string;
    /** The id of what it is in. */
    readonly of: string;
    /** What no two in one place share: a port, what a rule is for, a subnet; the caller of the cloud does not tell it. */
    readonly key?: string;
  }[];
}

export type OwnedKind =
  | 'balancer'
  | 'direct balancer'
  | 'application balancer'
  | 'address'
  | 'certificate'
  | 'disk'
  | 'snapshot'
  | 'file share';

/** A cloud of its own for one case: empty but for one VPC, two subnets and one image. */
export interface ContractWorld {
  readonly cloud: Cloud;
  /** The same cloud, asked with a key that it does not accept. */
  readonly stranger: Cloud;
  readonly place: { readonly zone: string; readonly vpc: string; readonly subnet: string; readonly image: string };
  /** A further subnet of the VPC that holds 4 to 30 addresses. */
  readonly tightSubnet: string;
  /** Gives a machine that was made elastic a further interface, as a person would: it is there when this returns. */
  attach(machine: string): Promise<void>;
  /** The next machine that is made does not reach the disks of kinds that only a part of the zone reaches. */
  nextMachineApart(): void;
  /** An interface that there is not. */
  readonly noHome: AddressHome;
  /** A certificate for this host that nobody had before, and its key. */
  certificate(host: string): Promise<CertificateContent>;
  /** From now on; `undefined` heals. */
  trouble(kind: Trouble | undefined): void;
  /** What the cloud has on its own books: read past its API, and so past all that its API gets wrong. */
  ledger(): Promise<Ledger>;
  close(): Promise<void>;
}

export type Open = () => Promise<ContractWorld>;

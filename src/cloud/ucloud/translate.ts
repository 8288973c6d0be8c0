import { type Ms, ms, seconds } from '#unit/clock.ts';
import type { CloudFailure, Raw } from '../failure.ts';

type Meaning =
  | { readonly kind: Exclude<CloudFailure['kind'], 'exhausted'>; readonly again?: Ms }
  | { readonly kind: 'exhausted'; readonly what: 'machines' | 'addresses' | 'disks'; readonly again?: Ms };

/**
 * What a return code of UCloud means to us. A code that is not in the table is `unknown`: look before asking again.
 * @source UCloud API reference, "return codes" of the gateway, UHost, UNet, ULB, VPC and UDisk; 220 and 230 are on no page, and what the
 *         gateway answers all the same; codes marked cni are handled by
 *         ucloud/uk8s-cni-vpc @736247a, codes marked scenario by the regression scenarios of ucloud/ucloud-sdk-go 0.22.98
 */
export function parseFailure(raw: Raw): CloudFailure {
  const meaning = meaningOf(raw);
  if (meaning === undefined) return { kind: 'unknown', raw };
  return meaning.kind === 'exhausted' ? { kind: meaning.kind, what: meaning.what, raw } : { kind: meaning.kind, raw };
}

/** The least pause after which the very same call may be sent again; `undefined` when it must not. */
export function repeatAfter(raw: Raw): Ms | undefined {
  return meaningOf(raw)?.again;
}

function meaningOf(raw: Raw): Meaning | undefined {
  // What a create names and the cloud does not know is a mistake in the request, not an object of ours that went away.
  if (['4210', '8039'].includes(raw.code) && /^(Create|AddSSLBinding)/.test(raw.action)) return { kind: 'invalid' };
  return meanings[raw.code];
}

const soon = ms(0);
const meanings: Readonly<Record<string, Meaning>> = {
  // Gateway: any product may answer these.
  110: { kind: 'unknown' }, // the back end did not answer within 60 s
  130: { kind: 'unavailable', again: soon }, // gateway or authentication service in trouble
  150: { kind: 'unavailable', again: soon },
  153: { kind: 'throttled', again: soon },
  160: { kind: 'invalid' }, // Action missing
  161: { kind: 'invalid' }, // Action unknown
  170: { kind: 'denied' }, // signature missing
  171: { kind: 'denied' }, // signature wrong
  172: { kind: 'denied' }, // no such user
  174: { kind: 'denied' }, // no such token, or an expired one
  220: { kind: 'invalid' }, // a parameter is missing
  230: { kind: 'invalid' }, // a parameter can't be what it is
  292: { kind: 'invalid' }, // no such project
  293: { kind: 'invalid' }, // zone not permitted
  294: { kind: 'denied' }, // address of the caller refused
  295: { kind: 'denied' }, // security lock
  299: { kind: 'denied' }, // IAM

  // UHost
  8039: { kind: 'gone' },
  8044: { kind: 'invalid' }, // CPU or memory that is not sold
  8045: { kind: 'invalid' },
  8046: { kind: 'invalid' },
  8095: { kind: 'quota' },
  8097: { kind: 'billing' },
  8104: { kind: 'billing' },
  8116: { kind: 'billing' }, // hourly billing is not switched on for the account
  8117: { kind: 'billing' },
  8123: { kind: 'invalid' }, // network id missing
  8124: { kind: 'invalid' }, // route of the subnet missing
  8224: { kind: 'exhausted', what: 'machines' },
  8226: { kind: 'billing' }, // account not verified
  8316: { kind: 'invalid' }, // boot disk must be as large as the image
  8320: { kind: 'exhausted', what: 'disks' },
  8821: { kind: 'unknown' }, // giving network timed out
  8833: { kind: 'exhausted', what: 'machines' },
  8847: { kind: 'exhausted', what: 'addresses' },
  8854: { kind: 'unknown' }, // deleting timed out
  8856: { kind: 'state' }, // must be stopped before it is deleted
  8905: { kind: 'state' }, // wrong power state
  8908: { kind: 'unknown' }, // deleting timed out
  8918: { kind: 'unavailable', again: soon }, // the order is not finished yet
  8919: { kind: 'billing' },
  8949: { kind: 'invalid' }, // network enhancement needs 4 CPUs
  8980: { kind: 'unavailable', again: seconds(30) }, // its text says: wait 30 s

  // UNet and VPC
  4018: { kind: 'billing' },
  4054: { kind: 'exhausted', what: 'addresses' }, // no EIP could be given
  4057: { kind: 'billing' },
  4067: { kind: 'billing' }, // an unpaid order
  4080: { kind: 'invalid' },
  4086: { kind: 'gone' }, // terraform: no such balancer
  4088: { kind: 'gone' },
  4093: { kind: 'gone' },
  4103: { kind: 'gone' }, // terraform: no such balancer
  4107: { kind: 'inUse' }, // the port has a listener
  4108: { kind: 'inUse' }, // a listener has the certificate
  4109: { kind: 'inUse' }, // the back end is there already
  4110: { kind: 'inUse' }, // a rule sends to the back end
  4111: { kind: 'invalid' }, // not a certificate with its key
  4114: { kind: 'invalid' }, // a name of more than 50 characters
  4143: { kind: 'gone' },
  4148: { kind: 'gone' },
  4154: { kind: 'inUse' }, // an EIP is bound already
  4207: { kind: 'quota' },
  4210: { kind: 'gone' },
  4211: { kind: 'state' }, // the EIP is not bound
  4212: { kind: 'inUse' }, // the EIP is bound
  4218: { kind: 'invalid' }, // the EIP can't be bound to this
  4219: { kind: 'billing' }, // the EIP is frozen
  4232: { kind: 'invalid' },
  4993: { kind: 'invalid' }, // a text that is too long
  4994: { kind: 'invalid' }, // zones do not match
  4995: { kind: 'invalid' }, // zone missing
  4997: { kind: 'invalid' }, // a character that may not be there
  54002: { kind: 'gone' },
  57000: { kind: 'exhausted', what: 'addresses' }, // cni: no free address in the subnet
  58221: { kind: 'gone' }, // cni: no such secondary address
  63030: { kind: 'invalid' }, // a rule for nothing
  63031: { kind: 'invalid' }, // an expression that can't be read
  63032: { kind: 'invalid' }, // a back end of another VPC

  // UDisk and UFS
  17005: { kind: 'exhausted', what: 'disks' },
  17011: { kind: 'quota' }, // snapshots of the disk
  17012: { kind: 'quota' }, // snapshots of the account
  17026: { kind: 'state' }, // being attached
  17041: { kind: 'gone' },
  17056: { kind: 'state' }, // being attached
  17057: { kind: 'inUse' }, // attached already
  17060: { kind: 'inUse' }, // terraform: the machine still has it mounted
  17061: { kind: 'state' }, // being detached
  17062: { kind: 'billing' }, // hourly billing is not switched on for the account
  17063: { kind: 'billing' },
  17067: { kind: 'quota' },
  17084: { kind: 'billing' }, // an unpaid bill
  17085: { kind: 'state' }, // a snapshot of it is being made
  17086: { kind: 'state' }, // being cloned
  17088: { kind: 'invalid' }, // a kind without snapshots
  17089: { kind: 'invalid' }, // a kind that is not cloned
  17096: { kind: 'state' }, // attached, so not to be restored
  17097: { kind: 'state' },
  17098: { kind: 'state' }, // being restored
  17099: { kind: 'quota' }, // snapshots
  17101: { kind: 'state' }, // being attached; its text says: wait 30 s
  17103: { kind: 'quota' }, // the size that the account may have
  17218: { kind: 'outOfReach' }, // UK8S manual: disk and machine are in different RDMA clusters
  65126: { kind: 'gone' }, // terraform: no such mount point
};

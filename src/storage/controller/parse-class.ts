import type { Charge } from '#cloud/owned.ts';
import { type FileSystemType, fileSystemTypes } from '#host/file-systems.ts';
import { nearest } from '#unit/nearest.ts';

/** What a StorageClass asks for. */
export interface ClassWish {
  readonly kind: string;
  readonly charge: Charge;
  /** How many months or years. */
  readonly quantity: number;
  readonly encryptionKey: string | undefined;
  /** Whether its disks can have snapshots, where the cloud sells that. */
  readonly snapshotService: boolean;
  /** As UK8S's classes say it; the provisioner takes its own word for it from there. */
  readonly fsType: FileSystemType | undefined;
  /** Whom the volume is for, when the provisioner is told to tell. */
  readonly claim: { readonly namespace: string; readonly name: string } | undefined;
}

export type ClassParsed =
  | { readonly ok: true; readonly wish: ClassWish }
  /** One sentence for each parameter that is wrong. */
  | { readonly ok: false; readonly faults: readonly string[] };

/** The provisioner's own, with `--extra-create-metadata`. */
const foreign = 'csi.storage.k8s.io/';

const charges: Readonly<Record<string, Charge>> = {
  hour: 'hour',
  month: 'month',
  year: 'year',
  // As UK8S names it.
  dynamic: 'hour',
};

type Reader = (value: string, kinds: readonly string[]) => Partial<ClassWish> | string;

const readKind: Reader = (value, kinds) =>
  kinds.includes(value.toLowerCase()) ? { kind: value.toLowerCase() } : `write one of ${kinds.join(', ')}`;
const readCharge: Reader = (value) => {
  const charge = charges[value.toLowerCase()];
  return charge === undefined ? `write one of ${Object.keys(charges).join(', ')}` : { charge };
};
const readKey: Reader = (value) => (value === '' ? 'write the id of a key' : { encryptionKey: value });

/** Every parameter by its name: UK8S's, and beside some of them a name that is the same on every cloud. */
const readers: Readonly<Record<string, Reader>> = {
  type: readKind,
  kind: readKind,
  chargeType: readCharge,
  charge: readCharge,
  quantity: (value) =>
    /^[1-9]\d{0,2}$/.test(value) ? { quantity: Number(value) } : 'write how many months or years, such as "1"',
  cmkId: readKey,
  encryptionKey: readKey,
  fsType: (value) => {
    const fsType = fileSystemTypes.find((type) => type === value.toLowerCase());
    return fsType === undefined ? `write one of ${fileSystemTypes.join(', ')}` : { fsType };
  },
  udataArkMode: (value) =>
    value.toLowerCase() === 'no'
      ? {}
      : 'write "no", or leave it out: the cloud no longer sells it; use snapshotService: "true" and VolumeSnapshots',
  snapshotService: (value) =>
    ['true', 'false'].includes(value) ? { snapshotService: value === 'true' } : 'write "true" or "false"',
};

/** Reads the parameters of a StorageClass. All that is wrong is told at once. */
export function parseClass(parameters: Readonly<Record<string, string>>, kinds: readonly string[]): ClassParsed {
  const faults: string[] = [];
  const given = new Map<keyof ClassWish, string>();
  let wish: ClassWish = {
    kind: '',
    charge: 'hour',
    quantity: 1,
    encryptionKey: undefined,
    snapshotService: false,
    fsType: undefined,
    claim: claimOf(parameters),
  };
  // Sorted: the same faults read the same.
  for (const [name, value] of Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name.startsWith(foreign)) continue;
    const read = readers[name]?.(value, kinds) ?? unknown(name);
    if (typeof read === 'string') {
      faults.push(`parameter ${name}: "${value}": ${read}`);
      continue;
    }
    for (const field of Object.keys(read) as (keyof ClassWish)[]) {
      const other = given.get(field);
      if (other !== undefined) faults.push(`parameters ${other} and ${name} say the same: keep one of them`);
      given.set(field, name);
    }
    wish = { ...wish, ...read };
  }
  if (!given.has('kind') && faults.length === 0)
    faults.push(`parameter type is missing: write one of ${kinds.join(', ')}`);
  if (given.has('quantity') && wish.charge === 'hour')
    faults.push('parameter quantity: only for chargeType month or year: leave it out');
  return faults.length === 0 ? { ok: true, wish } : { ok: false, faults };
}

function unknown(name: string): string {
  const near = nearest(name, Object.keys(readers));
  return `unknown parameter; ${near === undefined ? `there are ${Object.keys(readers).join(', ')}` : `did you mean ${near}?`}`;
}

function claimOf(parameters: Readonly<Record<string, string>>): ClassWish['claim'] {
  const namespace = parameters[`${foreign}pvc/namespace`];
  const name = parameters[`${foreign}pvc/name`];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

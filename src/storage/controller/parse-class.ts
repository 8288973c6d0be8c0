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

/** One parameter of a StorageClass of cloud disks; `docs/reference/storage-classes.md` is made from these. */
export interface ClassParameter {
  readonly read: Reader;
  /** What may be written. */
  readonly values: string;
  readonly fallback?: string;
  readonly meaning: string;
}

const oneOf = (values: Readonly<Record<string, unknown>>): string => Object.keys(values).join(', ');

/** Every parameter by its name: UK8S's, and beside some of them a name that is the same on every cloud. */
export const classParameters: Readonly<Record<string, ClassParameter>> = {
  type: {
    read: readKind,
    values: 'a kind of disk that the cloud sells',
    meaning: 'Which kind of disk. It has to be told, by this name or as `kind`, because kinds differ in price.',
  },
  kind: { read: readKind, values: 'as `type`', meaning: 'As `type`, on any cloud.' },
  chargeType: {
    read: readCharge,
    values: oneOf(charges),
    fallback: 'hour',
    meaning: 'How disks are paid for: by the hour (`dynamic` is UK8S’s word for it), or months or years in advance.',
  },
  charge: { read: readCharge, values: 'as `chargeType`', fallback: 'hour', meaning: 'As `chargeType`, on any cloud.' },
  quantity: {
    read: (value) =>
      /^[1-9]\d{0,2}$/.test(value) ? { quantity: Number(value) } : 'write how many months or years, such as "1"',
    values: '1 to 999',
    fallback: '1',
    meaning: 'How many months or years are paid for. Only with one of these.',
  },
  cmkId: { read: readKey, values: 'the id of a key', meaning: 'The key that disks are encrypted with.' },
  encryptionKey: { read: readKey, values: 'as `cmkId`', meaning: 'As `cmkId`, on any cloud.' },
  fsType: {
    read: (value) => {
      const fsType = fileSystemTypes.find((type) => type === value.toLowerCase());
      return fsType === undefined ? `write one of ${fileSystemTypes.join(', ')}` : { fsType };
    },
    values: fileSystemTypes.join(', '),
    fallback: 'ext4',
    meaning: 'The file system. `csi.storage.k8s.io/fstype`, which is the same on any cloud, must not contradict it.',
  },
  udataArkMode: {
    read: (value) =>
      value.toLowerCase() === 'no'
        ? {}
        : 'write "no", or leave it out: the cloud no longer sells it; use snapshotService: "true" and VolumeSnapshots',
    values: 'no',
    fallback: 'no',
    meaning: 'Understood because classes of UK8S have it. The cloud no longer sells what it switched on.',
  },
  snapshotService: {
    read: (value) =>
      ['true', 'false'].includes(value) ? { snapshotService: value === 'true' } : 'write "true" or "false"',
    values: 'true, false',
    fallback: 'false',
    meaning:
      'Whether the service is bought with each disk that lets it have snapshots. It costs money, and is never bought otherwise.',
  },
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
    const read = classParameters[name]?.read(value, kinds) ?? unknown(name);
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
  const near = nearest(name, Object.keys(classParameters));
  return `unknown parameter; ${near === undefined ? `there are ${Object.keys(classParameters).join(', ')}` : `did you mean ${near}?`}`;
}

function claimOf(parameters: Readonly<Record<string, string>>): ClassWish['claim'] {
  const namespace = parameters[`${foreign}pvc/namespace`];
  const name = parameters[`${foreign}pvc/name`];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

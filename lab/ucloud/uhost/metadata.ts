import type { RequestListener } from 'node:http';
import type { Account } from '../gateway/desk.ts';
import type { GatewayState } from '../gateway/state.ts';
import { openSession } from '../sts/session.ts';
import { gatewayOf, rangeOf, subnetOf } from '../vpc/lookup.ts';
import { type Nic, nicsOf } from '../vpc/nic.ts';
import type { Placed } from '../vpc/state.ts';
import { baseOf } from './image.ts';
import { isListed, type MachineRecord } from './state.ts';

type Leaf = string | number | boolean | readonly Tree[];
type Tree = Leaf | { readonly [name: string]: Tree };

/** The largest packet that a machine's interface carries. @source UCloud VPC manual */
const mtu = 1454;

/**
 * The metadata server that every machine reaches at http://100.80.80.80. Which machine asks is known by the address it
 * asks from; nobody else gets an answer.
 *
 * Beside UCloud's own tree it answers `/meta-data` in the plain form of cloud-init's NoCloud source (`seedfrom`).
 * @source UCloud UHost manual (metadata); cloud-init documentation, NoCloud
 */
export function createMetadata(cloud: MetadataDesk): RequestListener {
  return (request, response) => {
    const { state, account } = cloud;
    const machine = askedBy(request.socket.remoteAddress, state);
    const path = new URL(request.url ?? '/', 'http://metadata').pathname.replace(/\/+$/, '');
    const role = /^\/meta-data\/v1\/uam\/security-credentials\/([\w.-]+)$/.exec(path)?.[1];
    const answer = (): Answer | undefined => {
      if (request.method !== 'GET' || machine === undefined) return undefined;
      return role === undefined ? answerTo(path, machine, state, account) : credentials(role, machine, cloud);
    };
    const given = answer();
    response.writeHead(given === undefined ? 404 : 200, { 'content-type': given?.type ?? 'text/plain' });
    response.end(given?.body ?? 'not found\n');
  };
}

/** What the metadata server reads, and touches when it gives keys. */
interface MetadataDesk {
  readonly state: GatewayState & Placed;
  readonly account: Account;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Writes the state down. */
  readonly changed: () => void;
}

/** @unit seconds. How long the keys of a role last, and for how long those that were given before are given again. */
const keys = { last: 3600, leastLeft: 600 } as const;

/**
 * Temporary keys of a role, in the old form. Which role a machine may take is not asked here.
 * @source ucloud-sdk-go 0.22.36 external/sts_creds.go
 */
function credentials(role: string, machine: MachineRecord, { state, account, now, changed }: MetadataDesk): Answer {
  const before = state.sessions.find(
    (one) => one.machine === machine.id && one.expiresAt - now() / 1000 > keys.leastLeft,
  );
  const session = before ?? openSession(keys.last, state, now(), machine.id);
  if (before === undefined) changed();
  const Data = {
    PublicKey: session.publicKey,
    PrivateKey: session.privateKey,
    SecurityToken: session.token,
    Expiration: session.expiresAt,
    ProjectID: account.project.id,
    CharacterName: role,
    UHostID: machine.id,
    UPHostId: '',
  };
  return { type: 'application/json', body: JSON.stringify({ RetCode: 0, Message: '', Data }) };
}

function askedBy(remote: string | undefined, state: Placed): MachineRecord | undefined {
  const ip = remote?.replace(/^::ffff:/, '');
  return state.machines.find((machine) => isListed(machine) && machine.ip === ip);
}

interface Answer {
  readonly type: string;
  readonly body: string | Buffer;
}

const plain = (body: string | Buffer): Answer => ({ type: 'text/plain', body });

function answerTo(path: string, machine: MachineRecord, state: Placed, account: Account): Answer | undefined {
  switch (path) {
    case '/user-data':
      return plain(Buffer.from(machine.userData, 'base64'));
    case '/vendor-data':
      return plain(vendorData(machine));
    case '/meta-data':
      return { type: 'text/yaml', body: `instance-id: ${machine.id}\nlocal-hostname: ${machine.name}\n` };
    case '/meta-data/v1.json':
      return { type: 'application/json', body: JSON.stringify(documentOf(machine, state, account)) };
  }
  const within = /^\/meta-data\/(?:latest|v1)(?:\/(.*))?$/.exec(path);
  if (within === null) return undefined;
  const found = descend(documentOf(machine, state, account), within[1]?.split('/') ?? []);
  return found === undefined ? undefined : plain(listing(found));
}

function descend(tree: Tree, path: readonly string[]): Tree | undefined {
  const [head, ...rest] = path;
  if (head === undefined) return tree;
  if (typeof tree !== 'object' || !Object.hasOwn(tree, head)) return undefined;
  return descend((tree as Readonly<Record<string, Tree>>)[head] as Tree, rest);
}

/** One name a line, a slash after those that lead further; a single value as it is. */
function listing(tree: Tree): string {
  if (typeof tree !== 'object') return String(tree);
  return Object.entries(tree)
    .map(([name, below]) => (typeof below === 'object' ? `${name}/` : name))
    .join('\n');
}

function documentOf(machine: MachineRecord, state: Placed, account: Account): Tree {
  const nics = nicsOf(state).filter((nic) => nic.machine === machine && isPlugged(nic));
  return {
    'availability-zone': machine.zone,
    'cloud-name': 'ucloud',
    'instance-id': machine.id,
    'local-hostname': machine.name,
    platform: 'uhost',
    region: account.region,
    'public-ssh-keys': [],
    'network-config': {
      version: 2,
      ethernets: Object.fromEntries(nics.map((nic, at) => [`eth${at}`, ethernetOf(nic, at, state)])),
    },
    uhost: {
      'uhost-id': machine.id,
      'project-id': account.project.id,
      cpu: machine.cpu,
      memory: machine.memoryMib,
      gpu: 0,
      'machine-type': machine.machineType,
      'net-capability': machine.netCapability,
      'isolation-group': '',
      name: machine.name,
      remark: machine.remark ?? '',
      tag: machine.tag,
      'image-id': machine.image,
      'os-name': osOf(machine, state),
      hotplug: false,
      region: account.region,
      zone: machine.zone,
      disks: machine.disks.map(({ id, boot, type, sizeGib }) => ({
        'disk-id': id,
        'disk-type': type,
        'is-boot': boot,
        size: sizeGib,
      })),
      'network-interfaces': nics.map((nic) => ({
        id: nic.object === machine.id ? '' : nic.object,
        mac: nic.mac,
        default: nic.record === undefined,
        'vpc-id': nic.vpc,
        'subnet-id': nic.subnet,
        ips: [{ 'ip-address': nic.ip, type: 'Private', bandwidth: 0, 'ip-id': '' }],
      })),
    },
  };
}

/** Whether the guest has the link: an interface on its way in is not listed yet, one on its way out still is. */
function isPlugged({ record }: Nic): boolean {
  return record?.at !== 'attaching';
}

/**
 * One interface in netplan's terms. Packets of an interface beside the first leave by it only with a table and a rule of its own: by
 * the main table they would leave by the first, where the cloud does not know their source.
 */
function ethernetOf(nic: Nic, at: number, state: Placed): Tree {
  const range = rangeOf(subnetOf(nic.subnet, state));
  const way = { to: '0.0.0.0/0', via: gatewayOf(range) };
  const table = furtherTables + at;
  return {
    match: { macaddress: nic.mac.toLowerCase() },
    addresses: [`${nic.ip}/${range.bits}`],
    ...(nic.record === undefined
      ? { routes: [way] }
      : { routes: [{ ...way, table }], 'routing-policy': [{ from: nic.ip, table }] }),
    mtu,
    nameservers: { addresses: [nameserver] },
  };
}

/** The metadata server's own address answers names, too: it is what the lab's machines ask. */
const nameserver = '100.80.80.80';

function osOf({ image }: MachineRecord, state: Placed): string {
  return state.images.find(({ id }) => id === baseOf(image, state))?.name ?? '';
}

/** @source the numbers that UCloud's own CNI takes: ucloud/uk8s-cni-vpc @736247a */
const furtherTables = 1000;

/** With LoginMode Password the cloud sets root's password; this is its part of cloud-init's input. */
function vendorData({ password }: MachineRecord): string {
  if (password === undefined) return '#cloud-config\n{}\n';
  const entry = JSON.stringify(Buffer.from(password, 'base64').toString());
  return `#cloud-config\nssh_pwauth: true\nchpasswd:\n  expire: false\n  users:\n    - {name: root, password: ${entry}, type: text}\n`;
}

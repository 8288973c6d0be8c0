import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AddonName } from '#cluster/bundle/bundle.ts';

const [stateRoot, runRoot] = ['/var/lib/isthmus-lab', '/run/isthmus-lab'];

/** Where a lab keeps its files; everything of it lies under one of the two folders. */
export interface LabPaths {
  readonly state: string;
  readonly run: string;
  readonly settings: string;
  readonly socket: string;
  readonly log: string;
  readonly machines: string;
  /** Disks that custom images of the simulated cloud are. */
  readonly images: string;
  /** Disks of the simulated cloud, their snapshots, and its file systems. */
  readonly disks: string;
  readonly snapshots: string;
  readonly shares: string;
  /** What the simulated cloud knows. */
  readonly ledger: string;
  readonly key: string;
  readonly knownHosts: string;
  /** Marks of the lab's server, of the `lab up` that is still making it, and of one that brings it back. */
  readonly server: string;
  readonly raising: string;
  readonly restarting: string;
  /** Held by the one `lab up` that brings it back. */
  readonly lock: string;
}

export function pathsOf(lab: string): LabPaths {
  const [state, run] = [join(stateRoot, lab), join(runRoot, lab)];
  return {
    state,
    run,
    settings: join(state, 'lab.json'),
    socket: join(run, 'control.sock'),
    log: join(state, 'server.log'),
    machines: join(state, 'machines'),
    images: join(state, 'images'),
    disks: join(state, 'disks'),
    snapshots: join(state, 'snapshots'),
    shares: join(state, 'shares'),
    ledger: join(state, 'cloud.json'),
    key: join(state, 'id_ed25519'),
    knownHosts: join(state, 'known_hosts'),
    server: join(state, 'server'),
    raising: join(state, 'raising'),
    restarting: join(state, 'restarting'),
    lock: join(state, 'lock'),
  };
}

/** mixed: routed and bridged machines in turn. */
export const siteModes = ['routed', 'bridged', 'mixed'] as const;
export type SiteMode = (typeof siteModes)[number];

/** What a lab is made with and never changes. */
export interface LabSettings {
  readonly name: string;
  /** How long the simulated cloud takes for its work, compared with the real one. */
  readonly speed: number;
  readonly machines: readonly { readonly name: string; readonly address: string }[];
  /** Root tree of the machine image. */
  readonly image: string;
  readonly bundle: { readonly folder: string; readonly digest: string; readonly kubernetes: string };
  /** In its cluster.yaml; absent in labs of before. */
  readonly addons?: readonly AddonName[];
  /** How pods on physical machines get addresses; absent in labs of before: routed. */
  readonly siteMode?: SiteMode;
  readonly account: {
    readonly publicKey: string;
    readonly privateKey: string;
    readonly project: { readonly id: string; readonly name: string };
    readonly region: string;
    readonly zone: string;
  };
  /** The operator's SSH key, public half. */
  readonly authorizedKey: string;
}

/** Readable by root alone: the account's private key is in it. */
export async function writeSettings(settings: LabSettings): Promise<void> {
  await writeFile(pathsOf(settings.name).settings, `${JSON.stringify(settings, undefined, 2)}\n`, { mode: 0o600 });
}

/** @fails Error that names the labs there are */
export async function readSettings(lab: string): Promise<LabSettings> {
  const file = pathsOf(lab).settings;
  if (!existsSync(file)) throw new Error(`there is no lab "${lab}"; ${explainLabs()}`);
  return JSON.parse(await readFile(file, 'utf8')) as LabSettings;
}

/** Names of all labs on this computer, whole or not. */
export function listLabs(): readonly string[] {
  return existsSync(stateRoot) ? readdirSync(stateRoot).sort() : [];
}

function explainLabs(): string {
  const labs = listLabs();
  return labs.length === 0 ? 'make one with `isthmus lab up`' : `there is ${labs.join(', ')}`;
}

/** The cloud's names for what the lab has exactly one of. */
export const cloudIds = { vpc: 'uvnet-1', subnet: 'subnet-1', image: 'uimage-base' } as const;

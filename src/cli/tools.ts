import type { Capability } from '#capability/capability.ts';
import type { CloudProvider } from '#cloud/provider.ts';
import type { OwnParts } from '#cluster/bundle/create-bundle.ts';

/** What the commands need of the process that runs them. Handed in, so that a test can be the process. */
export interface CliTools {
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Results, for people and scripts. */
  readonly out: (text: string) => void;
  /** Progress, for people. */
  readonly err: (text: string) => void;
  /** Aborted when the person wants to stop. */
  readonly signal: AbortSignal;
  /** Asks a person; `undefined` when nobody can be asked. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** What the product can do beside making the cluster. */
  readonly capabilities: readonly Capability[];
  /** The same, without showing what is typed. */
  readonly askSecret: ((question: string) => Promise<string>) | undefined;
  /** The kinds of cloud that cluster.yaml may name. */
  readonly providers: readonly CloudProvider[];
  /** Our own parts of a bundle: the image by this name of a registry, or, in a checkout, built now. @fails CommandFailed */
  readonly own: (image: string | undefined, say: (line: string) => void) => Promise<OwnParts>;
}

/** Ends the command with this exit code and, when there is one, this message; no stack for a person to read. */
export class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message = '') {
    super(message);
    this.name = 'CommandFailed';
    this.exitCode = exitCode;
  }
}

/** What the exit codes say. */
export const exitCodes = {
  /** The thing was tried and failed, or is not well. */
  failed: 1,
  /** The command line or a file that a person wrote is wrong; nothing was tried. */
  usage: 2,
  /** The person stopped it. */
  stopped: 130,
} as const;

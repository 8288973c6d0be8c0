/** One thing that is wrong with a file that a person wrote. */
export interface Fault {
  /** The YAML path, `network.site.pods`; empty for the file as a whole. */
  readonly path: string;
  /** Counted from 1, when it is known. */
  readonly line: number | undefined;
  /** What stands there, as short text; `undefined` when nothing does. */
  readonly value: string | undefined;
  readonly problem: string;
  /** What a good value looks like. */
  readonly example: string | undefined;
}

/** A fault before its place in the file was looked up. */
export interface RawFault {
  readonly at: readonly PropertyKey[];
  readonly problem: string;
  readonly example?: string;
}

/** `cluster.yaml:12: network.site.pods: "172.16.0.0/33" must be an IPv4 range; write for example 172.16.0.0/16` */
export function explainFault(file: string, fault: Fault): string {
  const where = fault.line === undefined ? file : `${file}:${fault.line}`;
  const what = [fault.path === '' ? undefined : `${fault.path}:`, fault.value, fault.problem].filter(
    (p) => p !== undefined,
  );
  const cure = fault.example === undefined ? '' : `; write for example ${fault.example}`;
  return `${where}: ${what.join(' ')}${cure}`;
}

/** `machines[0].address` */
export function pathText(at: readonly PropertyKey[]): string {
  return at
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${String(step)}`))
    .join('');
}

/** A file that can't be used; says every fault at once. */
export class FaultyFile extends Error {
  readonly faults: readonly Fault[];

  constructor(file: string, faults: readonly Fault[]) {
    super(faults.map((fault) => explainFault(file, fault)).join('\n'));
    this.name = 'FaultyFile';
    this.faults = faults;
  }
}

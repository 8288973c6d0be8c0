import type { Ms } from '#unit/clock.ts';

/** How a command ended. */
export interface Ran {
  /** The exit code; 128 and more when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** The limit of the whole command. */
  readonly within: Ms;
  readonly stdin?: string;
  /** Called with each full line of stdout as it comes. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * One Linux machine, reached over SSH or directly, with root's rights. Commands are argument lists, never shell text; what
 * needs a shell says `['sh', '-c', …]`.
 */
export interface Host {
  /** What people call this machine. */
  readonly name: string;
  /** Runs a command to its end. A command that fails is a value. @fails HostError: not reachable, no such command, or out of time */
  run(argv: readonly string[], opts: RunOptions): Promise<Ran>;
  /** The text of a file, or `undefined` when there is none. @fails HostError */
  read(path: string): Promise<string | undefined>;
  /** Puts a file in place whole: written beside, then renamed; its folder is made. @unit mode: `0o600` @fails HostError */
  write(path: string, text: string, opts: { readonly mode: number }): Promise<void>;
  /** Ends the connection. */
  close(): Promise<void>;
}

/** The machine could not be asked, or did not answer in time. */
export class HostError extends Error {
  constructor(host: string, doing: string, why: string, cause?: unknown) {
    super(`${host}: ${doing}: ${why}`, { cause });
    this.name = 'HostError';
  }
}

/**
 * Runs a command that must succeed.
 * @shape its stdout
 * @fails HostError with the last lines of stderr, or of stdout when that is all there is
 */
export async function must(host: Host, argv: readonly string[], opts: RunOptions): Promise<string> {
  const ran = await host.run(argv, opts);
  if (ran.code === 0) return ran.stdout;
  throw new HostError(host.name, argv.join(' '), `exit code ${ran.code}: ${lastLines(ran.stderr || ran.stdout)}`);
}

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-12).join('\n');
}

/** One argument as a POSIX shell reads it back unchanged. */
export function quote(argument: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

/** Cuts a stream of text into lines and keeps all of it. */
export class LineCollector {
  text = '';
  #rest = '';
  readonly #onLine: ((line: string) => void) | undefined;

  constructor(onLine: ((line: string) => void) | undefined) {
    this.#onLine = onLine;
  }

  add(chunk: string): void {
    this.text += chunk;
    if (this.#onLine === undefined) return;
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#onLine(line);
  }

  end(): void {
    if (this.#rest !== '') this.#onLine?.(this.#rest);
    this.#rest = '';
  }
}

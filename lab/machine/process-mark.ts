import { readFileSync } from 'node:fs';

/** A process that stays recognisable after its number is used again: number and start time, in clock ticks since boot. */
export interface ProcessMark {
  readonly pid: number;
  readonly start: number;
}

/** Reads `15253 107120`; `undefined` for anything else. */
export function parseMark(text: string): ProcessMark | undefined {
  const match = /^(\d+) (\d+)\s*$/.exec(text);
  return match === null ? undefined : { pid: Number(match[1]), start: Number(match[2]) };
}

export function formatMark(mark: ProcessMark): string {
  return `${mark.pid} ${mark.start}`;
}

/** The process that has this number now; `undefined` if none has, or if it is dead and only not yet waited for. */
export function observeMark(pid: number): ProcessMark | undefined {
  const fields = statOf(pid);
  const [state = '', start] = [fields[0], Number(fields[19])];
  return state === '' || state === 'Z' || state === 'X' ? undefined : { pid, start };
}

/** Whether it is this very process that has the number now. */
export function isAlive(mark: ProcessMark): boolean {
  return observeMark(mark.pid)?.start === mark.start;
}

/** The first fifteen characters of the program's name; empty when the process is gone. */
export function nameOf(mark: ProcessMark): string {
  return isAlive(mark) ? readProc(mark.pid, 'comm').trim() : '';
}

/** Sends nothing to a process that merely has the number of a dead one. */
export function signal(mark: ProcessMark, number: NodeJS.Signals | number): void {
  if (isAlive(mark)) process.kill(mark.pid, number);
}

/**
 * What the kernel tells of a process: its state, its parent, and so on; one empty field when the process is gone.
 * @source proc_pid_stat(5), from field 3 on: the name, field 2, stands in parentheses and may itself hold spaces and parentheses
 */
export function statOf(pid: number): readonly string[] {
  const stat = readProc(pid, 'stat');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (e) {
    // ESRCH: it ended between opening and reading.
    if (['ENOENT', 'ESRCH'].includes((e as NodeJS.ErrnoException).code ?? '')) return '';
    throw e;
  }
}

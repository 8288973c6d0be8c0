import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { markOf } from '#lab/fabric/names.ts';
import { enterNetwork } from '#lab/machine/enter.ts';
import { said } from './lab-tools.ts';

/** A lab of bare namespaces, without machines that boot. @unit place: `vpc`, `internet`, or the key of what was plugged in */
export interface BarePlaces {
  start(this: void, place: string, program: readonly string[]): ChildProcess;
  /** Runs a script of Node, which says something when it serves; `hushAll` ends all of them. */
  serve(this: void, place: string, script: string): Promise<ChildProcess>;
  /** What a new connection is told; empty when nobody answers within 2 s. */
  ask(
    this: void,
    from: string,
    to: string,
    options?: { readonly at?: string; readonly port?: number },
  ): Promise<string>;
  /** A connection from the internet that was answered, and says `still` and ends when it gets a line. */
  talk(this: void, to: string): Promise<ChildProcess>;
  hushAll(this: void): void;
}

export function barePlaces(lab: string): BarePlaces {
  const servers: ChildProcess[] = [];
  const start = (place: string, program: readonly string[]): ChildProcess => {
    const [file = '', ...args] = enterNetwork(markOf(lab, place), program);
    return spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  };
  const node = (place: string, script: string): ChildProcess => start(place, [process.execPath, '-e', script]);
  return {
    start,
    async serve(place, script) {
      const child = node(place, script);
      servers.push(child);
      await once(child.stdout as NodeJS.ReadableStream, 'data');
      return child;
    },
    async ask(from, to, { at = 'internet', port = 80 } = {}) {
      const script = `
const s = require('net').connect({ host: '${to}', port: ${port}, localAddress: '${from}' });
s.on('error', () => process.exit(1)).once('data', (d) => { process.stdout.write(d); process.exit(0); });
setTimeout(() => process.exit(1), 2000)`;
      return (await said(node(at, script))).out.trim();
    },
    async talk(to) {
      const script = `
const s = require('net').connect(80, '${to}');
s.on('data', (d) => process.stdout.write(d)).on('error', () => process.exit(1));
process.stdin.once('data', () => s.end('still'));
s.on('close', () => process.exit(0))`;
      const child = node('internet', script);
      await once(child.stdout as NodeJS.ReadableStream, 'readable');
      return child;
    },
    hushAll() {
      for (const server of servers.splice(0)) server.kill();
    },
  };
}

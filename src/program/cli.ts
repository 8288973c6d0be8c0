import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { isSea } from 'node:sea';
import { Writable } from 'node:stream';
import { Command } from '@commander-js/extra-typings';
import { runCli } from '#cli/run-cli.ts';
import { type CliTools, CommandFailed, exitCodes } from '#cli/tools.ts';
import type { OwnParts } from '#cluster/bundle/create-bundle.ts';
import { messageOf } from '#unit/message-of.ts';
import { capabilities } from './capabilities.ts';
import { providers } from './providers.ts';
import { stampedVersion } from './version.ts';

/** A checkout has it in its package.json. */
const version = isSea() ? stampedVersion : checkoutVersion();
const stop = new AbortController();

// `isthmus … | head -1` is no error. A machine command goes on without its listener: the operator's connection broke, and half
// a join is worse than one that nobody watches.
/** Why something of the output is missing where it was to go: a disk that is full. */
let unwritten: Error | undefined;
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (e: NodeJS.ErrnoException) => {
    if (e.code !== 'EPIPE') unwritten = e;
    else if (process.argv[2] !== 'machine') process.exit(0);
  });

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    // The second time at once: the first waits until what was begun has been given back.
    if (stop.signal.aborted) process.exit(exitCodes.stopped);
    stop.abort(new Error(`stopped by ${signal}`));
  });

// On a machine all traffic of ours stays inside the cluster's networks, where no proxy leads; kubeadm would use one, and write
// it into the control plane's manifests.
if (process.argv[2] === 'machine')
  for (const name of ['http_proxy', 'https_proxy', 'all_proxy'])
    for (const variable of [name, name.toUpperCase()]) delete process.env[variable];

const tools: CliTools = {
  version,
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  signal: stop.signal,
  ask: process.stdin.isTTY ? ask : undefined,
  askSecret: process.stdin.isTTY ? askSecret : undefined,
  providers,
  own: ownParts,
  capabilities,
};

/** The one-file program is itself what machines need; only a checkout can build an image of its own. */
async function ownParts(image: string | undefined, say: (line: string) => void): Promise<OwnParts> {
  if (!isSea()) return (await loadLab()).ownParts(image, say);
  if (image !== undefined) return { version, program: process.execPath, image: { pull: image } };
  throw new CommandFailed(
    exitCodes.usage,
    `name the image of Isthmus ${version} in a registry with --image, such as registry.example.com/isthmus:${version}`,
  );
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question, { signal: stop.signal });
  } finally {
    terminal.close();
  }
}

async function askSecret(question: string): Promise<string> {
  process.stderr.write(question);
  // In terminal mode readline switches the terminal's own echo off; its own goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await terminal.question('', { signal: stop.signal });
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}

type Commands = NonNullable<Parameters<typeof runCli>[2]>;

/** What a checkout has beside the product. */
interface Lab {
  readonly labCommand: (stop: AbortSignal) => Commands[number];
  readonly ownParts: CliTools['own'];
}

/** The lab is part of a checkout and not of the one-file program, so it is loaded only when it is asked for. */
async function labCommands(args: readonly string[]): Promise<Commands> {
  const summary = 'the same on this one computer, with a simulated cloud and site';
  const asked = args[0] === 'lab' || (args[0] === 'help' && args[1] === 'lab');
  if (!asked) return [new Command('lab').summary(summary)];
  return [(await loadLab()).labCommand(stop.signal).summary(summary)];
}

async function loadLab(): Promise<Lab> {
  // Not a literal, so that a bundler leaves it out.
  const path = ['..', '..', 'lab', 'cli', 'lab.ts'].join('/');
  try {
    return (await import(path)) as Lab;
  } catch (e) {
    // In the one-file program there is no such file; anything else that is missing is a fault of the checkout.
    const { code, message } = e as NodeJS.ErrnoException;
    const absent =
      code === 'ERR_UNKNOWN_BUILTIN_MODULE' || (code === 'ERR_MODULE_NOT_FOUND' && message.includes("cli/lab.ts'"));
    if (!absent) throw e;
    throw new Error('isthmus lab needs a checkout of the project: run bin/isthmus there', { cause: e });
  }
}

async function run(): Promise<number> {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 24)
    throw new Error(`this is Node ${process.versions.node}, and Isthmus needs 24 or newer: start it with bin/isthmus`);
  const args = process.argv.slice(2);
  return runCli(args, tools, await labCommands(args));
}

run().then(end, (e: unknown) => {
  process.stderr.write(`isthmus: ${messageOf(e)}\n`);
  return end(exitCodes.failed);
});

/** When all output is written, which a pipe takes in its own time; a script must not take half of it for the whole. */
async function end(code: number): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) => new Promise<void>((resolve) => void stream.write('', () => resolve())),
    ),
  );
  // The error of a stream comes a turn after its write.
  await new Promise((resolve) => setImmediate(resolve));
  if (unwritten === undefined) process.exit(code);
  process.stderr.write(`isthmus: the output could not be written: ${unwritten.message}\n`);
  process.exit(code === 0 ? exitCodes.failed : code);
}

function checkoutVersion(): string {
  const read = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string };
  return read.version;
}

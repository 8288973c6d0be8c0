import { readFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { resolve } from 'node:path';
import type { CloudProvider } from '#cloud/provider.ts';
import { parseClusterConfig } from '#cluster/config/config.ts';
import type { ConfigFile } from '#cluster/config/config-file.ts';
import { FaultyFile } from '#cluster/config/fault.ts';
import type { Session } from '#cluster/session.ts';
import { openState } from '#cluster/state/state.ts';
import { explainUnreadable } from '#host/files.ts';
import { lineReporter } from './reporter.ts';
import { sshCredentials, unusableKeys } from './ssh-credentials.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

/** Reads cluster.yaml and opens what belongs to it. @fails FaultyFile with every fault · CommandFailed when there is no such file */
export async function openSession(
  tools: CliTools,
  file: string,
  options: { readonly verbose?: boolean } = {},
): Promise<Session> {
  return openSessionOf(tools, await readConfigFile(tools, file), options);
}

/** The file itself, for a command that changes it. @fails CommandFailed when there is no such file */
export async function readConfigFile(tools: CliTools, name: string): Promise<ConfigFile> {
  const path = resolve(name);
  const surroundings = { env: tools.env, providers: tools.providers };
  const parse: ConfigFile['parse'] = (text) => parseClusterConfig(text, path, surroundings);
  return { name, path, text: await readConfig(path, name), parse, check: unusableKeys };
}

/** @fails FaultyFile with every fault */
export async function openSessionOf(
  tools: CliTools,
  { name: file, path, text, parse, check }: ConfigFile,
  { verbose = false }: { readonly verbose?: boolean } = {},
): Promise<Session> {
  const parsed = parse(text);
  if (!parsed.ok) throw new FaultyFile(file, parsed.failure);
  const config = parsed.value;
  const unusable = await check(config);
  if (unusable.length > 0) throw new FaultyFile(file, unusable);
  const keys = Object.fromEntries(
    Object.entries(config.cloud.credentials).map(([name, variable]) => [name, tools.env[variable] as string]),
  );
  const provider = tools.providers.find(({ name }) => name === config.cloud.provider) as CloudProvider;
  const report = lineReporter(tools.err, { verbose, signal: tools.signal });
  const stopping = (): void => report.say('stopping after the current step; press Ctrl-C again to stop at once');
  tools.signal.addEventListener('abort', stopping, { once: true });
  return {
    config,
    capabilities: tools.capabilities,
    operator: { user: userInfo().username, host: hostname(), pid: process.pid },
    state: openState(path, config.name),
    cloud: provider.open(config.cloud, keys),
    keys,
    report,
    signal: tools.signal,
    credentials: sshCredentials(tools),
  };
}

async function readConfig(path: string, file: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (e) {
    throw new CommandFailed(exitCodes.usage, `${file}: ${explainUnreadable(e)}; name the cluster file with --file`);
  }
}

import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { resolve } from 'node:path';
import { type ClusterConfig, parseClusterConfig, type SshAccess } from '#cluster/config/config.ts';
import { type Fault, FaultyFile } from '#cluster/config/fault.ts';
import { type Session } from '#cluster/session.ts';
import { openState } from '#cluster/state/state.ts';
import { lineReporter } from './reporter.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

/** Reads cluster.yaml and opens what belongs to it. @fails FaultyFile with every fault · CommandFailed when there is no such file */
export async function openSession(
  tools: CliTools,
  file: string,
  { verbose = false }: { readonly verbose?: boolean } = {},
): Promise<Session> {
  const path = resolve(file);
  const parsed = parseClusterConfig(await readConfig(path, file), path, { env: tools.env });
  if (!parsed.ok) throw new FaultyFile(file, parsed.failure);
  const config = parsed.value;
  const unreadable = await unreadableKeys(config);
  if (unreadable.length > 0) throw new FaultyFile(file, unreadable);
  const { credentials } = config.cloud;
  const keys = {
    publicKey: tools.env[credentials.publicKey] as string,
    privateKey: tools.env[credentials.privateKey] as string,
  };
  const report = lineReporter(tools.err, { verbose, signal: tools.signal });
  const stopping = (): void => report.say('stopping when what was begun is in order; once more stops at once');
  tools.signal.addEventListener('abort', stopping, { once: true });
  return {
    config,
    capabilities: tools.capabilities,
    operator: { user: userInfo().username, host: hostname(), pid: process.pid },
    state: openState(path, config.name),
    cloud: tools.openCloud(config, keys),
    keys,
    report,
    signal: tools.signal,
    readKey: (key: string) => readFile(key, 'utf8'),
  };
}

async function readConfig(path: string, file: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (e) {
    const why = (e as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (e as Error).message;
    throw new CommandFailed(exitCodes.usage, `${file}: ${why}; name your cluster's file with --file`);
  }
}

async function unreadableKeys(config: ClusterConfig): Promise<readonly Fault[]> {
  const used: [string, SshAccess | undefined][] = [
    ['ssh.key', config.ssh],
    ...config.machines.map(({ ssh }, i): [string, SshAccess] => [`machines[${i}].ssh.key`, ssh]),
    ['network.site.gateway.ssh.key', config.network.site.gateway?.ssh],
  ];
  const paths = new Map<string, string>();
  for (const [path, ssh] of used) if (ssh !== undefined && !paths.has(ssh.key)) paths.set(ssh.key, path);
  const faults = await Promise.all(
    [...paths].map(async ([key, path]): Promise<Fault[]> => {
      try {
        await access(key, constants.R_OK);
        return [];
      } catch (e) {
        return [
          {
            path,
            line: undefined,
            value: key,
            problem: `can't be read: ${(e as Error).message}`,
            example: 'a key made by ssh-keygen -t ed25519',
          },
        ];
      }
    }),
  );
  return faults.flat();
}

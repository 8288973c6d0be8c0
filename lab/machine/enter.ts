import type { ProcessMark } from './process-mark.ts';

/**
 * The command line that runs `command` inside the machine whose init is `init`, as root, with a fresh environment.
 * @example enterMachine(init, ['systemctl', 'is-system-running'], { term: 'xterm' })
 */
export function enterMachine(
  init: ProcessMark,
  command: readonly string[],
  { term }: { term: string },
): readonly string[] {
  const inside = `nsenter -t ${init.pid} -m -u -p -i -n -C`.split(' ');
  const fresh = `env -i HOME=/root USER=root LANG=C.UTF-8 TERM=${term} PATH=${path}`.split(' ');
  return [...inside, ...fresh, ...command];
}

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The command line that runs `command` of this computer with the network of the namespace `name`. No place of the lab reaches
 * this computer's proxies, and kubectl would ask one for the API server.
 */
export function enterNetwork(name: string, command: readonly string[]): readonly string[] {
  return ['nsenter', `--net=/run/netns/${name}`, 'env', ...withoutProxies, ...command];
}

const withoutProxies: readonly string[] = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [
  `--unset=${name}`,
  `--unset=${name.toLowerCase()}`,
]);

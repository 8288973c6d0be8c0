import { command } from '../toolchain/command.ts';

/**
 * Whether an SSH server greets at the address, asked from the network of the namespace `from`: a machine that can be logged
 * in to. Answers within a second.
 */
export async function isSshUp(from: string, address: string): Promise<boolean> {
  const greet = `read -r -n 4 greeting </dev/tcp/${address}/22 && [ "$greeting" = SSH- ]`;
  return command('nsenter', [`--net=/run/netns/${from}`, 'timeout', '1', 'bash', '-c', greet]).then(
    () => true,
    () => false,
  );
}

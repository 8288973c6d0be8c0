import { connect } from 'node:net';
import { type Ms, seconds } from '#unit/clock.ts';

/** Whether an SSH server greets at the address: a machine that can be logged in to, seen from where this runs. */
export function isSshUp(address: string, within: Ms = seconds(1)): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22, timeout: within });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (greeting) => settle(greeting.toString('latin1').startsWith('SSH-')));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
  });
}

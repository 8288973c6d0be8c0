import { connect } from 'node:net';
import { type Ms, seconds } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';

/** Somebody who answers TCP, as far as is known. */
export interface Peer {
  readonly address: Ip;
  readonly port: number;
}

/**
 * `taken`: somebody listens there. `refused`: packets go there and come back, though a firewall on the way may have sent them. `nothing` within
 * the limit.
 */
export type TcpAnswer = 'taken' | 'refused' | 'nothing';

/** @param from an address of this computer; the one that its routes choose when left out */
export function knockTcp({ address, port }: Peer, from?: Ip): Promise<TcpAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, ...(from !== undefined && { localAddress: from }) });
    const end = (came: TcpAnswer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(came);
    };
    const timer = setTimeout(() => end('nothing'), limit);
    socket.once('connect', () => end('taken'));
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) =>
      end(['ECONNREFUSED', 'ECONNRESET'].includes(code) ? 'refused' : 'nothing'),
    );
  });
}

const limit: Ms = seconds(3);

import type { Ip } from '#unit/ip.ts';
import type { CniFault, CniVersion } from './request.ts';

export interface AttachmentMade {
  readonly hostName: string;
  readonly hostMac: string;
  readonly podName: string;
  readonly podMac: string;
  readonly netns: string;
  readonly mtu: number;
  readonly ip: Ip;
  readonly gateway: Ip;
}

/** The result of an ADD in the form of the version asked for. @source CNI specification 0.4.0, 1.0.0 and 1.1.0, "Success" */
export function addResult(version: CniVersion, made: AttachmentMade): object {
  const mtu = version === '1.1.0' ? { mtu: made.mtu } : {};
  return {
    cniVersion: version,
    interfaces: [
      { name: made.hostName, mac: made.hostMac, ...mtu },
      { name: made.podName, mac: made.podMac, ...mtu, sandbox: made.netns },
    ],
    // The index tells the runtime that the address is the pod's own.
    ips: [
      {
        ...(version === '0.4.0' && { version: '4' }),
        address: `${made.ip}/32`,
        gateway: made.gateway,
        interface: 1,
      },
    ],
    routes: [{ dst: '0.0.0.0/0', gw: made.gateway }],
    dns: {},
  };
}

/** What goes back over the socket: the exit code, then what the plugin prints, each ended by a newline. */
export function formatAnswer(answer: { readonly done: object | undefined } | { readonly fault: CniFault }): string {
  if ('done' in answer) return `0\n${answer.done === undefined ? '' : JSON.stringify(answer.done)}\n`;
  const { version, ...fault } = answer.fault;
  return `1\n${JSON.stringify({ cniVersion: version, ...fault })}\n`;
}

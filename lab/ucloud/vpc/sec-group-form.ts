import type { MachineRecord } from '../uhost/state.ts';
import { bindingsOf, type Port, portsOf } from './port.ts';
import type { Placed } from './state.ts';

/** Every machine, and every elastic interface beside it. */
export function described(state: Placed) {
  return portsOf(state).flatMap((port) => {
    const { machine, vpc, resource } = port;
    return [
      ...(machine !== undefined && port.judged === machine
        ? [{ id: machine.id, type: 'uhost', vpc, info: machineInfo(port, machine, state) }]
        : []),
      ...(port.type === 'uni' ? [{ id: resource, type: 'uni', vpc, info: portInfo(port, state) }] : []),
    ];
  });
}

function machineInfo(port: Port, machine: MachineRecord, state: Placed): object {
  if (port.type === 'uhost') return portInfo(port, state);
  return {
    ResourceId: machine.id,
    ResourceName: machine.name,
    Count: 0,
    SecGroupInfo: [],
    PermitAssociate: false,
    ExInfo: {
      ...exInfo(port),
      Uni: portsOf(state)
        .filter((one) => one.machine === machine)
        .map(({ resource }) => uniInfo(resource, state)),
    },
  };
}

function uniInfo(resource: string, state: Placed): object {
  const bound = bindingsOf(resource, state);
  const SecGroupInfo = bound.map(({ group }) => ({ SecGroupId: group.id, Name: group.name }));
  return { ResourceId: resource, Count: bound.length, SecGroupInfo };
}

function portInfo(port: Port, state: Placed): object {
  const { judged, machine, resource } = port;
  const bound = bindingsOf(resource, state);
  const isInterface = port.type === 'uni';
  return {
    ResourceId: resource,
    // The interface that a machine was made with has no name of its own.
    ResourceName: isInterface && judged === machine ? '' : judged.name,
    Count: bound.length,
    SecGroupInfo: bound.map(({ group, priority }) => ({
      SecGroupId: group.id,
      Name: group.name,
      VPCId: group.vpc,
      Priority: priority,
    })),
    PermitAssociate: judged.securityMode === 'SecGroup',
    ExInfo: {
      ...exInfo(port),
      SuperResourceId: isInterface ? (machine?.id ?? '') : '',
      SuperResourceName: isInterface ? (machine?.name ?? '') : '',
    },
  };
}

/** A machine, with the interface that is bound; an interface that is in none tells itself. */
export function memberInfo({ judged, machine, resource, type, ip }: Port): object {
  const isInside = machine !== undefined && type === 'uni';
  return {
    Name: (machine ?? judged).name,
    PrivateIp: ip,
    ResourceId: machine?.id ?? resource,
    ResourceType: machine === undefined ? 'uni' : 'uhost',
    SubResourceId: isInside ? resource : '',
    SubResourceName: '',
    SubResourceType: isInside ? 'uni' : '',
    Tag: judged.tag,
    // A number that is published nowhere.
    Zone: 0,
  };
}

function exInfo({ judged, machine, ips }: Port) {
  const name = machine?.name ?? judged.name;
  return { SuperResourceId: '', SuperResourceName: '', ResourceName: name, IP: ips, EIP: [], Uni: [] };
}

import { type Cidr, ip, parseCidr, parseIp } from '#unit/ip.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import type { CloudNetwork, Subnet, Vpc } from '../network.ts';
import { describeInbound } from './inbound.ts';
import { type Deadline, deadlineIn } from './wire/deadline.ts';
import { images, subnets, vpcs } from './wire/shapes.ts';
import type { Wire } from './wire/transport.ts';

export function ucloudNetwork(wire: Wire): CloudNetwork {
  return {
    // UCloud product manual: interfaces and bare metal have 1454, and it must not be raised.
    mtu: 1454,
    // UCloud's manual of UHost, "instance metadata".
    metadata: [ip('100.80.80.80')],
    vpc: (id, { within }) => describeVpc(wire, id, deadlineIn(within)),
    subnet: (id, { within }) => describeSubnet(wire, id, deadlineIn(within)),
    inbound: (machines, { within }) => describeInbound(wire, machines, deadlineIn(within)),
    async image(id, zone, { within }) {
      const action = 'DescribeImage';
      const answer = await wire.call(
        { action, effect: 'read', params: { Zone: zone, ImageId: id }, shape: images },
        deadlineIn(within),
      );
      if (!answer.ok) return answer;
      const image = answer.value.ImageSet.find((candidate) => candidate.ImageId === id);
      if (image === undefined) return fail(absent(action, `no image ${id} in zone ${zone}`));
      return ok({ id, name: image.ImageName ?? id, sizeGib: image.ImageSize });
    },
  };
}

async function describeVpc(wire: Wire, id: string, deadline: Deadline): Promise<CloudResult<Vpc>> {
  const action = 'DescribeVPC';
  const answer = await wire.call({ action, effect: 'read', params: { 'VPCIds.0': id }, shape: vpcs }, deadline);
  if (!answer.ok) return answer;
  const vpc = answer.value.DataSet.find((candidate) => candidate.VPCId === id);
  if (vpc === undefined) return fail(absent(action, `no VPC ${id} in this region and project`));
  const ranges: Cidr[] = [];
  for (const text of vpc.Network) {
    const range = parseCidr(text);
    if (range === undefined) return fail(unreadable(action, `VPC ${id}: "${text}" is no IPv4 range`));
    ranges.push(range);
  }
  return ok({ id, name: vpc.Name ?? id, ranges });
}

/** With the addresses that are left: UCloud counts them only when asked to. */
export async function describeSubnet(wire: Wire, id: string, deadline: Deadline): Promise<CloudResult<Subnet>> {
  const action = 'DescribeSubnet';
  const answer = await wire.call(
    { action, effect: 'read', params: { 'SubnetIds.0': id, ShowAvailableIPs: true }, shape: subnets },
    deadline,
  );
  if (!answer.ok) return answer;
  const subnet = answer.value.DataSet.find((candidate) => candidate.SubnetId === id);
  if (subnet === undefined) return fail(absent(action, `no subnet ${id} in this region and project`));
  const range = parseCidr(`${subnet.Subnet}/${subnet.Netmask}`);
  const gateway = parseIp(subnet.Gateway);
  if (range === undefined || gateway === undefined || subnet.AvailableIPs === undefined) {
    const told = `range ${subnet.Subnet}/${subnet.Netmask}, gateway ${subnet.Gateway}, ${subnet.AvailableIPs} left`;
    return fail(unreadable(action, `subnet ${id}: cannot read ${told}`));
  }
  const name = subnet.SubnetName ?? subnet.Name ?? id;
  return ok({ id, vpc: subnet.VPCId, name, range, gateway, available: subnet.AvailableIPs });
}

function absent(action: string, message: string): CloudFailure {
  return { kind: 'gone', raw: { action, code: 'absent', message } };
}

function unreadable(action: string, message: string): CloudFailure {
  return { kind: 'unknown', raw: { action, code: 'shape', message } };
}

import type { BlockDevice, BlockDevicesSeen } from '#host/block-devices.ts';

export type DeviceChoice =
  | { readonly is: 'there'; readonly device: BlockDevice }
  /** It may still come, or be put right by the machine. */
  | { readonly is: 'not-yet'; readonly why: string }
  | { readonly is: 'doubtful'; readonly why: string };

/** virtio tells no more of a serial. @source Linux include/uapi/linux/virtio_blk.h VIRTIO_BLK_ID_BYTES */
const mostOfSerial = 20;

/**
 * Which device is the disk: by the serial that the disk itself tells, never by the name at which it is expected. A link that udev made for
 * this serial must lead to the same device, or one of the two is not up to date.
 */
export function chooseDevice({ devices, links }: BlockDevicesSeen, serial: string): DeviceChoice {
  const told = serial.slice(0, mostOfSerial);
  const link = links.find(({ name }) => name === `virtio-${told}`);
  const fitting = devices.filter((device) => isSerialOf(device.serial, serial));
  const called = fitting.filter(({ name }) => name === link?.device);
  const [first, second] = fitting;
  if (first === undefined) {
    const other = devices.find(({ name }) => name === link?.device);
    if (link === undefined || other === undefined)
      return { is: 'not-yet', why: `no device of this machine has the serial ${told}` };
    const says = other.serial === undefined ? 'tells no serial' : `says that it is ${other.serial}`;
    return { is: 'not-yet', why: `/dev/disk/by-id/${link.name} leads to ${other.name}, which ${says}` };
  }
  const names = fitting.map(({ name }) => name).join(' and ');
  if (fitting.some(({ device }) => device !== first.device))
    return { is: 'doubtful', why: `${names} both have the serial ${told}` };
  // One device under two names, such as a loop device that is shown as something else: udev's link says by which it is called.
  const device = called[0] ?? first;
  if (second !== undefined && called.length === 0)
    return { is: 'not-yet', why: `${names} are one device, and no link in /dev/disk/by-id leads to it yet` };
  if (link !== undefined && link.device !== device.name)
    return {
      is: 'not-yet',
      why: `/dev/disk/by-id/${link.name} leads to ${link.device}, and ${device.name} has the serial ${told}`,
    };
  if (device.size === 0) return { is: 'not-yet', why: `${device.name} has no size yet` };
  return { is: 'there', device };
}

/** Whether what a device tells is this serial, whole or as much of it as virtio tells. */
export function isSerialOf(told: string | undefined, serial: string): boolean {
  return told === serial || told === serial.slice(0, mostOfSerial);
}

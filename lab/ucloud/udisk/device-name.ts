/**
 * The names of virtio disks in a guest, by number from 0: `/dev/vda`, …, `/dev/vdz`, `/dev/vdaa`.
 * @source Linux drivers/block/virtio_blk.c, virtblk_name_format
 */
export function deviceName(number: number): string {
  let letters = '';
  for (let n = number; n >= 0; n = Math.floor(n / 26) - 1) letters = String.fromCharCode(97 + (n % 26)) + letters;
  return `/dev/vd${letters}`;
}

/** The first name that nobody has, from number `from` on. */
export function freeDevice(taken: ReadonlySet<string>, from: number): string {
  for (let number = from; ; number++) if (!taken.has(deviceName(number))) return deviceName(number);
}

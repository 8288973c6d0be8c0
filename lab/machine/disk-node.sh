#!/bin/sh
# Shows a block device of the computer in a machine under the name that a virtual machine has for it, or hides it again.
#   disk-node.sh show ROOT NAME LOOP NUMBER SERIAL     ROOT is the machine's root tree, empty inside of the machine
#   disk-node.sh hide ROOT NAME LOOP NUMBER SERIAL     NAME `vdb`, LOOP `loop3`, NUMBER `7:3`, SERIAL the disk's id
# A virtio disk has its serial in sysfs and a link by udev; a loop device has neither. Overlays in the machine's mount namespace
# put the serial among the kernel's own files of the device, which go on to tell its size.
set -eu
stage=$1 root=$2 name=$3 loop=$4 number=$5 serial=$(printf '%.20s' "$6")
own=$root/run/isthmus-lab/sys
device=$root/sys/devices/virtual/block/$loop

show() {
  rm -f "$root/dev/$name"
  mknod "$root/dev/$name" b "${number%:*}" "${number#*:}"
  chown root:6 "$root/dev/$name"
  chmod 660 "$root/dev/$name"
  mkdir -p "$root/dev/disk/by-id" "$own/$loop" "$own/block"
  ln -sfn "../../$name" "$root/dev/disk/by-id/virtio-$serial"
  printf %s "$serial" >"$own/$loop/serial"
  mount -t overlay overlay -o "ro,lowerdir=$own/$loop:$device" "$device"
  ln -sfn "../devices/virtual/block/$loop" "$own/block/$name"
  # Under one name only: two devices with one serial are none that a node may trust. An overlay takes this for "not there".
  rm -f "$own/block/$loop"
  mknod "$own/block/$loop" c 0 0
  list_blocks
}

hide() {
  rm -f "$root/dev/$name" "$root/dev/disk/by-id/virtio-$serial" "$own/block/$name" "$own/block/$loop"
  umount -l "$device" 2>/dev/null || true
  rm -rf "${own:?}/$loop"
  list_blocks
}

# Mounted anew each time: an overlay need not notice what changes under it.
list_blocks() {
  ! mountpoint -q "$root/sys/block" || umount -l "$root/sys/block"
  mount -t overlay overlay -o "ro,lowerdir=$own/block:$root/sys/block" "$root/sys/block"
}

"$stage"

#!/bin/sh
# Process 1 of a lab machine, until systemd takes over. Runs in two stages in new mount, uts, pid and ipc namespaces:
#   init.sh born   FOLDER IMAGE HOSTNAME MEMORY CGROUP KIND [ARGUMENTS]   joins the control groups, by the computer's own /proc
#   init.sh inside FOLDER IMAGE HOSTNAME MEMORY CGROUP KIND [ARGUMENTS]   makes the machine's own world
# FOLDER holds the machine's disk (upper, work, data/), IMAGE are the trees under it as overlayfs names them, MEMORY what it has in MiB, CGROUP the name
# of its control group in every hierarchy, KIND `v1` or `v2`, ARGUMENTS what a boot loader would append to the kernel's command line: in a
# container systemd and cloud-init read that of process 1 instead.
set -eu
stage=$1 folder=$2 image=$3 hostname=$4 memory=$5 cgroup=$6 kind=$7 arguments=${8:-}

born() {
  record_identity
  join_cgroups
  # Only now a cgroup namespace: its root is the group that the process is in at this moment.
  exec unshare --cgroup -- sh "$0" inside "$folder" "$image" "$hostname" "$memory" "$cgroup" "$kind" $arguments
}

# Written by process 1 itself, so that there is no moment at which it runs and nobody knows its number. The old /proc
# shows it under the computer's numbering; with its start time (field 22) it stays recognisable after the number is reused.
record_identity() {
  read -r stat </proc/self/stat
  pid=${stat%% *}
  set -- ${stat##*) }
  shift 19
  printf '%s %s\n' "$pid" "$1" >"$folder/init.new"
  mv "$folder/init.new" "$folder/init"
}

join_cgroups() {
  for hierarchy in $(cgroup_hierarchies); do
    echo 0 >"$hierarchy/$cgroup/cgroup.procs"
  done
}

cgroup_hierarchies() {
  if [ "$kind" = v2 ]; then
    awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts
  else
    awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts
  fi
}

inside() {
  root=$folder/root
  console=$(tty)
  hierarchies=$(cgroup_mounts)
  mount --make-rprivate /
  mount -t overlay overlay -o "lowerdir=$image,upperdir=$folder/upper,workdir=$folder/work" "$root"
  cd "$root"
  hostname "$hostname"
  mount -t proc proc proc
  show_memory
  mount -t sysfs sysfs sys
  mount_cgroups
  make_dev
  mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
  note_file_systems
  install -D -m 755 "$(dirname "$0")/disk-node.sh" run/isthmus-lab/disk-node.sh
  show_disks
  show_shares
  bind_data
  mkdir -p .old
  pivot_root . .old
  umount -l /.old
  rmdir /.old
  mount --make-rshared /
  exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=lab TERM=linux \
    /lib/systemd/systemd --system --show-status=yes $arguments </dev/console >/dev/console 2>&1
}

# The kernel tells a machine of the whole computer's memory; kubelet would offer all of it.
show_memory() {
  awk -v total=$((memory * 1024)) '
    $1 == "MemTotal:" { $2 = total }
    $1 ~ /^Mem(Free|Available):$/ && $2 > total { $2 = total }
    { printf "%-16s %10s %s\n", $1, $2, $3 }' proc/meminfo >"$folder/meminfo"
  mount --bind "$folder/meminfo" proc/meminfo
}

# Lines "FOLDER-NAME MOUNT-OPTION" for every v1 hierarchy of the computer; none for v2.
cgroup_mounts() {
  [ "$kind" = v1 ] || return 0
  awk '$3 == "cgroup" {
    name = $2; sub(".*/", "", name); option = ""
    count = split($4, options, ",")
    for (i = 1; i <= count; i++) if (options[i] !~ /^(rw|ro|nosuid|nodev|noexec|relatime|release_agent=.*|clone_children|xattr)$/)
      option = option (option == "" ? "" : ",") options[i]
    print name, option
  }' /proc/mounts
}

# Mounted anew, because a mount made inside the cgroup namespace shows the machine's own group as the root of everything.
mount_cgroups() {
  if [ "$kind" = v2 ]; then
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    return
  fi
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  echo "$hierarchies" | while read -r name option; do
    mkdir "sys/fs/cgroup/$name"
    case $option in name=*) option="none,$option" ;; esac
    mount -t cgroup -o "$option" cgroup "sys/fs/cgroup/$name"
  done
  mkdir sys/fs/cgroup/unified
  mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
}

make_dev() {
  mount -t tmpfs -o mode=755,nosuid tmpfs dev
  for device in null zero full random urandom tty kmsg fuse loop-control net/tun; do
    [ -e "/dev/$device" ] || continue
    mkdir -p "$(dirname "dev/$device")"
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
  done
  # The kernel numbers its loop devices for the whole computer; without udev somebody has to make the nodes.
  number=0
  while [ $number -lt 64 ]; do
    mknod dev/loop$number b 7 $number
    number=$((number + 1))
  done
  mkdir dev/pts dev/shm
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
  ln -s pts/ptmx dev/ptmx
  ln -s /proc/self/fd dev/fd
  ln -s fd/0 dev/stdin
  ln -s fd/1 dev/stdout
  ln -s fd/2 dev/stderr
  : >dev/console
  mount --bind "$console" dev/console
}

# Block devices that are made of files on these don't end with the machine: whoever switches it off finds them by these numbers.
note_file_systems() {
  stat --format='%Hd:%Ld' . dev run tmp >"$folder/file-systems"
}

# Disks are there before systemd is. `disks` has a line for each: NAME LOOP NUMBER SERIAL.
show_disks() {
  [ -e "$folder/disks" ] || return 0
  while read -r name loop number serial; do
    sh "$(dirname "$0")/disk-node.sh" show "$root" "$name" "$loop" "$number" "$serial"
  done <"$folder/disks"
}

# The file systems of its cloud, for mount.nfs4.
show_shares() {
  [ -e "$folder/shares" ] || return 0
  mkdir -p run/isthmus-lab/shares
  mount --bind "$folder/shares/" run/isthmus-lab/shares
}

# Plain directories, because containerd stacks overlays of its own and an overlay can't be the upper layer of another.
bind_data() {
  for directory in "$folder"/data/*; do
    target=var/lib/$(basename "$directory")
    [ "$target" != var/lib/log ] || target=var/log
    mkdir -p "$target"
    mount --bind "$directory" "$target"
  done
}

"$stage"

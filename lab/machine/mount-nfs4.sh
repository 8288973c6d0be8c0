#!/bin/bash
# What `mount -t nfs4 ADDRESS:/PATH TARGET` runs in a cloud machine of the lab, whose kernel has no NFS client. The address must answer on
# NFS's port, so routes and security groups count; it tells which file system it leads to, and a folder of that is bound to the target.
# Exit codes as those of mount(8): 1 wrong usage, 32 mount failure.
set -u
source=${1:-} target=${2:-}
[ $# -ge 2 ] || { echo "usage: mount.nfs4 ADDRESS:/PATH TARGET [-o OPTIONS]" >&2; exit 1; }
shift 2
options=
while getopts 'fnrsvwo:t:N:' option; do
  case $option in
    o) options=$OPTARG ;;
    r) options=$options,ro ;;
    f | n | s | v | w | t | N) ;;
    *) exit 1 ;;
  esac
done

fail() {
  echo "mount.nfs4: $1" >&2
  exit 32
}

# Those of nfs(5) and mount(8) that a driver or a person may write. Those of the mount itself hold here too, the others have nothing to act on.
flags=
for option in ${options//,/ }; do
  case $option in
    ro | nosuid | nodev | noexec | noatime | nodiratime | relatime) flags=$flags,$option ;;
    rw | suid | dev | exec | atime | diratime | norelatime | sync | async | _netdev) ;;
    nfsvers=* | vers=* | minorversion=* | proto=* | port=* | sec=* | nconnect=* | timeo=* | retrans=* | retry=* | rsize=* | wsize=*) ;;
    ac* | noac | actimeo=* | lookupcache=* | lock | nolock | hard | soft | softerr | softreval | bg | fg) ;;
    intr | nointr | cto | nocto | fsc | nofsc | resvport | noresvport | sharecache | nosharecache | rdirplus | nordirplus | migration | nomigration) ;;
    *) fail "an incorrect mount option was specified" ;;
  esac
done

address=${source%%:*} path=${source#*:}
case $source in *:/*) ;; *) fail "remote share not in 'host:dir' format" ;; esac
share=$(timeout 10 bash -c 'exec 3<>"/dev/tcp/$0/2049" && head -n 1 <&3' "$address" 2>/dev/null)
case $? in
  0) ;;
  124) fail "Connection timed out for $source on $target" ;;
  *) fail "Connection refused for $source on $target" ;;
esac
root=$(realpath -e "/run/isthmus-lab/shares/$share" 2>/dev/null) || fail "access denied by server while mounting $source"
from=$(realpath -e "$root$path" 2>/dev/null) || fail "mounting $source failed, reason given by server: No such file or directory"
# A link in the file system must not lead out of it.
case $from/ in "$root"/*) ;; *) fail "access denied by server while mounting $source" ;; esac
mount --no-canonicalize --bind "$from" "$target" || exit 32
[ -z "$flags" ] || mount -o "remount,bind$flags" "$target" || exit 32

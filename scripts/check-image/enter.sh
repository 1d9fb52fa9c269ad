#!/usr/bin/env bash
# Runs a command as a container runtime would with --read-only, --tmpfs, --cap-drop ALL and no-new-privileges, in mount and
# process namespaces of its own; the network stays the machine's. Called by try.ts.
#
#   enter.sh ROOT CA_FILE UID:GID COMMAND…      with the environment of the caller
set -euo pipefail
root=$1 ca=$2 user=$3
shift 3
mkdir -p "$root/run/standin"
# shellcheck disable=SC2016 # expanded by the inner shell
inside='
  root=$1 ca=$2 user=$3
  shift 3
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o mode=0755,size=64k tmpfs "$root/dev"
  for device in null zero random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  ln -s /proc/self/fd "$root/dev/fd"
  mount -t tmpfs -o "noexec,nosuid,nodev,mode=0700,uid=${user%:*},gid=${user#*:},size=1536m" tmpfs "$root/app/temp"
  mount -t tmpfs -o noexec,nosuid,nodev,mode=1777,size=64m tmpfs "$root/tmp"
  mount -t tmpfs -o mode=0755,size=1m tmpfs "$root/run/standin"
  install -m 0644 "$ca" "$root/run/standin/ca.pem"
  mount -o remount,ro,bind "$root"
  cd "$root"
  exec setpriv --no-new-privs --bounding-set -all,+sys_chroot,+setuid,+setgid -- \
    chroot --userspec="$user" "$root" sh -c "cd /app && exec \"\$@\"" sh "$@"'
exec unshare --mount --propagation private --pid --fork bash -euc "$inside" enter "$root" "$ca" "$user" "$@"

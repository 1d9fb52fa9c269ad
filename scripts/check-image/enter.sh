#!/usr/bin/env bash
# Runs a command as a container runtime would with --read-only, --tmpfs, --volume, --cap-drop ALL and no-new-privileges,
# in namespaces of its own for mounts and processes; the network stays the machine's. Called by container.ts.
#
#   enter.sh ROOT CA_FILE UID:GID ENGINES COMMAND…      the environment is handed on as it is
#
# ENGINES is the folder that is the volume on /app/engines; empty for none.
set -euo pipefail
root=$1 ca=$2 user=$3 engines=$4
shift 4
mkdir -p "$root/run/standin"
# shellcheck disable=SC2016 # expanded in there
inside='
  root=$1 ca=$2 user=$3 engines=$4
  shift 4
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
  if [ -n "$engines" ]; then mount --bind "$engines" "$root/app/engines"; fi
  mount -o remount,ro,bind "$root"
  cd "$root"
  exec setpriv --no-new-privs --bounding-set -all,+sys_chroot,+setuid,+setgid -- \
    chroot --userspec="$user" "$root" sh -c "cd /app && exec \"\$@\"" sh "$@"'
exec unshare --mount --propagation private --pid --fork bash -euc "$inside" enter "$root" "$ca" "$user" "$engines" "$@"

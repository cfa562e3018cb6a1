#!/bin/sh
# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
#
# Boots one host and becomes its systemd-nspawn. Started by lab.supervisor in a mount namespace of its own, so
# that all mounts below vanish with the host and the machine never sees them.
#
# boot-host.sh MACHINE HOST ROOTFS DISK NETNS CGROUP UNIFIED
#   MACHINE  unique name; HOST  host name; ROOTFS  read-only image; DISK  folder with upper, work and run
#   NETNS    file of the network namespace; CGROUP  for the host alone; UNIFIED  mount point of cgroup v2
set -eu
machine=$1 host=$2 rootfs=$3 disk=$4 netns=$5 cgroup=$6 unified=$7

echo $$ >"$cgroup/cgroup.procs"

# An own /run: short paths whatever the clone is called (overlay options cannot take commas and colons), and
# nothing of a systemd that may run on the machine.
run=$disk/run
mount -t tmpfs -o mode=755 tmpfs "$run"
mkdir "$run/rootfs" "$run/disk" "$run/host"
: >"$run/netns"
mount --bind "$rootfs" "$run/rootfs"
mount --bind "$disk" "$run/disk"
mount --bind "$netns" "$run/netns"
mount --no-mtab --move "$run" /run
mount -t overlay -o lowerdir=/run/rootfs,upperdir=/run/disk/upper,workdir=/run/disk/work overlay /run/host

# An own node: systemd-tmpfiles in the host would change the mode of the machine's.
mknod -m 666 /run/tun c 10 200

# Pure cgroup v2 in sight, also beside v1. A bind, for a second "mount -t cgroup2" resets the options of the first.
[ "$unified" = /sys/fs/cgroup ] || mount --bind "$unified" /sys/fs/cgroup

# /proc/sys/net is the host's own; the rest of /proc/sys stays read-only.
SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
export SYSTEMD_NSPAWN_API_VFS_WRITABLE

# bpf: systemd in the host needs it to enforce DeviceAllow= and DevicePolicy= of units.
exec systemd-nspawn --quiet --settings=no --register=no --keep-unit --boot --notify-ready=yes --console=read-only \
  --machine="$machine" --hostname="$host" --directory=/run/host --network-namespace-path=/run/netns \
  --capability=CAP_NET_ADMIN,CAP_NET_RAW --system-call-filter=bpf --bind=/run/tun:/dev/net/tun \
  --resolv-conf=off --timezone=off --link-journal=no --setenv=SYSTEMD_COLORS=0

# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Runs inside the new image of the hosts, after all packages are installed. USER_NAME and USER_ID are set.
set -eu

# The account that clouds and CB-Tumblebug give: login by key only, all rights by sudo.
useradd --create-home --uid "$USER_ID" --user-group --shell /bin/bash "$USER_NAME"
echo "$USER_NAME ALL=(ALL) NOPASSWD:ALL" >/etc/sudoers.d/90-cloud-user
chmod 0440 /etc/sudoers.d/90-cloud-user
cat >/etc/ssh/sshd_config.d/lab.conf <<'END'
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
PermitRootLogin no
UseDNS no
END
sed -i '/^AcceptEnv/d' /etc/ssh/sshd_config # the operator's locale is not on the host

# What a VM has of its own, each host gets before its first boot.
rm -f /etc/ssh/ssh_host_* /etc/hostname /etc/resolv.conf /var/lib/dbus/machine-id
: >/etc/machine-id
: >/etc/resolv.conf

# No way out, and none pretended: apt knows what is installed and asks nobody.
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/99mmdebstrap

systemctl --quiet disable etcd.service systemd-networkd.service systemd-timesyncd.service 2>/dev/null || true
systemctl --quiet enable ssh.service
systemctl --quiet set-default multi-user.target

# Not for a host that shares its kernel and devices.
systemctl --quiet mask \
  apt-daily.timer apt-daily-upgrade.timer console-getty.service dev-hugepages.mount dev-mqueue.mount \
  dpkg-db-backup.timer e2scrub_all.timer fstrim.timer getty.target sys-kernel-config.mount \
  sys-kernel-debug.mount sys-kernel-tracing.mount systemd-firstboot.service systemd-modules-load.service \
  systemd-remount-fs.service systemd-udev-trigger.service systemd-udevd-control.socket \
  systemd-udevd-kernel.socket systemd-udevd.service

# shellcheck shell=sh
# What scripts/demo and scripts/test share: the right to do it, the tools, the Python environment.
# Sourced with $root set to the root of the clone.

# shellcheck disable=SC2154  # root: set by the script that sources this file
build="$root/build"
venv="$build/venv"

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

need_debian_root() {
  [ "$(uname -s)" = Linux ] || die "needs Linux; this is $(uname -s)."
  [ "$(id -u)" = 0 ] || die "needs root, because it makes network namespaces and TUN devices; run it with sudo."
  command -v apt-get >/dev/null || die "needs apt-get to install its tools; use Debian 12 or Ubuntu 24.04."
  [ -c /dev/net/tun ] || die "needs /dev/net/tun; load the kernel module tun."
}

# need_packages PACKAGE...: installs those that are missing
need_packages() {
  missing=
  for package; do
    dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  say "installing$missing"
  log="$build/apt.log"
  # shellcheck disable=SC2086  # a list of words
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing; } >"$log" 2>&1 ||
    die "apt-get could not install$missing: $(grep -m1 '^E:' "$log") (all of it: $log)"
}

# what the lab needs, and with it the demo
need_lab_tools() {
  need_packages python3-venv mmdebstrap systemd-container nftables conntrack netcat-openbsd openssh-client iproute2 \
    iputils-ping procps
}

# what the tests need beside the lab
need_test_tools() {
  need_packages etcd-server etcd-client wireguard-go wireguard-tools tcpdump shellcheck git iperf3 ethtool \
    openjdk-17-jre-headless
}

# need_python NAME [FOLDER]: installs tests/requirements/NAME.txt into build/venv, or that folder, unless that is done
need_python() {
  wanted="$root/tests/requirements/$1.txt"
  python_home="${2:-$venv}"
  stamp="$python_home/.installed-$1"
  cmp -s "$wanted" "$stamp" && return 0
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "needs Python 3.11 or newer; this is $(python3 --version)."
  [ -x "$python_home/bin/pip" ] || python3 -m venv --clear "$python_home" >"$build/pip.log" 2>&1 || die "python3 -m venv failed, see $build/pip.log"
  say "installing the Python tools for $1"
  "$python_home/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" >"$build/pip.log" 2>&1 ||
    die "pip could not install the Python tools: $(grep -m1 '^ERROR' "$build/pip.log") (all of it: $build/pip.log)"
  cp "$wanted" "$stamp"
}

# Ansible with its community collections, in an environment of its own
need_ansible_package() {
  need_python ansible "$build/ansible"
}

# need_collection_link: the tree, where Ansible looks for collections
need_collection_link() {
  mkdir -p "$build/collections/ansible_collections/cloud_barista"
  ln -sfn "$root" "$build/collections/ansible_collections/cloud_barista/cladnet"
}

mkdir -p "$build"
export ANSIBLE_COLLECTIONS_PATH="$build/collections"
export ANSIBLE_NOCOWS=1

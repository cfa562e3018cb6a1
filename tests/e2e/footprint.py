# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Everything of a host that an installation may leave behind, as lines that can be compared."""

from __future__ import annotations

from lab.lab import Lab

# what every login, boot and package tool changes by itself
VOLATILE = (
    "/etc/*-",
    "/etc/.pwd.lock",
    "/home/*/.ansible*",
    "/root/.ansible*",
    "/var/cache/*",
    "/var/lib/apt/*",
    "/var/lib/dpkg/*",
    "/var/lib/private",
    "/var/lib/sudo/*",
    "/var/lib/systemd/*",
    "/var/log/*",
    "/var/tmp/systemd-private-*",  # noqa: S108  # a pattern
    "*/__pycache__*",
)
SECTIONS = {
    "files": "find /etc /home /opt /root /usr /var -xdev "
    + " ".join(f"-not -path '{path}'" for path in VOLATILE),
    "run": "find /run -maxdepth 1 -not -name motd.dynamic",
    "links": "ip -o link | cut -d: -f2 | cut -d@ -f1",
    "addresses": "ip -o addr | awk '{print $2, $4}'",
    "routes": "ip route show table all | grep -vE '^broadcast|fe80:'",
    "firewall": "nft list ruleset",
    "users": "getent passwd",
    "groups": "getent group",
    "units": "systemctl list-unit-files --no-legend | awk '$2 != \"transient\" {print $1, $2}'",
    "packages": "dpkg-query --show",
    "listening": "ss -Hlntu | awk '{print $1, $5}'",
}


def footprint(lab: Lab, host: str) -> dict[str, list[str]]:
    """What the host looks like now, by section, sorted."""
    return {
        name: sorted(lab.exec(host, ["sh", "-c", command]).stdout.splitlines())
        for name, command in SECTIONS.items()
    }


def difference(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    """The lines that are on one side only; empty if nothing changed."""
    changed = {name: sorted(set(before[name]) ^ set(after[name])) for name in before}
    return {name: lines for name, lines in changed.items() if lines}

# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Hosts enforce what hardened units ask for, and let them do what they are allowed."""

from __future__ import annotations

import pytest

from lab.lab import Lab
from tests.integration.lab.probes import output

HARDENED = {
    "Type": "notify",
    "NotifyAccess": "all",
    "WatchdogSec": "30",
    "User": "nobody",
    "AmbientCapabilities": "CAP_NET_ADMIN",
    "CapabilityBoundingSet": "CAP_NET_ADMIN",
    "DevicePolicy": "closed",
    "DeviceAllow": "/dev/net/tun rw",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "NoNewPrivileges": "yes",
    "PrivateTmp": "yes",
    "ProcSubset": "pid",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHome": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_NETLINK AF_UNIX",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "RuntimeDirectory": "probe",
    "StateDirectory": "probe",
    "SystemCallArchitectures": "native",
    "SystemCallFilter": "@system-service",
    "UMask": "0077",
}
PROBE = """
import fcntl, mmap, os, socket, struct, subprocess, sys
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
address = os.environ["NOTIFY_SOCKET"]
notify.sendto(b"READY=1", "\\0" + address[1:] if address[0] == "@" else address)

def attempt(name, action):
    try:
        action()
        print(name, "yes")
    except (OSError, subprocess.CalledProcessError):
        print(name, "no")

def tun():
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, 0x400454CA, struct.pack("16sH22s", b"probe0", 0x1001, b""))
    subprocess.run(["ip", "link", "set", "probe0", "up"], check=True)

attempt("tun", tun)
attempt("state", lambda: open(os.environ["STATE_DIRECTORY"] + "/kept", "w"))
attempt("runtime", lambda: open(os.environ["RUNTIME_DIRECTORY"] + "/sock", "w"))
attempt("etc", lambda: open("/etc/probe", "w"))
attempt("executable memory", lambda: mmap.mmap(-1, 4096, prot=7))
attempt("packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("namespace", lambda: subprocess.run(["unshare", "--user", "true"], check=True))
"""
EXPECTED = {
    "tun": "yes",
    "state": "yes",
    "runtime": "yes",
    "etc": "no",
    "executable memory": "no",
    "packet socket": "no",
    "namespace": "no",
}


def _run(lab: Lab, properties: dict[str, str], *argv: str) -> str:
    options = [f"--property={key}={value}" for key, value in properties.items()]
    done = lab.exec(
        "aws-web-1", ["systemd-run", "--quiet", "--wait", "--pipe", *options, *argv], timeout_s=30
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_hardened_service_gets_its_tun_device_and_nothing_more(lab: Lab) -> None:
    said = _run(lab, HARDENED, "python3", "-c", PROBE)
    assert dict(line.rsplit(" ", 1) for line in said.splitlines()) == EXPECTED


@pytest.mark.parametrize("missing", ["DeviceAllow", "AmbientCapabilities"])
def test_the_tun_device_needs_both_rights(lab: Lab, missing: str) -> None:
    properties = {key: value for key, value in HARDENED.items() if key != missing}
    assert "tun no" in _run(lab, properties, "python3", "-c", PROBE)


def test_a_hung_service_is_killed_by_its_watchdog(lab: Lab) -> None:
    command = ["systemd-run", "--quiet", "--wait", "--property=Type=notify", "--property=NotifyAccess=all"]
    hang = ["--property=WatchdogSec=1", "sh", "-c", "systemd-notify --ready; exec sleep 60"]
    assert lab.exec("aws-web-1", [*command, *hang], timeout_s=20).returncode != 0


def test_an_ordinary_user_can_ping(lab: Lab) -> None:
    own = output(lab, "aws-web-1", "sysctl", "-n", "net.ipv4.ping_group_range").split()
    assert own == ["0", "2147483647"]
    _run(lab, {"User": "nobody", "NoNewPrivileges": "yes"}, "ping", "-c1", "-W1", "127.0.0.1")


def test_a_host_does_not_touch_the_device_nodes_of_others(lab: Lab) -> None:
    output(lab, "aws-web-1", "chmod", "600", "/dev/net/tun")
    try:
        assert output(lab, "aws-web-2", "stat", "-c", "%a", "/dev/net/tun") == "666\n"
    finally:
        output(lab, "aws-web-1", "chmod", "666", "/dev/net/tun")

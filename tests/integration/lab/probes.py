# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Questions to the hosts of a lab."""

from __future__ import annotations

import subprocess

from lab.lab import Lab

ECHO_PORT = 9999
LISTENER = f"""
import socket
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("", {ECHO_PORT}))
print("listening", flush=True)
_, sender = listener.recvfrom(16)
listener.sendto(sender[0].encode(), sender)
"""
ASKER = """
import socket, sys
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(5)
asker.sendto(b"who am I", (sys.argv[1], int(sys.argv[2])))
answer, sender = asker.recvfrom(64)
print(answer.decode(), sender[0])
"""


def public_ip(lab: Lab, host: str) -> str:
    return str(lab.hosts[host].public_ip)


def private_ip(lab: Lab, host: str) -> str:
    return str(lab.hosts[host].private_ip.ip)


def output(lab: Lab, host: str, *argv: str) -> str:
    """What a command says that must succeed."""
    done = lab.exec(host, argv, timeout_s=30)
    assert done.returncode == 0, f"{argv} on {host}: {done.stdout}{done.stderr}"
    return done.stdout


def reaches(lab: Lab, host: str, address: str) -> bool:
    """Whether a ping is answered within a second, in which five are sent."""
    return lab.exec(host, ["ping", "-c1", "-w1", "-i0.2", "-q", address], timeout_s=10).returncode == 0


def seen_as(lab: Lab, asker: str, listener: str) -> tuple[str, str]:
    """Sends a datagram to a host's public address; returns how each of both sees the other."""
    listen = lab.console_command(listener, ["python3", "-c", LISTENER])
    with subprocess.Popen(listen, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        said = output(lab, asker, "python3", "-c", ASKER, public_ip(lab, listener), str(ECHO_PORT))
    asker_seen, listener_seen = said.split()
    return asker_seen, listener_seen

# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Runs WireGuard devices in namespaces: ours (`tunnel_node.py`) and Debian's wireguard-go, with one face."""

from __future__ import annotations

import base64
import json
import os
import secrets
import select
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from namespaces import Namespace, eventually, kill

ANSWER_TIMEOUT_S = 10.0
MTU = 1420
_NODE = Path(__file__).with_name("tunnel_node.py")
_SOURCES = Path(__file__).parents[3] / "src"


@dataclass(frozen=True)
class Identity:
    """Keys of a device, in base64."""

    private: str
    public: str

    @classmethod
    def generate(cls) -> Identity:
        private = X25519PrivateKey.generate()
        keys = private.private_bytes_raw(), private.public_key().public_bytes_raw()
        return cls(*(base64.b64encode(key).decode() for key in keys))


def preshared_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


class TunnelProcess:
    """Our tunnel in a namespace."""

    def __init__(
        self,
        host: Namespace,
        *,
        device: str = "clad0",
        prefix: tuple[str, ...] = (),
        identity: Identity | None = None,
        **options: Any,
    ):
        self.host = host
        self.device = device
        self.identity = identity or Identity.generate()
        self._process = host.start("env", f"PYTHONPATH={_SOURCES}", *prefix, sys.executable, str(_NODE))
        config = {"device": device, "private_key": self.identity.private, "listen_port": 0, "mtu": MTU}
        self.started = self._exchange(config | options)
        self.port: int = self.started.get("listen_port", 0)

    @property
    def pid(self) -> int:
        """Of the process that makes handshakes; its children move packets."""
        return self._process.pid

    def call(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Sends a command and gives its answer."""
        return self._exchange({"do": do, **arguments})

    def add_peer(self, public_key: str, allowed_ips: list[str], **options: Any) -> None:
        answer = self.call("set_peer", public_key=public_key, allowed_ips=allowed_ips, **options)
        assert "error" not in answer, answer

    def traffic_of(self, public_key: str) -> tuple[int, int]:
        """Bytes received from a peer and sent to it."""
        peer = self.call("status")["peers"][public_key]
        return peer["rx_bytes"], peer["tx_bytes"]

    def remove_peer(self, public_key: str) -> None:
        self.call("remove_peer", public_key=public_key)

    def endpoint_of(self, public_key: str) -> str | None:
        return self.call("status")["peers"][public_key]["endpoint"]

    def use_identity(self, identity: Identity) -> None:
        """Changes its private key."""
        self.call("set_private_key", private_key=identity.private)
        self.identity = identity

    def drops(self) -> Counter[str]:
        """How much it has dropped, by reason."""
        return Counter(self.call("status")["drops"])

    def packets_delivered(self) -> int:
        """How many packets it has handed to its host since it was started."""
        shown = self.host.run("ip", "-json", "-statistics", "link", "show", self.device).stdout
        return int(json.loads(shown)[0]["stats64"]["rx"]["packets"])

    def memory_bytes(self) -> int:
        """What its processes occupy, without what they share."""
        return sum(_memory_bytes(pid) for pid in _family_of(self._process.pid))

    def close(self) -> None:
        """Ends the process the way a service ends, and checks that it had nothing to complain about."""
        _unused, errors = self._process.communicate(timeout=ANSWER_TIMEOUT_S)
        assert self._process.returncode == 0, errors

    def stop(self) -> None:
        kill(self._process)

    def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        ready, _unused, _unused = select.select([self._process.stdout], [], [], ANSWER_TIMEOUT_S)
        assert ready, f"no answer to {message.get('do', 'start')} within {ANSWER_TIMEOUT_S} s"
        line = self._process.stdout.readline()
        assert line, "the tunnel process has died"
        return dict(json.loads(line))


def _family_of(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family_of(int(child))


def _memory_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    private = [int(line.split()[1]) for line in lines if line.startswith("Private_")]
    return sum(private) << 10


class WireguardGo:
    """Debian's wireguard-go in a namespace, configured by wg."""

    def __init__(self, host: Namespace, directory: Path) -> None:
        self.host = host
        # Its control socket has the device's name, in a directory that all namespaces share.
        self.device = f"cladwg{os.getpid()}"
        self.identity = Identity.generate()
        self._directory = directory
        self._socket = Path("/var/run/wireguard") / f"{self.device}.sock"
        self._process = host.start("wireguard-go", "--foreground", self.device)
        eventually("wireguard-go answers", self._socket.exists)
        self._wg("private-key", self._secret("private", self.identity.private))
        self.listen_on(51820)

    def listen_on(self, port: int) -> None:
        """Opens its socket at a port."""
        self.port = port
        self._wg("listen-port", str(port))

    def add_peer(self, public_key: str, allowed_ips: list[str], **options: Any) -> None:
        words = ["peer", public_key, "allowed-ips", ",".join(allowed_ips)]
        if options.get("preshared_key"):
            words += ["preshared-key", self._secret("preshared", options["preshared_key"])]
        if options.get("endpoint"):
            words += ["endpoint", options["endpoint"]]
        if options.get("persistent_keepalive_s"):
            words += ["persistent-keepalive", str(options["persistent_keepalive_s"])]
        self._wg(*words)

    def use_identity(self, identity: Identity) -> None:
        """Changes its private key."""
        self._wg("private-key", self._secret("private", identity.private))
        self.identity = identity

    def remove_peer(self, public_key: str) -> None:
        self._wg("peer", public_key, "remove")

    def traffic_of(self, public_key: str) -> tuple[int, int]:
        """Bytes received from a peer and sent to it."""
        lines = self.host.run("wg", "show", self.device, "transfer").stdout.splitlines()
        received, sent = next(line.split()[1:] for line in lines if line.startswith(public_key))
        return int(received), int(sent)

    def endpoint_of(self, public_key: str) -> str | None:
        lines = self.host.run("wg", "show", self.device, "endpoints").stdout.splitlines()
        endpoints = dict(line.split() for line in lines)
        return str(endpoints[public_key])

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=ANSWER_TIMEOUT_S)
        self._socket.unlink(missing_ok=True)

    def _wg(self, *words: str) -> None:
        self.host.run("wg", "set", self.device, *words)

    def _secret(self, name: str, value: str) -> str:
        path = self._directory / name
        path.touch(mode=0o600)
        path.write_text(value + "\n")
        return str(path)

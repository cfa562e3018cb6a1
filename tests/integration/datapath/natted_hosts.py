# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A host behind a router that translates addresses and forgets quickly, and one in the open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from namespaces import Namespace, eventually, remove_namespace, run_ip

_FORGETS_AFTER_S = 2
_RULES = """
table ip nat {
  chain out {
    type nat hook postrouting priority srcnat
    oifname "outside" masquerade
  }
}
table ip filter {
  chain forward {
    type filter hook forward priority filter
    iifname "outside" ct state new drop
  }
}
"""


@dataclass(frozen=True)
class NattedHosts:
    """What `natted_hosts` makes.

    Args:
        hidden: 10.0.0.2, whose packets come from the router's 192.0.2.9.
        open: 192.0.2.2.
    """

    hidden: Namespace
    router: Namespace
    open: Namespace

    def mappings(self) -> int:
        """How many flows the router knows."""
        shown = self.router.run("conntrack", "-L", "-p", "udp")
        return len(shown.stdout.splitlines())

    def wait_until_forgotten(self) -> None:
        eventually("the router has forgotten", lambda: self.mappings() == 0)


@contextmanager
def natted_hosts() -> Iterator[NattedHosts]:
    """The three of them; gone afterwards."""
    prefix = f"cladna{os.getpid()}"
    hidden = Namespace(f"{prefix}h", "cable", "10.0.0.2", "")
    router = Namespace(f"{prefix}r", "outside", "192.0.2.9", "")
    in_the_open = Namespace(f"{prefix}o", "cable", "192.0.2.2", "")
    with ExitStack() as stack:
        for host in (hidden, router, in_the_open):
            stack.callback(remove_namespace, host.name)
            run_ip("netns", "add", host.name)
        _connect(hidden, router, "inside")
        _connect(in_the_open, router, "outside")
        router.set_up("inside", "10.0.0.1/24")
        router.set_up("outside", "192.0.2.9/24")
        hidden.set_up("cable", "10.0.0.2/24")
        in_the_open.set_up("cable", "192.0.2.2/24")
        hidden.run("ip", "route", "add", "default", "via", "10.0.0.1")
        _translate(router)
        yield NattedHosts(hidden, router, in_the_open)


def _connect(host: Namespace, router: Namespace, port: str) -> None:
    run_ip("-n", host.name, "link", "add", "cable", "type", "veth", "peer", port, "netns", router.name)


def _translate(router: Namespace) -> None:
    router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    router.run("nft", _RULES)
    for kind in ("udp_timeout", "udp_timeout_stream"):
        router.run("sysctl", "-qw", f"net.netfilter.nf_conntrack_{kind}={_FORGETS_AFTER_S}")

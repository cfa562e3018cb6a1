# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Hosts that shall go up or down or take new keys: what is to be asked of whom, and who has done it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ._declarative import Document
from ._errors import Conflict, NotFound, Unavailable

ACTIONS = {"up": "up", "down": "down", "rekeyed": "rekey"}
"""What a controller is asked for, by the state that is wanted."""
MAX_NAMED_HOSTS = 5


@dataclass(frozen=True)
class ControlPlan:
    """What is asked of which hosts."""

    state: str
    """``up``, ``down`` or ``rekeyed``"""
    hosts: list[str]
    """All that it is wanted of, sorted."""
    asked: list[str]
    """Those of them that have not been asked for it before."""
    before: dict[str, Document]
    after: dict[str, Document]

    @property
    def is_change(self) -> bool:
        """Whether anything has to be asked."""
        return bool(self.asked)

    def diff(self, header: str) -> dict[str, t.Any]:
        """Returns the difference in the form that Ansible shows."""
        return {
            "before": self.before,
            "after": self.after,
            "before_header": header,
            "after_header": header,
        }


def plan_control(
    network: str, peers: t.Sequence[Document], state: str, hosts: t.Sequence[str] | None
) -> ControlPlan:
    """Plans that hosts are in a state.

    :param peers: all of the network.
    :param hosts: of whom it is wanted; None for all that have an agent.
    :raises NotFound: one of them is not in the network.
    :raises Conflict: one of them has no agent.
    """
    known = {peer["host"]: peer for peer in peers}
    if hosts is None:
        hosts = [host for host, peer in known.items() if peer["managed"]]
    _check_hosts(network, known, hosts)
    wanted = sorted(set(hosts))
    asked = [host for host in wanted if state == "rekeyed" or known[host]["control"]["desired"] != state]
    return ControlPlan(
        state=state,
        hosts=wanted,
        asked=asked,
        before={host: _shown(known[host], state) for host in asked},
        after={host: _shown_after(known[host], state) for host in asked},
    )


def split_by_settled(peers: t.Sequence[Document], hosts: t.Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns which of the hosts have done what they were asked, and which follow when they are back."""
    asked = [peer for peer in peers if peer["host"] in set(hosts)]
    settled = [peer["host"] for peer in asked if peer["control"]["settled"]]
    pending = [peer["host"] for peer in asked if not peer["control"]["settled"]]
    return settled, pending


def unsettled(peers: t.Sequence[Document], hosts: t.Sequence[str]) -> list[Document]:
    """Returns those of the hosts that hear the controllers and have not done yet what they were asked."""
    wanted = set(hosts)
    return [
        peer
        for peer in peers
        if peer["host"] in wanted and peer["connected"] and not peer["control"]["settled"]
    ]


def check_settled(network: str, state: str, peers: t.Sequence[Document], timeout_s: int) -> None:
    """Says who needs too long.

    :param peers: the ``unsettled`` ones.
    :raises Unavailable: there is one.
    """
    if not peers:
        return
    named = ", ".join(f"{peer['host']} ({peer['state']})" for peer in peers[:MAX_NAMED_HOSTS])
    others = len(peers) - MAX_NAMED_HOSTS
    more = f" and {others} more" if others > 0 else ""
    raise Unavailable(
        f"After {timeout_s} s these hosts of network {network} are connected but not {state}: {named}{more}.",
        hint=f"Look there at 'journalctl -u cladnet-agent@{network}'. They go on trying.",
    )


def _check_hosts(network: str, known: t.Mapping[str, Document], hosts: t.Sequence[str]) -> None:
    unknown = sorted(set(hosts) - set(known))
    if unknown:
        raise NotFound(
            f"Not in network {network}: {', '.join(unknown[:MAX_NAMED_HOSTS])}.",
            hint="cloud_barista.cladnet.peer_info lists who is.",
        )
    unmanaged = sorted(host for host in set(hosts) if not known[host]["managed"])
    if unmanaged:
        raise Conflict(
            f"Without an agent, so that nobody can ask them: {', '.join(unmanaged[:MAX_NAMED_HOSTS])}.",
            hint="Leave them out of hosts.",
        )


def _shown(peer: Document, state: str) -> Document:
    option = "rekeys_requested" if state == "rekeyed" else "desired"
    return {option: peer["control"][option]}


def _shown_after(peer: Document, state: str) -> Document:
    if state == "rekeyed":
        return {"rekeys_requested": peer["control"]["rekeys_requested"] + 1}
    return {"desired": state}

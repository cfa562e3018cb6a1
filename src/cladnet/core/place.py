# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What an administrator decided about one host of a network, whether or not the host has come yet. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from ipaddress import IPv4Address

from cladnet.core.errors import InvalidInput
from cladnet.core.host_report import Cloud
from cladnet.core.network import MAX_DESCRIPTION_CHARACTERS


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a host in its network.

    Args:
        address: kept for the host; None if any will do.
        is_static: the address was chosen by the administrator, not only kept.
        description: for people.
        details: what the administrator knows better than the host's report; empty where he does not.
        is_managed: there is, or will be, an agent; False for a plain WireGuard peer.

    Raises:
        InvalidInput: one of them cannot be right.
    """

    address: IPv4Address | None = None
    is_static: bool = False
    description: str = ""
    details: Cloud = field(default_factory=Cloud)
    is_managed: bool = True

    def __post_init__(self) -> None:
        if len(self.description) > MAX_DESCRIPTION_CHARACTERS or not self.description.isprintable():
            raise InvalidInput(
                "The description of a host is too long or holds control characters.",
                hint=f"Use one line of at most {MAX_DESCRIPTION_CHARACTERS} characters.",
            )

    def cloud(self, reported: Cloud) -> Cloud:
        """Where the host lies: as it reports, but for what the administrator knows better."""
        return replace(reported, **self.details_given)

    @property
    def details_given(self) -> dict[str, str]:
        """The details that the administrator gave, by name."""
        values = {each.name: str(getattr(self.details, each.name)) for each in fields(self.details)}
        return {name: value for name, value in values.items() if value}

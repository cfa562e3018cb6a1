# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which cryptographic suite two hosts of a network use with each other. Pure.

Both hosts come to the same choice from the same table. They do not have the same table at every moment: one
may be cut off from the controllers for hours. So with ``auto`` a host initiates with the suite of the choice
and accepts every one that it speaks; only an option that names a suite makes it accept nothing else. Sessions
that exist when the option changes live on until there is one with a suite that is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable

from cladnet.core.network import AUTO_CIPHER, CIPHERS
from cladnet.core.wireguard.suite import AES_256_GCM, CHACHA20_POLY1305, SUITES, Suite, suite_named

# WireGuard itself: what a host speaks of which nothing is known.
DEFAULT_SUITES = (CHACHA20_POLY1305,)


def suites_of_pair(cipher: str, ours: tuple[Suite, ...], theirs: tuple[Suite, ...]) -> tuple[Suite, ...]:
    """The suites that a host uses with another one: the first to initiate with, all to accept.

    Args:
        cipher: the option of the network.
        ours: what the host speaks, the fastest on its CPU first.
        theirs: what the other one speaks, likewise.

    Raises:
        InvalidInput: there is no such option.
    """
    if cipher != AUTO_CIPHER:
        return (suite_named(cipher),)
    first = AES_256_GCM if ours[0] == theirs[0] == AES_256_GCM else CHACHA20_POLY1305
    return first, *(suite for suite in ours if suite != first)


def known_suites(names: Iterable[str]) -> tuple[Suite, ...]:
    """The suites of these names, but for those of a later release; WireGuard's if none is left."""
    by_name = {suite.name: suite for suite in SUITES}
    return tuple(by_name[name] for name in dict.fromkeys(names) if name in by_name) or DEFAULT_SUITES


def known_cipher(option: str) -> str:
    """The option; ``auto`` for none, as of an earlier release, and for one of a later release."""
    return option if option in CIPHERS else AUTO_CIPHER


def is_spoken(cipher: str, suites: tuple[Suite, ...]) -> bool:
    """Whether a host that speaks these suites can be in a network with that option."""
    return cipher == AUTO_CIPHER or cipher in [suite.name for suite in suites]

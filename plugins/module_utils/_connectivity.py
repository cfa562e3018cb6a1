# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a test of a network found, in forms to act on. Pure."""

from __future__ import annotations

import typing as t

from ._declarative import Document
from ._errors import InvalidInput, Unavailable

MAX_NAMED = 5
MAX_COUNT, MAX_TIMEOUT_S = 20, 60  # the controllers'


def spec_of_test(hosts: t.Sequence[str] | None, count: int, timeout_s: int) -> Document:
    """Returns what a controller is asked for.

    :raises InvalidInput: a number is out of range; said here because options have other names there.
    """
    if not 1 <= count <= MAX_COUNT:
        raise InvalidInput(f"count is {count}: give 1 to {MAX_COUNT}.")
    if not 1 <= timeout_s <= MAX_TIMEOUT_S:
        raise InvalidInput(f"wait_timeout is {timeout_s}: give 1 to {MAX_TIMEOUT_S} seconds.")
    return {"hosts": hosts, "count": count, "timeout_s": timeout_s}


def connectivity(test: Document, *, ignored_peers: t.AbstractSet[str]) -> Document:
    """Returns the results of a test that is done.

    :param test: as the controller has it.
    :param ignored_peers: names of peers that nobody has to reach; pairs with them are left out.
    :return: ``hosts``, ``missing``, ``errors`` (by host), ``pairs``, ``unreachable``, ``matrix`` (round-trip
        times in milliseconds by host and host, None where nothing came back), ``reachable`` and ``total``.
    :raises Unavailable: it is not done.
    """
    if test["state"] != "done":
        raise Unavailable(
            f"Test {test['id']} of network {test['network']} did not end in its time.",
            hint="Look at 'journalctl -u cladnet-controller' on the controllers.",
        )
    pairs = [
        _pair(result, ping)
        for result in test["results"]
        for ping in result["pairs"]
        if ping["host"] not in ignored_peers
    ]
    unreachable = [pair for pair in pairs if not pair["reachable"]]
    return {
        "hosts": sorted(test["hosts"]),
        "missing": sorted(test["missing"]),
        "errors": {result["host"]: result["error"] for result in test["results"] if result["error"]},
        "pairs": pairs,
        "unreachable": unreachable,
        "matrix": _matrix(pairs),
        "reachable": len(pairs) - len(unreachable),
        "total": len(pairs),
    }


def complaint(found: Document) -> str:
    """Returns what is wrong, as a sentence or two; empty if every host reaches every other one."""
    if not found["hosts"]:
        return "No host has joined that could test."
    unreachable = [f"{pair['host']} to {pair['peer']}" for pair in found["unreachable"]]
    errors = [f"{host}: {error}" for host, error in sorted(found["errors"].items())]
    complaints = [
        _named(f"{len(unreachable)} of {len(found['pairs'])} pairs are unreachable", unreachable),
        _named("Hosts that did not answer in time", found["missing"]),
        _named("Hosts that could not test", errors),
    ]
    return " ".join(filter(None, complaints))


def _named(what: str, those: t.Sequence[str]) -> str:
    if not those:
        return ""
    others = len(those) - MAX_NAMED
    return f"{what}: {', '.join(those[:MAX_NAMED])}{f' and {others} more' if others > 0 else ''}."


def _pair(result: Document, ping: Document) -> Document:
    return {
        "host": result["host"],
        "address": result["address"],
        "peer": ping["host"],
        "peer_address": ping["address"],
        "reachable": ping["reachable"],
        "rtt_ms": ping["rtt_ms"],
    }


def _matrix(pairs: t.Sequence[Document]) -> dict[str, dict[str, float | None]]:
    matrix: dict[str, dict[str, float | None]] = {}
    for pair in pairs:
        matrix.setdefault(pair["host"], {})[pair["peer"]] = pair["rtt_ms"]
    return matrix

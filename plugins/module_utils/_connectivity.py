# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a test of a network found, in forms to act on. Pure."""

from __future__ import annotations

import typing as t

from ._declarative import Document
from ._errors import Unavailable

MAX_NAMED = 5


def connectivity(test: Document) -> Document:
    """Returns the results of a test that is done.

    :param test: as the controller has it.
    :return: ``hosts``, ``missing``, ``errors`` (by host), ``pairs``, ``unreachable``, ``matrix`` (round-trip
        times in milliseconds by host and host, None where nothing came back), ``reachable`` and ``total``.
    :raises Unavailable: it is not done.
    """
    if test["state"] != "done":
        raise Unavailable(
            f"Test {test['id']} of network {test['network']} did not end in its time.",
            hint="Look at 'journalctl -u cladnet-controller' on the controllers.",
        )
    pairs = [_pair(result, ping) for result in test["results"] for ping in result["pairs"]]
    return {
        "hosts": sorted(test["hosts"]),
        "missing": sorted(test["missing"]),
        "errors": {result["host"]: result["error"] for result in test["results"] if result["error"]},
        "pairs": pairs,
        "unreachable": [pair for pair in pairs if not pair["reachable"]],
        "matrix": _matrix(pairs),
        "reachable": test["reachable"],
        "total": test["total"],
    }


def complaint(found: Document) -> str:
    """Returns what is wrong, as a sentence or two; empty if every host reaches every other one."""
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

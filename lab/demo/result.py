# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the demo shows at its end, made from the report of the playbook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

NAME_WIDTH = 12


def matrix(report: dict[str, Any]) -> Iterator[str]:
    """Round trips over the overlay in ms, from the host of the row to the host of the column."""
    names = [host["host"] for host in report["hosts"]]
    width = max(NAME_WIDTH, *(len(name) for name in names)) + 1
    yield "".join(["from \\ to".ljust(width), *(name.rjust(width) for name in names)])
    for host in report["hosts"]:
        found = {pair["host"]: pair for pair in host["pairs"]}
        cells = [_cell(found.get(name), own=name == host["host"]) for name in names]
        yield "".join([host["host"].ljust(width), *(cell.rjust(width) for cell in cells)])


def _cell(pair: dict[str, Any] | None, *, own: bool) -> str:
    if own:
        return "."
    if pair is None:
        return "unknown"
    return f"{pair['rtt_ms']:.2f}" if pair["reachable"] else "NO"


def addresses(report: dict[str, Any]) -> Iterator[str]:
    """Who has which address."""
    for host in report["hosts"]:
        yield f"{host['host']:<14}{host['address']:<16}tunnel endpoint {host['public_endpoint']}"


def pairs(report: dict[str, Any], hosts: Sequence[str]) -> tuple[int, int]:
    """(pairs that reach each other, pairs that there should be), every direction counted."""
    found = {
        (host["host"], pair["host"])
        for host in report["hosts"]
        for pair in host["pairs"]
        if pair["reachable"]
    }
    wanted = {(one, other) for one in hosts for other in hosts if one != other}
    return len(found & wanted), len(wanted)


def closing_line(hosts: int, reachable: int, wanted: int, cidr: str) -> str:
    """The last line of the demo, for programs."""
    return f"CLADNET demo: {hosts} hosts, {reachable}/{wanted} pairs reachable, address space {cidr}"

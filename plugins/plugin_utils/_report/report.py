# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""The report on a network, as one document. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._report.findings import (
    ERROR,
    Facts,
    Finding,
    findings,
    missed_pairs,
    versions,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._report.hosts import (
    Answer,
    Document,
    Roll,
    controller_document,
    host_document,
    names,
    peers_of,
)

_MOST_FINDINGS_IN_TEXT = 20


def network_report(
    said: Iterable[Mapping[str, Any]],
    *,
    network: str,
    time: str,
    inventory: Mapping[str, str],
    asked: Iterable[str],
    known: Mapping[str, Any],
    health: Iterable[Mapping[str, Any]],
) -> Document:
    """The report.

    Args:
        said: what each host said, as the playbook status keeps it.
        network: name.
        time: when it was asked, ISO 8601.
        inventory: all hosts that should be members: name in the inventory -> name in the network.
        asked: names, in the inventory, of those that this run has asked.
        known: the answer of the module network_info, with peers; without them no controller has answered.
        health: the answers of the controllers to the question for their health, one each.
    """
    facts = _facts(list(said), network, inventory, asked, known, health)
    found = findings(facts)
    document: Document = {"network": network, "time": time, **_network_part(known), **_pairs_part(facts)}
    document |= {
        "hosts": list(facts.hosts),
        "controllers": list(facts.controllers),
        "versions": {key: versions(facts.hosts, key) for key in ("agent_version", "release")},
        "findings": [finding.document() for finding in found],
        **_lists(found),
        "ok": not any(finding.severity == ERROR for finding in found),
    }
    return document | {"summary": _summary(document, facts)}


def _facts(
    said: list[Mapping[str, Any]],
    network: str,
    inventory: Mapping[str, str],
    asked: Iterable[str],
    known: Mapping[str, Any],
    health: Iterable[Mapping[str, Any]],
) -> Facts:
    set_aside = {each["host"] for each in said if not each.get("enrolled", True)}
    answers = sorted(
        (Answer.of(each) for each in said if each["host"] not in set_aside), key=lambda each: each.host
    )
    roll = Roll(frozenset(inventory.values()) - set_aside, peers_of(known))
    return Facts(
        network=network,
        cidr=_network_part(known)["cidr"] or _first(answer.status.get("cidr") for answer in answers),
        answers=tuple(answers),
        hosts=tuple(host_document(answer, roll) for answer in answers if answer.has_answered),
        controllers=tuple(map(controller_document, health)),
        asked=frozenset(inventory.get(host, host) for host in asked) - set_aside,
        roll=roll,
    )


def _first(texts: Iterable[str | None]) -> str:
    return next(filter(None, texts), "")


def _network_part(known: Mapping[str, Any]) -> Document:
    network = next(iter(known.get("networks") or ()), {})
    return {"cidr": network.get("cidr") or "", "description": network.get("description") or ""}


def _pairs_part(facts: Facts) -> Document:
    wanted = [
        pair
        for host in facts.hosts
        if facts.roll.expects(host["host"])
        for pair in host["pairs"]
        if pair["expected"]
    ]
    missed = [
        f"{host['host']} to {pair['host']}" for host in facts.hosts for pair in missed_pairs(facts.roll, host)
    ]
    return {
        "cidr": facts.cidr or "unknown",
        "pairs": len(wanted),
        "reachable": len(wanted) - len(missed),
        "unreachable": missed,
    }


def _lists(found: Iterable[Finding]) -> Document:
    """The hosts of each kind of finding that programs ask for by name."""
    kinds = ("no_answer", "not_installed", "not_in_inventory", "not_in_network")
    lists = {kind: [finding.host for finding in found if finding.kind == kind] for kind in kinds}
    conflicts = [finding.document() for finding in found if finding.kind in ("overlap", "duplicate")]
    return {**lists, "conflicts": conflicts}


def _summary(document: Document, facts: Facts) -> Document:
    errors = [finding for finding in document["findings"] if finding["severity"] == ERROR]
    return {
        "network": document["network"],
        "ok": document["ok"],
        "hosts": len(facts.asked),
        "answered": len(facts.hosts),
        "pairs": document["pairs"],
        "reachable": document["reachable"],
        "errors": len(errors),
        "warnings": len(document["findings"]) - len(errors),
        "text": _text(document, errors),
    }


def _text(document: Document, errors: list[Document]) -> str:
    lines = [
        f"{document['reachable']} of {document['pairs']} pairs reach each other over the network"
        f" {document['network']}."
    ]
    if document["unreachable"]:
        lines.append(f"Not reached: {names(document['unreachable'], _MOST_FINDINGS_IN_TEXT)}.")
    lines += [sentence(error) for error in errors[:_MOST_FINDINGS_IN_TEXT]]
    if len(errors) > _MOST_FINDINGS_IN_TEXT:
        lines.append(
            f"There are {len(errors) - _MOST_FINDINGS_IN_TEXT} more; set cladnet_report to see them all."
        )
    return "\n".join(lines)


def sentence(finding: Mapping[str, Any]) -> str:
    """A finding for people."""
    return f"{finding['host']} {finding['what']}. {finding['remedy']}".strip().replace("..", ".")

# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What is wrong with a network, and what to do about it. Pure.

Each rule takes the facts and yields findings; an error is what somebody has to do something about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network, ip_network

from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._report.hosts import (
    Answer,
    Document,
    Roll,
    names,
)

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; ``host`` is empty if it is the network's."""

    severity: str
    kind: str
    host: str
    what: str
    remedy: str

    def document(self) -> Document:
        """For the report."""
        return asdict(self)


@dataclass(frozen=True)
class Facts:
    """Everything that is known when the report is made."""

    network: str
    cidr: str
    answers: tuple[Answer, ...]
    hosts: tuple[Document, ...]
    controllers: tuple[Document, ...]
    asked: frozenset[str]
    roll: Roll


Rule = Callable[[Facts], Iterator[Finding]]

_STATE_REMEDIES = {
    "down": "See 'journalctl -u cladnet-agent@{network}' on it; the playbook recover starts it again.",
    "failed": "Remove the cause that is named; the host comes back by itself.",
    "degraded": "Traffic goes on. If it stays so, run the playbook recover.",
    "released": "Run the playbook recover, which enrols it again, or take it out of the inventory.",
    "configuring": "Let TCP 8053 and 8056 in to the controllers, then run the playbook recover.",
    "closing": "Wait until the agent has stopped, or run the playbook recover.",
}
_HEALTHY_STATE = "tunneling"


def findings(facts: Facts) -> list[Finding]:
    """All findings, errors first."""
    found = [finding for rule in RULES for finding in rule(facts)]
    return sorted(found, key=lambda finding: finding.severity != ERROR)


def silent_hosts(facts: Facts) -> Iterator[Finding]:
    """Hosts that Ansible had no answer from."""
    errors = {answer.host: answer.error for answer in facts.answers if answer.error}
    for host in sorted((facts.asked - {answer.host for answer in facts.answers}) | errors.keys()):
        yield Finding(
            ERROR,
            "no_answer",
            host,
            f"did not answer Ansible: {errors.get(host) or 'it failed in an earlier step'}",
            "See whether the VM runs and lets SSH in, then run this again.",
        )


def bare_hosts(facts: Facts) -> Iterator[Finding]:
    """Hosts without cladnet."""
    for answer in facts.answers:
        if not answer.error and not answer.has_answered:
            yield Finding(
                ERROR,
                "not_installed",
                answer.host,
                "is not installed, or has no network of this name",
                "Run the playbook site; a limit to this host is enough.",
            )


def states(facts: Facts) -> Iterator[Finding]:
    """Hosts that say themselves that something is wrong."""
    for host in facts.hosts:
        state = host["state"]
        if state == _HEALTHY_STATE or not facts.roll.expects(host["host"]):
            continue
        yield Finding(
            WARNING if state == "degraded" else ERROR,
            "state",
            host["host"],
            f"is {state}" + (f": {host['reason']}" if host["reason"] else ""),
            _STATE_REMEDIES.get(state, "See 'cladnet status' on it.").format(network=facts.network),
        )


def unreached(facts: Facts) -> Iterator[Finding]:
    """Pairs that do not reach each other, one finding for each host that is not reached."""
    sources: dict[str, list[str]] = defaultdict(list)
    for host in facts.hosts:
        for pair in missed_pairs(facts.roll, host):
            sources[pair["host"]].append(host["host"])
    answering = {host["host"] for host in facts.hosts}
    for target, missing in sorted(sources.items()):
        look = f"'cladnet explain {target}' on {min(missing)} says which way is taken."
        do = f"Let UDP 8055 in to {target}" if target in answering else f"See whether {target} runs"
        yield Finding(ERROR, "unreachable", target, f"is not reached from {names(missing)}", f"{do}; {look}")


def missed_pairs(roll: Roll, host: Document) -> list[Document]:
    """The pairs of a host that should answer and do not."""
    if not roll.expects(host["host"]):
        return []
    return [pair for pair in host["pairs"] if pair["expected"] and not pair["reachable"]]


def overlaps(facts: Facts) -> Iterator[Finding]:
    """Hosts that occupy a part of the address space of the network."""
    for name, peer in sorted((facts.roll.peers or {}).items()):
        for occupied in overlapping(facts.cidr, peer.get("occupied_networks") or ()):
            yield Finding(
                ERROR,
                "overlap",
                name,
                f"occupies {occupied}, which overlaps the network's {facts.cidr}",
                "Remove it from the host, or make another network and move the hosts there.",
            )


def overlapping(cidr: str, occupied: Iterable[str]) -> list[str]:
    """The IPv4 networks that overlap a CIDR; what cannot be read as a network overlaps nothing."""
    space = _network(cidr)
    if space is None:
        return []
    return [each for each in occupied if (other := _network(each)) is not None and other.overlaps(space)]


def duplicates(facts: Facts) -> Iterator[Finding]:
    """Two hosts with one address or one key: cloned images, or a restored store."""
    peers = facts.roll.peers or {}
    for what, remedy in (
        ("address", "Run the playbook recover for both."),
        (
            "public_key",
            f"On the clone remove /var/lib/cladnet/agents/{facts.network} and run the playbook site for it.",
        ),
    ):
        for value, hosts in _shared({name: peer.get(what) for name, peer in peers.items()}):
            title = what.replace("_", " ")
            yield Finding(
                ERROR, "duplicate", min(hosts), f"{names(hosts)} have the same {title} {value}", remedy
            )


def membership(facts: Facts) -> Iterator[Finding]:
    """Members that the inventory lacks, and hosts of the inventory that are no members."""
    peers = facts.roll.peers
    if peers is None:
        return
    for host in sorted(
        member for member in peers.keys() - facts.roll.inventory if peers[member].get("managed", True)
    ):
        yield Finding(
            WARNING,
            "not_in_inventory",
            host,
            "is a member of the network, and not in the inventory",
            "It may be suspended. If it is gone for good, remove it with the module peer.",
        )
    for host in sorted((facts.asked & facts.roll.inventory) - peers.keys()):
        yield Finding(
            ERROR,
            "not_in_network",
            host,
            "is in the inventory, and no member of the network",
            "Run the playbook site; a limit to this host is enough.",
        )


def sick_controllers(facts: Facts) -> Iterator[Finding]:
    """Controllers that do not work."""
    for controller in facts.controllers:
        if controller["healthy"]:
            continue
        what = controller["error"] or "etcd is lost: it serves what it knows and takes no changes"
        yield Finding(
            ERROR,
            "controller",
            controller["host"],
            f"its controller is not healthy: {what}",
            "See 'journalctl -u cladnet-controller -u cladnet-etcd' on it, then run the playbook recover.",
        )
    if not facts.controllers:
        yield Finding(
            WARNING,
            "controller",
            "",
            "the group cladnet_controllers is empty",
            "Put the controllers into it.",
        )


def split_stores(facts: Facts) -> Iterator[Finding]:
    """Controllers that do not share one etcd, and so disagree about the network."""
    clusters = {each["etcd"]["cluster_id"]: each["host"] for each in facts.controllers if each["healthy"]}
    if len(clusters) > 1:
        yield Finding(
            ERROR,
            "controller",
            "",
            f"the controllers {names(clusters.values())} do not share one etcd",
            "Give all of them the same cladnet_controller_etcd_endpoints.",
        )


def mixed_versions(facts: Facts) -> Iterator[Finding]:
    """More than one release in the network, or agents that still run an older one than is installed."""
    for title, key in (("releases are installed", "release"), ("versions of the agent run", "agent_version")):
        found = versions(facts.hosts, key)
        if len(found) > 1:
            listed = "; ".join(f"{version} on {names(hosts)}" for version, hosts in sorted(found.items()))
            yield Finding(
                WARNING, "versions", "", f"{len(found)} {title}: {listed}", "Run the playbook upgrade."
            )


def versions(hosts: Iterable[Document], key: str) -> dict[str, list[str]]:
    """The names of the hosts, by what they have."""
    found: dict[str, list[str]] = defaultdict(list)
    for host in hosts:
        found[host[key] or "unknown"].append(host["host"])
    return dict(found)


RULES: tuple[Rule, ...] = (
    silent_hosts,
    bare_hosts,
    states,
    unreached,
    overlaps,
    duplicates,
    membership,
    sick_controllers,
    split_stores,
    mixed_versions,
)


def _shared(values: Mapping[str, object]) -> list[tuple[object, list[str]]]:
    """(value, names) of every value that more than one has."""
    holders: dict[object, list[str]] = defaultdict(list)
    for name, value in values.items():
        if value:
            holders[value].append(name)
    return [(value, hosts) for value, hosts in holders.items() if len(hosts) > 1]


def _network(text: str) -> IPv4Network | None:
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        return None
    return found if isinstance(found, IPv4Network) else None

# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The nft rulesets of a lab: 1:1 NAT of the clouds' routers, partitions and loss. Pure text."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lab.network_plan import mac_address
from lab.situation import OPERATOR, Situation
from lab.topology import Cloud, Topology

NAT_CHAINS = """\
table ip nat {
  map public_to_private { type ipv4_addr : ipv4_addr; }
  map private_to_public { type ipv4_addr : ipv4_addr; }
  chain prerouting {
    type nat hook prerouting priority dstnat
    dnat to ip daddr map @public_to_private
  }
  chain postrouting {
    type nat hook postrouting priority srcnat
    oifname "wan" snat to ip saddr map @private_to_public
    oifname "lan" ct status dnat snat to ip saddr map @private_to_public comment "hairpin"
  }
}
"""


def nat_maps(topology: Topology, situation: Situation, cloud: Cloud) -> str:
    """Fills the maps of NAT_CHAINS with the addresses of a cloud's hosts, in one transaction."""
    mine = [situation.addresses[host] for host in topology.hosts_of(cloud.name)]
    pairs = [(str(each.public_ip), str(each.private_ip.ip)) for each in mine if each.public_ip]
    lines = ["flush map ip nat public_to_private", "flush map ip nat private_to_public"]
    for public, private in pairs:
        lines.append(f"add element ip nat public_to_private {{ {public} : {private} }}")
        lines.append(f"add element ip nat private_to_public {{ {private} : {public} }}")
    return "\n".join(lines) + "\n"


def internet_faults(topology: Topology, situation: Situation) -> str:
    """For the internet: whatever goes from cloud to cloud, or to and from the operator."""

    def public(host: str) -> str | None:
        address = topology.internet.operator if host == OPERATOR else situation.addresses[host].public_ip
        return str(address) if address else None

    cuts = _cuts(situation, "ip", public)
    chains = [
        _chain("input", cuts),
        _chain("output", cuts),
        _chain("forward", [*cuts, *_loss(situation)]),
    ]
    return _table("ip", chains)


def router_faults(topology: Topology, situation: Situation, cloud: Cloud) -> str:
    """For a cloud's router: what stays inside the cloud, bridged (by MAC) or routed (GCP, hairpin)."""
    guests = topology.hosts_of(cloud.name)

    def mac(host: str) -> str | None:
        return mac_address(topology, host) if host in guests else None

    def private(host: str) -> str | None:
        return str(situation.private_ip(host)) if host in guests else None

    loss = _loss(situation)
    inside = 'iifname "lan" oifname "lan" '
    routed = [inside + rule for rule in [*_cuts(situation, "ip", private), *loss]]
    bridged = [*_cuts(situation, "ether", mac), *loss]
    return _table("bridge", [_chain("forward", bridged)]) + _table("ip", [_chain("forward", routed)])


def _cuts(situation: Situation, header: str, address: Callable[[str], str | None]) -> list[str]:
    rules = []
    for partition in situation.partitions:
        left, right = _set(map(address, partition.left)), _set(map(address, partition.right))
        if left and right:
            rules.append(f"{header} saddr {left} {header} daddr {right} drop")
            rules.append(f"{header} saddr {right} {header} daddr {left} drop")
    return rules


def _set(addresses: Iterable[str | None]) -> str:
    known = sorted({address for address in addresses if address})
    return f"{{ {', '.join(known)} }}" if known else ""


def _loss(situation: Situation) -> list[str]:
    percent = situation.loss_percent
    return [f"numgen random mod 100 < {percent} drop"] if percent else []


def _chain(hook: str, rules: Iterable[str]) -> str:
    body = "".join(f"    {rule}\n" for rule in rules)
    return f"  chain {hook} {{\n    type filter hook {hook} priority 0\n{body}  }}\n"


def _table(family: str, chains: Iterable[str]) -> str:
    name = f"table {family} faults"
    return f"{name}\ndelete {name}\n{name} {{\n{''.join(chains)}}}\n"  # empty, away, anew: at once

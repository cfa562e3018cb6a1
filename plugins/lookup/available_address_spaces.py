# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the private address spaces that are free on all hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: available_address_spaces
short_description: Find private address spaces that are free on all hosts
version_added: 0.1.0
author: Cloud-Barista community (@cloud-barista)
description:
  - Subtracts the networks that hosts occupy from the private address space of RFC 1918. Returns what is left,
    and recommends one network for an overlay.
  - The recommended network overlaps none of the given ones. It has room for the hosts and their growth. It is
    as far as possible from the given networks and from the ranges that clouds, container networks and VPNs
    take by default - as far as possible means that a network next to it would have to grow most to reach it.
    Among equally distant ones it is the one that splits the smallest free block.
  - The same input gives the same answer, in whatever order it comes.
  - Runs on the control node and needs nothing but Ansible.
options:
  _terms:
    description:
      - Occupied networks in CIDR notation or plain addresses, also in nested lists. Host bits may be set, as
        in V(192.168.0.5/24).
      - IPv6 networks are accepted and have no effect, and so have default routes.
    type: list
    elements: raw
    required: true
  hosts:
    description: How many hosts the network gets now.
    type: int
    default: 100
  growth:
    description:
      - How many times as many hosts it must be able to hold later. A network that has hosts cannot be
        resized.
      - Without O(prefix), at least a C(/24) is recommended if one is free.
    type: float
    default: 2.0
  prefix:
    description:
      - Prefix length of the recommended network, V(8) to V(30), instead of one computed from the hosts.
    type: int
  avoid:
    description: Further networks in CIDR notation to keep out of, for example those of other offices.
    type: list
    elements: str
    default: []
  list_prefix:
    description:
      - Also list the free networks of this prefix length, V(8) to V(30), as RV(_value[].free_networks).
    type: int
  limit:
    description: How many networks of O(list_prefix) are listed at most. All of them are counted.
    type: int
    default: 256
seealso:
  - module: cloud_barista.cladnet.host_cidrs_facts
  - module: cloud_barista.cladnet.network
"""

EXAMPLES = r"""
- name: Show the best address space for the hosts of this play
  ansible.builtin.debug:
    msg: "{{ spaces.recommended_ipv4_private_address_space }}: {{ spaces.reason }}"
  vars:
    occupied: "{{ ansible_play_hosts | map('extract', hostvars, ['cladnet_host_cidrs', 'ipv4']) }}"
    spaces: "{{ lookup('cloud_barista.cladnet.available_address_spaces', occupied, hosts=50) }}"

- name: List all /23 that are free
  ansible.builtin.debug:
    msg: >-
      {{ lookup('cloud_barista.cladnet.available_address_spaces', '10.0.0.0/9', '192.168.0.0/16',
                list_prefix=23, limit=10000).free_networks }}

- name: Keep out of the networks of the head office
  ansible.builtin.debug:
    msg: >-
      {{ lookup('cloud_barista.cladnet.available_address_spaces', ['172.31.0.0/16', '192.168.0.5/24'],
                hosts=1000, growth=4, avoid=['10.0.0.0/8']).recommended_ipv4_private_address_space }}
"""

RETURN = r"""
_value:
  description: One dictionary.
  type: list
  elements: dict
  contains:
    recommended_ipv4_private_address_space:
      description: The network to take.
      returned: always
      type: str
      sample: 10.112.0.0/24
    reason:
      description: Why this one, in a sentence or two.
      returned: always
      type: str
      sample: >-
        10.112.0.0/24 has room for 254 hosts (6 asked for) and lies in 10.112.0.0/12, the widest private space
        that is apart from all occupied networks and all common defaults of clouds and containers.
    address_space10s:
      description:
        - The largest free blocks of 10.0.0.0/8, in ascending order. No two of them could be one block.
      returned: always
      type: list
      elements: str
      sample: ["10.1.0.0/16", "10.2.0.0/15", "10.4.0.0/14"]
    address_space172s:
      description: The largest free blocks of 172.16.0.0/12.
      returned: always
      type: list
      elements: str
      sample: ["172.16.0.0/13"]
    address_space192s:
      description: The largest free blocks of 192.168.0.0/16.
      returned: always
      type: list
      elements: str
      sample: ["192.168.1.0/24", "192.168.2.0/23"]
    free_networks:
      description: The free networks of the length O(list_prefix), in ascending order, O(limit) at most.
      returned: if O(list_prefix) is set
      type: list
      elements: str
      sample: ["10.128.0.0/23", "10.128.2.0/23"]
    free_networks_total:
      description: How many free networks of that length there are.
      returned: if O(list_prefix) is set
      type: int
      sample: 16384
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._address_spaces import (
    AddressSpaces,
    available_address_spaces,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import CladnetError

OPTIONS = ("hosts", "growth", "prefix", "avoid", "list_prefix", "limit")


class LookupModule(LookupBase):
    """The plugin."""

    def run(
        self,
        terms: list[t.Any],
        variables: dict[str, t.Any] | None = None,
        **kwargs: t.Any,  # noqa: ANN401  (options, as the base class has them)
    ) -> list[dict[str, t.Any]]:
        """Returns one dictionary, see RETURN."""
        self.set_options(var_options=variables, direct=kwargs)
        options = {option: self.get_option(option) for option in OPTIONS}
        try:
            spaces = available_address_spaces(_flattened(terms), **options)
        except CladnetError as exc:
            raise AnsibleLookupError(str(exc)) from exc
        return [_result(spaces, is_listed=options["list_prefix"] is not None)]


def _flattened(terms: t.Iterable[t.Any]) -> t.Iterator[t.Any]:
    for term in terms:
        if isinstance(term, (list, tuple)):
            yield from _flattened(term)
        else:
            yield term


def _result(spaces: AddressSpaces, *, is_listed: bool) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {
        "recommended_ipv4_private_address_space": spaces.recommended,
        "reason": spaces.reason,
        "address_space10s": spaces.space10s,
        "address_space172s": spaces.space172s,
        "address_space192s": spaces.space192s,
    }
    if is_listed:
        result["free_networks"] = spaces.free_networks
        result["free_networks_total"] = spaces.free_networks_total
    return result

#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the networks that a host occupies."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_cidrs_facts
short_description: Gather every network that a host occupies
version_added: 0.1.0
description:
  - Reads over netlink which IPv4 and IPv6 networks the host occupies, so that an overlay network can keep out
    of them - the addresses of all interfaces, bridges of containers among them, and the routes of all routing
    tables.
  - A default route occupies nothing, and neither do the halves of one that a VPN client sets. Loopback,
    multicast and IPv6 link-local networks, which every host has, are left out. A blackhole route is the mark
    of a pod network and counts, unless it covers a whole block of RFC 1918.
  - Needs no privilege.
author: Cloud-Barista community (@cloud-barista)
requirements:
  - pyroute2 >= 0.7 on the host
extends_documentation_fragment:
  - cloud_barista.cladnet._attributes
  - cloud_barista.cladnet._attributes.facts
  - cloud_barista.cladnet._attributes.info_module
options:
  exclude_interfaces:
    description:
      - Interfaces that do not count, by name or pattern (as C(cladnet*)), because they belong to a CLADNet
        itself. The facts name them.
    type: list
    elements: str
    default: ["cladnet*"]
seealso:
  - plugin: cloud_barista.cladnet.available_address_spaces
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Gather the networks of the host
  cloud_barista.cladnet.host_cidrs_facts:

- name: Show where they come from
  ansible.builtin.debug:
    msg: "{{ item.cidr }} is the network of {{ item.origin }} {{ item.interface }}"
  loop: "{{ cladnet_host_cidrs.networks }}"
  loop_control:
    label: "{{ item.cidr }}"

- name: Gather them where pyroute2 is only in the virtual environment of cladnet
  cloud_barista.cladnet.host_cidrs_facts:
  vars:
    ansible_python_interpreter: /opt/cladnet/current/bin/python
"""

RETURN = r"""
ansible_facts:
  description: Facts of the host.
  returned: success
  type: dict
  contains:
    cladnet_host_cidrs:
      description: The networks that the host occupies.
      returned: always
      type: dict
      contains:
        ipv4:
          description: All IPv4 networks in CIDR notation, each once, in ascending order.
          returned: always
          type: list
          elements: str
          sample: ["10.1.0.0/24", "172.17.0.0/16"]
        ipv6:
          description: All IPv6 networks in CIDR notation, each once, in ascending order.
          returned: always
          type: list
          elements: str
          sample: ["2001:db8:1::/64"]
        networks:
          description: The same networks with what occupies them.
          returned: always
          type: list
          elements: dict
          contains:
            cidr:
              description: The network.
              returned: always
              type: str
              sample: 172.17.0.0/16
            family:
              description: V(ipv4) or V(ipv6).
              returned: always
              type: str
              sample: ipv4
            interface:
              description: Name of the interface. Empty for a route that has none.
              returned: always
              type: str
              sample: docker0
            origin:
              description:
                - V(interface) for an address of an interface, V(bridge) if that is a bridge, V(route) for an
                  entry of a routing table.
              returned: always
              type: str
              sample: bridge
        default_interface:
          description: The interface of the default route. Empty without one.
          returned: always
          type: dict
          contains:
            name:
              description: Name of the interface.
              returned: if there is a default route
              type: str
              sample: ens5
            mtu:
              description: Its MTU in bytes.
              returned: if there is a default route
              type: int
              sample: 1460
            ipv4:
              description: Its main IPv4 address; empty if it has none.
              returned: if there is a default route
              type: str
              sample: 10.1.0.11
            ipv6:
              description: Its main IPv6 address that is not link-local; empty if it has none.
              returned: if there is a default route
              type: str
              sample: ""
            gateway:
              description: Address of the next hop; empty if there is none.
              returned: if there is a default route
              type: str
              sample: 10.1.0.1
        cladnet_interfaces:
          description: Names of the interfaces that did not count.
          returned: always
          type: list
          elements: str
          sample: ["cladnet0"]
"""

import traceback
import typing as t
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._host_cidrs import (
    HostNetwork,
    read_host_network,
)

PYROUTE2_IMPORT_ERROR: str | None = None
try:
    from pyroute2 import IPRoute
except ImportError:
    PYROUTE2_IMPORT_ERROR = traceback.format_exc()

OPTIONS = {"exclude_interfaces": {"type": "list", "elements": "str", "default": ["cladnet*"]}}
HOW_TO_GET_PYROUTE2 = (
    "to read the networks of the host over netlink. Most distributions have it as package python3-pyroute2."
    " After a role of this collection, set ansible_python_interpreter to /opt/cladnet/current/bin/python"
)


def facts_of(host: HostNetwork, exclude: t.AbstractSet[str]) -> dict[str, t.Any]:
    """Returns the facts about one host in the form of RETURN."""
    networks = host.occupied_networks(exclude)
    default = host.default_interface(exclude)
    return {
        "ipv4": _cidrs(networks, "ipv4"),
        "ipv6": _cidrs(networks, "ipv6"),
        "networks": [asdict(network) for network in networks],
        "default_interface": {} if default is None else asdict(default),
        "cladnet_interfaces": host.excluded_interfaces(exclude),
    }


def _cidrs(networks: t.Sequence[t.Any], family: str) -> list[str]:
    return list(dict.fromkeys(network.cidr for network in networks if network.family == family))


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    if PYROUTE2_IMPORT_ERROR:
        message = missing_required_lib("pyroute2", reason=HOW_TO_GET_PYROUTE2)
        module.fail_json(msg=message, exception=PYROUTE2_IMPORT_ERROR)
    try:
        with IPRoute() as netlink:
            host = read_host_network(netlink)
    except OSError as exc:
        module.fail_json(msg=f"The kernel does not say over netlink which networks this host has: {exc}.")
    facts = facts_of(host, frozenset(module.params["exclude_interfaces"]))
    module.exit_json(changed=False, ansible_facts={"cladnet_host_cidrs": facts})


if __name__ == "__main__":
    main()

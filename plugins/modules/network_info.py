#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads networks and their peers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_info
short_description: Read Cloud Adaptive Networks and their peers
version_added: 0.1.0
description:
  - Reads one network (CLADNet) or all of them from a controller, and if asked for the peers in them.
author: Cloud-Barista community (@cloud-barista)
extends_documentation_fragment:
  - cloud_barista.cladnet._connection
  - cloud_barista.cladnet._attributes
  - cloud_barista.cladnet._attributes.action_group
  - cloud_barista.cladnet._attributes.info_module
options:
  name:
    description:
      - Name of the network. Without it all networks are read. A network that does not exist is no error.
    type: str
  peers:
    description: Whether the peers are read too. That is one more request for each network.
    type: bool
    default: false
seealso:
  - module: cloud_barista.cladnet.network
"""

EXAMPLES = r"""
- name: Read all networks
  cloud_barista.cladnet.network_info:
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
  register: cladnet

- name: Read who is in network demo
  cloud_barista.cladnet.network_info:
    name: demo
    peers: true
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
  register: demo

- name: Name the hosts that are not working
  ansible.builtin.debug:
    msg: "{{ item.host }} is {{ item.state }}: {{ item.reason }}"
  loop: "{{ demo.peers | rejectattr('state', 'equalto', 'tunneling') }}"
  loop_control:
    label: "{{ item.host }}"
"""

RETURN = r"""
networks:
  description: The networks, by name. Empty if there is none, or none of the given name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name.
      returned: always
      type: str
      sample: demo
    cidr:
      description: Address space.
      returned: always
      type: str
      sample: 10.112.0.0/24
    description:
      description: What it is for.
      returned: always
      type: str
      sample: Kubernetes over three clouds
    mtu:
      description: Longest packet in bytes; V(0) is the MTU of each host's default interface less 80.
      returned: always
      type: int
      sample: 0
    rule_type:
      description: How the path between two hosts is chosen.
      returned: always
      type: str
      sample: basic
    quarantine_s:
      description: Seconds for which the address of a host that left is given to no other.
      returned: always
      type: int
      sample: 300
    cipher:
      description:
        - Cipher of the tunnels. V(auto) is AES-256-GCM for each pair of hosts whose CPUs both have
          instructions for it, else ChaCha20-Poly1305.
        - Missing if the controller is of release 0.2.
      returned: always
      type: str
      sample: auto
    peers:
      description: How many peers it has, also hosts that are only expected and peers without agent.
      returned: always
      type: int
      sample: 6
    addresses_total:
      description: How many hosts the address space can hold.
      returned: always
      type: int
      sample: 254
    addresses_free:
      description: How many more hosts can join.
      returned: always
      type: int
      sample: 248
    revision:
      description: Revision of the store at the last change of the network.
      returned: always
      type: int
      sample: 42
peers:
  description: The peers of these networks, by network and host.
  returned: success and O(peers=true)
  type: list
  elements: dict
  contains:
    network:
      description: Name of the network.
      returned: always
      type: str
      sample: demo
    host:
      description: Name of the host in the network.
      returned: always
      type: str
      sample: a1
    address:
      description:
        - Address of the host in the network. V(null) as long as none is kept for it and its agent has not
          reported.
      returned: always
      type: str
      sample: 10.112.0.1
    static:
      description: Whether an administrator fixed the address.
      returned: always
      type: bool
      sample: false
    managed:
      description: Whether it is a host with an agent. V(false) for a plain WireGuard peer.
      returned: always
      type: bool
      sample: true
    description:
      description: What the host is for.
      returned: always
      type: str
      sample: ""
    public_key:
      description: WireGuard public key of the host; V(null) until its agent has reported.
      returned: always
      type: str
      sample: 5fUHlFvUCpMcCcxMUWlBMCCsVyWMm2p2aVyMmAO8fFQ=
    endpoint:
      description: Where the other hosts send to; V(null) as long as nobody knows.
      returned: always
      type: str
      sample: 198.51.100.11:8055
    private_endpoints:
      description: Where hosts of the same provider network could send to.
      returned: always
      type: list
      elements: str
      sample: ["10.1.0.11:8055"]
    state:
      description:
        - One of V(configuring), V(tunneling) (it works), V(degraded), V(closing), V(released) (down) and
          V(failed); V(unmanaged) for a peer without agent.
      returned: always
      type: str
      sample: tunneling
    reason:
      description: Why it is in this state, if it is not working.
      returned: always
      type: str
      sample: ""
    connected:
      description: Whether its agent is connected to a controller now. Traffic does not depend on it.
      returned: always
      type: bool
      sample: true
    control:
      description: What is asked of the host with M(cloud_barista.cladnet.network_control), and how far it is.
      returned: always
      type: dict
      contains:
        desired:
          description: V(up) or V(down).
          returned: always
          type: str
          sample: up
        rekeys_requested:
          description: How often a new key pair was asked for.
          returned: always
          type: int
          sample: 1
        rekeys_done:
          description: How often the host made one because of that.
          returned: always
          type: int
          sample: 1
        settled:
          description: Whether the host has done what is asked.
          returned: always
          type: bool
          sample: true
    mtu:
      description: MTU of the tunnel device in bytes; V(0) until the agent has reported.
      returned: always
      type: int
      sample: 1420
    agent_version:
      description: Version of the agent; empty until it has reported.
      returned: always
      type: str
      sample: 0.2.0
    ciphers:
      description:
        - What the host speaks, the fastest on its CPU first; empty until its agent has reported.
        - Missing if the controller is of release 0.2.
      returned: always
      type: list
      elements: str
      sample: ["aes-256-gcm", "chacha20-poly1305"]
    cloud:
      description:
        - Where the host is, as far as known - what the agent reports, unless an administrator knows better.
      returned: always
      type: dict
      sample: {"provider": "aws", "region": "eu-central-1", "zone": "", "vnet": "", "subnet": ""}
    details:
      description: What an administrator set of it.
      returned: always
      type: dict
      sample: {"zone": "eu-central-1a"}
    occupied_networks:
      description: Networks that the host occupies.
      returned: always
      type: list
      elements: str
      sample: ["10.1.0.0/24", "172.17.0.0/16"]
    revision:
      description: Revision of the store at the last change of the peer.
      returned: always
      type: int
      sample: 57
"""

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._controller_api import (
    ControllerApi,
    Document,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._controller_module import (
    ArgumentSpec,
    controller_api,
    controller_module,
)

OPTIONS: ArgumentSpec = {
    "name": {"type": "str"},
    "peers": {"type": "bool", "default": False},
}


def read_networks(api: ControllerApi, name: str | None) -> list[Document]:
    """Returns the network of that name if it exists, or all networks without a name."""
    if name is None:
        return sorted(api.networks(), key=lambda network: network["name"])
    network = api.network(name)
    return [] if network is None else [network]


def read_peers(api: ControllerApi, networks: list[Document]) -> list[Document]:
    """Returns the peers of networks, each with the name of its network."""
    peers = [
        {"network": network["name"], **peer} for network in networks for peer in api.peers(network["name"])
    ]
    return sorted(peers, key=lambda peer: (peer["network"], peer["host"]))


def main() -> None:
    """Runs the module."""
    module = controller_module(OPTIONS)
    with controller_api(module) as api:
        networks = read_networks(api, module.params["name"])
        peers = {"peers": read_peers(api, networks)} if module.params["peers"] else {}
        module.exit_json(changed=False, networks=networks, **peers)


if __name__ == "__main__":
    main()

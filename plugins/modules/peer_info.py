#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the peers of a network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: peer_info
short_description: Read the peers of a Cloud Adaptive Network
version_added: 0.2.0
description:
  - Reads one peer of a network (CLADNet) or all of them from a controller. The filters name those that are
    returned; a peer must pass all that are set.
author: Cloud-Barista community (@cloud-barista)
extends_documentation_fragment:
  - cloud_barista.cladnet._connection
  - cloud_barista.cladnet._attributes
  - cloud_barista.cladnet._attributes.action_group
  - cloud_barista.cladnet._attributes.info_module
options:
  network:
    description: Name of the network.
    type: str
    required: true
  host:
    description: Name of a host. Without it all are read. A host that is not in the network is no error.
    type: str
  states:
    description: Only peers in one of these states.
    type: list
    elements: str
    choices: [configuring, tunneling, degraded, closing, released, failed, unmanaged]
  connected:
    description: Only peers whose agent is connected to a controller now, or with V(false) is not.
    type: bool
  managed:
    description: Only hosts with an agent, or with V(false) only peers without.
    type: bool
  providers:
    description: Only hosts of one of these cloud providers.
    type: list
    elements: str
  wireguard_config:
    description:
      - Also return what the WireGuard of O(host), a peer without agent, needs now. Needs O(host).
    type: bool
    default: false
seealso:
  - module: cloud_barista.cladnet.peer
  - module: cloud_barista.cladnet.network_info
"""

EXAMPLES = r"""
- name: Find the hosts that are cut off
  cloud_barista.cladnet.peer_info:
    network: demo
    managed: true
    connected: false
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
  register: away

- name: Name them
  ansible.builtin.debug:
    msg: "{{ away.peers | map(attribute='host') | join(', ') }}"

- name: Renew the configuration of a laptop after hosts have joined
  cloud_barista.cladnet.peer_info:
    network: demo
    host: laptop
    wireguard_config: true
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
  register: laptop

- name: Count the working hosts of two providers
  cloud_barista.cladnet.peer_info:
    network: demo
    states: [tunneling]
    providers: [aws, gcp]
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
  register: working
"""

RETURN = r"""
peers:
  description: The peers, by host. Empty if no peer passes the filters.
  returned: success
  type: list
  elements: dict
  contains:
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
wireguard_config:
  description:
    - What a standard WireGuard client needs to be O(host), as the file of C(wg-quick), with every host of the
      network and without the private key, which only the peer has.
  returned: success and O(wireguard_config=true)
  type: str
  sample: |
    [Interface]
    # laptop in network demo
    # PrivateKey = the one that belongs to Vq5xHyCkCZ0cJhXqTeI8cXqQ0mDpGZ0a6i0pXvLk1WQ=
    Address = 10.112.0.200/32
    MTU = 1420

    [Peer]
    # a1
    PublicKey = 5fUHlFvUCpMcCcxMUWlBMCCsVyWMm2p2aVyMmAO8fFQ=
    AllowedIPs = 10.112.0.1/32
    Endpoint = 198.51.100.11:8055
    PersistentKeepalive = 25
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
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import NotFound
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._peers import (
    PEER_STATES,
    read_peers,
    read_wireguard_config,
    select_peers,
)

OPTIONS: ArgumentSpec = {
    "network": {"type": "str", "required": True},
    "host": {"type": "str"},
    "states": {"type": "list", "elements": "str", "choices": PEER_STATES},
    "connected": {"type": "bool"},
    "managed": {"type": "bool"},
    "providers": {"type": "list", "elements": "str"},
    "wireguard_config": {"type": "bool", "default": False},
}


def configuration(api: ControllerApi, params: Document, peers: list[Document]) -> Document:
    """Returns the configuration of the peer if it is asked for.

    :raises NotFound: there is no such peer.
    """
    if not params["wireguard_config"]:
        return {}
    if not peers:
        raise NotFound(f"Host {params['host']} is not in network {params['network']}.")
    return {"wireguard_config": read_wireguard_config(api, params["network"], peers[0])}


def main() -> None:
    """Runs the module."""
    module = controller_module(OPTIONS, required_if=[["wireguard_config", True, ["host"]]])
    params = module.params
    with controller_api(module) as api:
        peers = read_peers(api, params["network"], params["host"])
        selected = select_peers(peers, params)
        module.exit_json(changed=False, peers=selected, **configuration(api, params, peers))


if __name__ == "__main__":
    main()

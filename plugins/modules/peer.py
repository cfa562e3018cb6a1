#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps, changes and removes the place of a host in a network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: peer
short_description: Keep, change or remove the place of a host in a Cloud Adaptive Network
version_added: 0.2.0
description:
  - Decides what is an administrator's to decide about one host of a network (CLADNet) - its address, where it
    is, and that it belongs to the network at all.
  - A host joins by itself once it has a token, see M(cloud_barista.cladnet.enrolment_token). It needs no
    entry here before, but may have one, so that its address is known before the host exists.
  - With O(public_key) the peer is a plain WireGuard peer without agent, as an administrator's laptop. All
    hosts of the network know it at once, and RV(wireguard_config) is what its WireGuard needs.
author: Cloud-Barista community (@cloud-barista)
extends_documentation_fragment:
  - cloud_barista.cladnet._connection
  - cloud_barista.cladnet._attributes
  - cloud_barista.cladnet._attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - What only the controller knows, as the address that it would choose, is missing from a peer that would
        be made. An address in quarantine is only found out outside check mode.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  network:
    description: Name of the network.
    type: str
    required: true
  host:
    description: Name of the host in the network.
    type: str
    required: true
  state:
    description:
      - Whether the host has a place in the network. With V(absent) the certificate of its agent is void and
        the other hosts forget it at once. Nothing is taken off the host itself; the role
        C(cloud_barista.cladnet.cladnet_agent) does that.
    type: str
    choices: [present, absent]
    default: present
  address:
    description:
      - Address of the host in the network, which it keeps from then on. If it has another one, it moves, and
        its old address is given to nobody for the quarantine time of the network.
    type: str
  static:
    description:
      - Whether the host keeps its address even if it leaves and comes back. V(false) gives up what
        O(address) fixed once, and the host goes on with the address it has.
    type: bool
  description:
    description: What the host is for.
    type: str
  details:
    description:
      - Where the host is, if you know better than its agent. It replaces all that was given before; what is
        left out or empty is as the agent reports.
    type: dict
    suboptions:
      provider:
        description: Cloud provider.
        type: str
      region:
        description: Region of the provider.
        type: str
      zone:
        description: Zone of the region.
        type: str
      vnet:
        description: Virtual network in which the host is.
        type: str
      subnet:
        description: Subnet of that virtual network.
        type: str
  public_key:
    description:
      - WireGuard public key of a peer without agent, as C(wg pubkey) prints it. A host with an agent makes
        its own keys.
    type: str
  endpoint:
    description:
      - Where the hosts reach a peer without agent, as V(198.51.100.11:51820). An empty text forgets it.
      - Without it they learn it from the first packet of the peer, which is what suits a laptop.
    type: str
seealso:
  - module: cloud_barista.cladnet.peer_info
  - module: cloud_barista.cladnet.network_control
  - module: cloud_barista.cladnet.enrolment_token
"""

EXAMPLES = r"""
- name: Fix the address of a database before its VM exists
  cloud_barista.cladnet.peer:
    network: demo
    host: db1
    address: 10.112.0.10
    description: PostgreSQL
    details:
      provider: aws
      region: eu-central-1
      zone: eu-central-1a
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt

- name: Let an administrator's laptop in
  cloud_barista.cladnet.peer:
    network: demo
    host: laptop
    public_key: Vq5xHyCkCZ0cJhXqTeI8cXqQ0mDpGZ0a6i0pXvLk1WQ=
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
  register: laptop

- name: Write down what its WireGuard needs, but for the private key
  ansible.builtin.copy:
    content: "{{ laptop.wireguard_config }}"
    dest: /tmp/demo.conf
    mode: "0600"
  delegate_to: localhost

- name: Take a host out that is lost for good
  cloud_barista.cladnet.peer:
    network: demo
    host: db1
    state: absent
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
"""

RETURN = r"""
peer:
  description: The peer as it is now. In check mode, as it would be, as far as can be told.
  returned: success and O(state=present)
  type: dict
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
    - What a standard WireGuard client needs to be this peer, as the file of C(wg-quick), with every host of
      the network and without the private key, which only the peer has. Hosts that join later are missing; ask
      M(cloud_barista.cladnet.peer_info) again then.
  returned: success, O(state=present) and a peer without agent; in check mode only if nothing would change
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
error:
  description: Why the module failed, in parts.
  returned: failure of the request
  type: dict
  contains:
    code:
      description:
        - Kind of error, one of V(invalid_input), V(not_found), V(conflict), V(unauthorized), V(unavailable)
          (try again later) and V(exhausted).
      returned: always
      type: str
      sample: conflict
    message:
      description: What is wrong, and with what.
      returned: always
      type: str
      sample: Address 10.112.0.1 of network demo is that of host b1.
    hint:
      description: What to do about it; may be empty.
      returned: always
      type: str
      sample: ""
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
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._declarative import (
    Plan,
    plan_absence,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._peer_state import (
    PeerResource,
    check_place,
    desired_peer,
    needs_network,
    plan_peer,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._peers import (
    read_network,
    read_wireguard_config,
)

DETAILS: ArgumentSpec = {
    "provider": {"type": "str"},
    "region": {"type": "str"},
    "zone": {"type": "str"},
    "vnet": {"type": "str"},
    "subnet": {"type": "str"},
}
OPTIONS: ArgumentSpec = {
    "network": {"type": "str", "required": True},
    "host": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "address": {"type": "str"},
    "static": {"type": "bool"},
    "description": {"type": "str"},
    "details": {"type": "dict", "options": DETAILS},
    "public_key": {"type": "str", "no_log": False},
    "endpoint": {"type": "str"},
}


def plan_by_options(api: ControllerApi, params: Document) -> Plan:
    """Reads what is there and plans what the options ask for."""
    network, desired = params["network"], desired_peer(params)
    before = api.peer(network, params["host"])
    if params["state"] == "absent":
        return plan_absence(before)
    plan = plan_peer(before, desired)
    if needs_network(plan):
        check_place(read_network(api, network), api.peers(network), plan)
    return plan


def main() -> None:
    """Runs the module."""
    module = controller_module(OPTIONS)
    network, host = module.params["network"], module.params["host"]
    with controller_api(module) as api:
        plan = plan_by_options(api, module.params)
        after = plan.after if module.check_mode else plan.apply(PeerResource(api, network, host))
        shown = {} if after is None else {"peer": after}
        if after and not after.get("managed", True) and not (module.check_mode and plan.is_change):
            shown["wireguard_config"] = read_wireguard_config(api, network, after)
        module.exit_json(changed=plan.is_change, diff=plan.diff(f"peer {network}/{host}"), **shown)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes, changes and removes a network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network
short_description: Make, change or remove a Cloud Adaptive Network
version_added: 0.1.0
description:
  - Manages a network (CLADNet) through the REST API of a controller. Hosts are not touched; a network without
    hosts is an entry in the controllers' store.
author: Cloud-Barista community (@cloud-barista)
extends_documentation_fragment:
  - cloud_barista.cladnet._connection
  - cloud_barista.cladnet._attributes
  - cloud_barista.cladnet._attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - What only the controller knows, as RV(network.revision), is missing from a network that would be made.
      - Whether all hosts speak another O(cipher) is only found out when it is changed.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the network. Lower-case letters, digits and C(-), beginning with a letter, at most 32.
    type: str
    required: true
  state:
    description: Whether the network exists.
    type: str
    choices: [present, absent]
    default: present
  cidr:
    description:
      - The address space in CIDR notation, inside RFC 1918. Needed to make a network.
      - It cannot change while the network has peers.
      - The lookup P(cloud_barista.cladnet.available_address_spaces#lookup) finds one that is free on all
        hosts.
    type: str
  description:
    description: What the network is for.
    type: str
  mtu:
    description:
      - Longest packet of the network in bytes. V(0) lets every host take the MTU of its default interface
        less 80, and find out how much of that the path to each peer carries.
      - Another value is used from the beginning, until a path turns out to carry less.
    type: int
  quarantine_s:
    description: For how many seconds the address of a host that left is given to no other.
    type: int
  cipher:
    description:
      - Cipher of the tunnels. A network is made with V(auto).
      - V(auto) takes AES-256-GCM for each pair of hosts whose CPUs both have instructions for it, which makes
        it the fastest, and ChaCha20-Poly1305 for all others and for peers without agent.
      - V(chacha20-poly1305) is plain WireGuard everywhere.
      - V(aes-256-gcm) is for those who may use nothing else. It is refused while the network has a peer
        without agent or an agent of release 0.2, and keeps such out from then on.
      - A change cuts nobody. Hosts that talk to each other go over to the new cipher within seconds if the
        old one is not to be used any more, else when they next make new keys, within two minutes.
    type: str
    choices: [auto, chacha20-poly1305, aes-256-gcm]
    version_added: 0.3.0
  disjoint_from:
    description:
      - Networks that the address space must not overlap, for example all those that the hosts occupy, see
        M(cloud_barista.cladnet.host_cidrs_facts). The module fails and names those that it overlaps.
    type: list
    elements: str
    default: []
  force:
    description: Remove the network even if it has peers. They are cut off from one another at once.
    type: bool
    default: false
seealso:
  - module: cloud_barista.cladnet.network_info
  - module: cloud_barista.cladnet.host_cidrs_facts
  - plugin: cloud_barista.cladnet.available_address_spaces
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Make a network in the best free address space
  cloud_barista.cladnet.network:
    name: demo
    cidr: >-
      {{ lookup('cloud_barista.cladnet.available_address_spaces', occupied,
                hosts=50).recommended_ipv4_private_address_space }}
    disjoint_from: "{{ occupied }}"
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
  vars:
    occupied: "{{ ansible_play_hosts | map('extract', hostvars, ['cladnet_host_cidrs', 'ipv4']) | flatten }}"
  run_once: true

- name: Use nothing but AES
  cloud_barista.cladnet.network:
    name: demo
    cipher: aes-256-gcm
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt

- name: Remove a network and cut off its peers
  cloud_barista.cladnet.network:
    name: demo
    state: absent
    force: true
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
"""

RETURN = r"""
network:
  description: The network as it is now. In check mode, as it would be.
  returned: success and O(state=present)
  type: dict
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
      sample: Network demo still has 6 peers.
    hint:
      description: What to do about it; may be empty.
      returned: always
      type: str
      sample: Let the hosts leave first.
"""

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._controller_module import (
    ArgumentSpec,
    controller_api,
    controller_module,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._network_state import (
    NetworkResource,
    plan_network,
    plan_no_network,
)

OPTIONS: ArgumentSpec = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "cidr": {"type": "str"},
    "description": {"type": "str"},
    "mtu": {"type": "int"},
    "quarantine_s": {"type": "int"},
    "cipher": {"type": "str", "choices": ["auto", "chacha20-poly1305", "aes-256-gcm"]},
    "disjoint_from": {"type": "list", "elements": "str", "default": []},
    "force": {"type": "bool", "default": False},
}
MANAGED = ("name", "cidr", "description", "mtu", "quarantine_s", "cipher")


def main() -> None:
    """Runs the module."""
    module = controller_module(OPTIONS)
    params = module.params
    with controller_api(module) as api:
        before = api.network(params["name"])
        if params["state"] == "present":
            desired = {option: params[option] for option in MANAGED}
            plan = plan_network(before, desired, disjoint_from=params["disjoint_from"])
        else:
            plan = plan_no_network(before, force=params["force"])
        resource = NetworkResource(api, params["name"], force=params["force"])
        after = plan.after if module.check_mode else plan.apply(resource)
        shown = {} if after is None else {"network": after}
        module.exit_json(changed=plan.is_change, diff=plan.diff(f"network {params['name']}"), **shown)


if __name__ == "__main__":
    main()

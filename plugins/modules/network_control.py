#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes hosts of a network down and up, and gives them new keys."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_control
short_description: Take hosts of a Cloud Adaptive Network down or up, or give them new keys
version_added: 0.2.0
description:
  - Tells the controllers what is wanted of hosts of a network (CLADNet), and waits until they have done it.
  - The controllers keep what is wanted. A host that is switched off or cut off does it when it is back; the
    module names it in RV(pending) and does not wait for it.
author: Cloud-Barista community (@cloud-barista)
extends_documentation_fragment:
  - cloud_barista.cladnet._connection
  - cloud_barista.cladnet._attributes
  - cloud_barista.cladnet._attributes.action_group
attributes:
  check_mode:
    support: full
    details: It is not waited, and RV(settled) and RV(pending) are as they are now.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: Not with O(state=rekeyed), which makes new keys at every run.
options:
  network:
    description: Name of the network.
    type: str
    required: true
  state:
    description:
      - With V(down) a host takes its tunnel device down, so that no traffic passes. It keeps its address and
        its place in the network, and listens for the controllers.
      - With V(up) it puts the device up again.
      - With V(rekeyed) it makes a new WireGuard key pair, and every other host learns the new public key.
        Connections over the network outlast that.
    type: str
    choices: [up, down, rekeyed]
    required: true
  hosts:
    description:
      - Names of the hosts. Without it, all hosts of the network that have an agent.
      - With an empty list nobody is asked.
    type: list
    elements: str
  wait:
    description: Whether to wait until all hosts that are connected to a controller have done it.
    type: bool
    default: true
  wait_timeout:
    description: For how many seconds to wait. If a host needs longer, the module fails and names it.
    type: int
    default: 60
seealso:
  - module: cloud_barista.cladnet.peer_info
  - module: cloud_barista.cladnet.connectivity_test
"""

EXAMPLES = r"""
- name: Take two hosts off the network while they are examined
  cloud_barista.cladnet.network_control:
    network: demo
    state: down
    hosts: [a1, b1]
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt

- name: Let everybody in again
  cloud_barista.cladnet.network_control:
    network: demo
    state: up
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
  register: result

- name: Say who follows later
  ansible.builtin.debug:
    msg: "Not connected now: {{ result.pending | join(', ') }}"
  when: result.pending | length > 0

- name: Give all hosts new keys
  cloud_barista.cladnet.network_control:
    network: demo
    state: rekeyed
    wait_timeout: 120
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
"""

RETURN = r"""
hosts:
  description: The hosts of whom it is wanted.
  returned: success
  type: list
  elements: str
  sample: [a1, b1]
settled:
  description: Those of them that have done it.
  returned: success
  type: list
  elements: str
  sample: [a1]
pending:
  description:
    - Those of them that have not done it yet. After waiting these are the hosts that are not connected to a
      controller; they do it when they are back.
  returned: success
  type: list
  elements: str
  sample: [b1]
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

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._control_state import (
    ACTIONS,
    ControlPlan,
    check_settled,
    plan_control,
    split_by_settled,
    unsettled,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._controller_api import (
    ControllerApi,
    Document,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._controller_module import (
    ArgumentSpec,
    controller_api,
    controller_module,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._polling import poll

OPTIONS: ArgumentSpec = {
    "network": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["up", "down", "rekeyed"], "required": True},
    "hosts": {"type": "list", "elements": "str"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 60},
}


def wait_until_settled(api: ControllerApi, network: str, plan: ControlPlan, timeout_s: int) -> list[Document]:
    """Returns the peers as they are when all that are connected have done what is wanted.

    :raises Unavailable: one of them needs longer.
    """
    peers = poll(
        lambda: api.peers(network), lambda peers: not unsettled(peers, plan.hosts), timeout_s=timeout_s
    )
    check_settled(network, plan.state, unsettled(peers, plan.hosts), timeout_s)
    return peers


def main() -> None:
    """Runs the module."""
    module = controller_module(OPTIONS)
    params = module.params
    network, hosts = params["network"], params["hosts"]
    with controller_api(module) as api:
        peers = api.peers(network)
        plan = plan_control(network, peers, params["state"], hosts)
        if plan.is_change and not module.check_mode:
            api.control(network, ACTIONS[plan.state], hosts)
            peers = api.peers(network)
        if params["wait"] and not module.check_mode:
            peers = wait_until_settled(api, network, plan, params["wait_timeout"])
        settled, pending = split_by_settled(peers, plan.hosts)
        diff = plan.diff(f"hosts of network {network}")
        module.exit_json(
            changed=plan.is_change, diff=diff, hosts=plan.hosts, settled=settled, pending=pending
        )


if __name__ == "__main__":
    main()

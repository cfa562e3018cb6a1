#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the hosts of a network ping one another."""

from __future__ import annotations

DOCUMENTATION = r"""
module: connectivity_test
short_description: Test which hosts of a Cloud Adaptive Network reach one another
version_added: 0.2.0
description:
  - Has the agents of a network (CLADNet) ping all other peers over the tunnels, all at the same time, and
    collects what they found. The module needs to reach a controller only, none of the hosts.
  - It fails if a host is not reached, unless O(fail_on_unreachable=false).
author: Cloud-Barista community (@cloud-barista)
extends_documentation_fragment:
  - cloud_barista.cladnet._connection
  - cloud_barista.cladnet._attributes
  - cloud_barista.cladnet._attributes.action_group
attributes:
  check_mode:
    support: full
    details: The test is made in check mode too. It changes nothing.
  diff_mode:
    support: N/A
    details: The module changes nothing.
  idempotent:
    support: full
    details: The module changes nothing.
options:
  network:
    description: Name of the network.
    type: str
    required: true
  hosts:
    description:
      - Names of the hosts that ping. Each of them pings all peers of the network. Without it, all hosts that
        have joined.
    type: list
    elements: str
  count:
    description: How many echo requests each host sends to each other one, V(1) to V(20).
    type: int
    default: 3
  wait_timeout:
    description:
      - For how many seconds the hosts may test, V(1) to V(60). A host that has not answered by then is in
        RV(missing), as one that is not connected to a controller.
    type: int
    default: 10
  include_unmanaged:
    description:
      - Whether peers without agent have to be reached too. By default they do not count, because a laptop
        that sleeps answers nobody.
    type: bool
    default: false
  fail_on_unreachable:
    description:
      - Whether the module fails if a pair is unreachable, a host gave no result, or there is no host to ask.
        The results are returned in either case.
    type: bool
    default: true
seealso:
  - module: cloud_barista.cladnet.network_control
  - module: cloud_barista.cladnet.peer_info
"""

EXAMPLES = r"""
- name: Make sure that all hosts reach one another
  cloud_barista.cladnet.connectivity_test:
    network: demo
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt

- name: See how a new host gets on, whatever comes out
  cloud_barista.cladnet.connectivity_test:
    network: demo
    hosts: [c1]
    count: 10
    fail_on_unreachable: false
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
  register: test

- name: Show the pairs that are slow
  ansible.builtin.debug:
    msg: "{{ item.host }} to {{ item.peer }}: {{ item.rtt_ms }} ms"
  loop: "{{ test.pairs | selectattr('reachable') | selectattr('rtt_ms', 'gt', 100) }}"
  loop_control:
    label: "{{ item.host }}"
"""

RETURN = r"""
hosts:
  description: The hosts that were to ping.
  returned: when the test was made
  type: list
  elements: str
  sample: [a1, b1]
missing:
  description: Those of them that gave no result in time.
  returned: when the test was made
  type: list
  elements: str
  sample: []
errors:
  description: Why a host could not test, by host.
  returned: when the test was made
  type: dict
  sample: {"b1": "The tunnel device is down."}
pairs:
  description: One entry for each host that pinged and each peer that it pinged.
  returned: when the test was made
  type: list
  elements: dict
  contains:
    host:
      description: Who pinged.
      returned: always
      type: str
      sample: a1
    address:
      description: Its address in the network.
      returned: always
      type: str
      sample: 10.112.0.1
    peer:
      description: Who was pinged.
      returned: always
      type: str
      sample: b1
    peer_address:
      description: Its address in the network.
      returned: always
      type: str
      sample: 10.112.0.2
    reachable:
      description: Whether an answer came.
      returned: always
      type: bool
      sample: true
    rtt_ms:
      description: Time until the fastest answer in milliseconds; V(null) without one.
      returned: always
      type: float
      sample: 12.4
unreachable:
  description: The RV(pairs) that are not reachable.
  returned: when the test was made
  type: list
  elements: dict
  sample: []
matrix:
  description: RV(pairs[].rtt_ms) by host and peer.
  returned: when the test was made
  type: dict
  sample: {"a1": {"b1": 12.4}, "b1": {"a1": 12.6}}
reachable:
  description: How many pairs are reachable.
  returned: when the test was made
  type: int
  sample: 2
total:
  description: How many pairs there are.
  returned: when the test was made
  type: int
  sample: 2
"""

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._connectivity import (
    complaint,
    connectivity,
    spec_of_test,
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
    "hosts": {"type": "list", "elements": "str"},
    "count": {"type": "int", "default": 3},
    "wait_timeout": {"type": "int", "default": 10},
    "include_unmanaged": {"type": "bool", "default": False},
    "fail_on_unreachable": {"type": "bool", "default": True},
}
GRACE_S = 15
"""For the controllers to notice that the time of a test is over."""


def run_test(api: ControllerApi, params: Document) -> Document:
    """Has the hosts ping and returns the test when it is done, or when that has taken far too long."""
    network, timeout_s = params["network"], params["wait_timeout"]
    started = api.start_test(network, spec_of_test(params["hosts"], params["count"], timeout_s))
    return poll(
        lambda: api.test(network, started["id"]),
        lambda test: test["state"] == "done",
        timeout_s=timeout_s + GRACE_S,
    )


def ignored_peers(api: ControllerApi, params: Document) -> set[str]:
    """Returns the names of the peers that nobody has to reach."""
    if params["include_unmanaged"]:
        return set()
    return {peer["host"] for peer in api.peers(params["network"]) if not peer["managed"]}


def main() -> None:
    """Runs the module."""
    module = controller_module(OPTIONS)
    with controller_api(module) as api:
        test = run_test(api, module.params)
        found = connectivity(test, ignored_peers=ignored_peers(api, module.params))
        wrong = complaint(found)
        if wrong and module.params["fail_on_unreachable"]:
            message = f"Network {module.params['network']} is not whole. {wrong}"
            module.fail_json(msg=message, changed=False, **found)
        module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()

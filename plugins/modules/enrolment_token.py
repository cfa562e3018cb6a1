#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a one-time token with which a host joins a network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: enrolment_token
short_description: Make a one-time token with which a host joins a Cloud Adaptive Network
version_added: 0.1.0
description:
  - Makes a token with which the agent of one host has its certificate signed, once. Afterwards the host needs
    no token any more, also after a restart.
  - Make a token only for a host that has not joined yet. An agent has joined if
    C(/var/lib/cladnet/agents/<network>/identity.crt) exists.
author: Cloud-Barista community (@cloud-barista)
extends_documentation_fragment:
  - cloud_barista.cladnet._connection
  - cloud_barista.cladnet._attributes
  - cloud_barista.cladnet._attributes.action_group
attributes:
  check_mode:
    support: full
    details: No token is made, and none is returned.
  diff_mode:
    support: none
    details: The only thing made is a secret.
  idempotent:
    support: none
    details: Every run makes another token. Those not used expire.
options:
  network:
    description: Name of the network to join.
    type: str
    required: true
  host:
    description: Name of the host in the network. The token is good for no other.
    type: str
    required: true
notes:
  - The token is a secret for as long as it has not been used. Set C(no_log) to V(true) on this task and on
    the one that writes the token, so that it is shown on no screen and in no log.
seealso:
  - module: cloud_barista.cladnet.network
"""

EXAMPLES = r"""
- name: Ask a controller for a token
  cloud_barista.cladnet.enrolment_token:
    network: demo
    host: "{{ inventory_hostname }}"
    api_token_file: /var/lib/cladnet/controller/admin.token
    ca_path: /var/lib/cladnet/controller/pki/ca.crt
  delegate_to: "{{ groups['cladnet_controllers'][0] }}"
  register: enrolment
  no_log: true

- name: Hand the token to the agent
  ansible.builtin.copy:
    content: "{{ enrolment.token }}"
    dest: /var/lib/cladnet/agents/demo/enrolment.token
    owner: cladnet-agent
    group: cladnet-agent
    mode: "0600"
  no_log: true
"""

RETURN = r"""
token:
  description: The token. Missing in check mode.
  returned: success, outside check mode
  type: str
  sample: 0uK0vQp4m3g8v6kY0o6b0Q2f7l9w1x3z5A7C9E1G3I5
expires_in_s:
  description: For how many seconds the token is good if nobody uses it. Missing in check mode.
  returned: success, outside check mode
  type: int
  sample: 600
network:
  description: Name of the network.
  returned: success
  type: str
  sample: demo
host:
  description: Name of the host.
  returned: success
  type: str
  sample: a1
"""

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._controller_module import (
    ArgumentSpec,
    controller_api,
    controller_module,
)

OPTIONS: ArgumentSpec = {
    "network": {"type": "str", "required": True},
    "host": {"type": "str", "required": True},
}


def main() -> None:
    """Runs the module."""
    module = controller_module(OPTIONS)
    named = {option: module.params[option] for option in OPTIONS}
    if module.check_mode:
        module.exit_json(changed=True, **named)
    with controller_api(module) as api:
        made = api.create_enrolment_token(**named)
        module.exit_json(changed=True, token=made["token"], expires_in_s=made["expires_in_s"], **named)


if __name__ == "__main__":
    main()

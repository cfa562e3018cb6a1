#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs commands on VMs through CB-Tumblebug."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tumblebug_command
short_description: Run shell commands on the VMs of an infra through CB-Tumblebug
version_added: 0.2.0
description:
  - Lets CB-Tumblebug log in to virtual machines (VMs) by SSH, over a jump host where that is needed, and run
    shell commands. Neither keys nor addresses of the VMs are needed for that.
  - Use it before Ansible itself can reach the VMs, or where it never can. Everything else is better done by
    modules on hosts of the inventory.
  - It needs CB-Tumblebug v0.7.8 or newer.
author: Cloud-Barista community (@cloud-barista)
extends_documentation_fragment:
  - cloud_barista.cladnet._tumblebug
  - cloud_barista.cladnet._tumblebug.modules
  - cloud_barista.cladnet._attributes
attributes:
  check_mode:
    support: partial
    details:
      - Nothing is run and the task counts as skipped; RV(vms) has the VMs where the commands would be run.
  diff_mode:
    support: none
    details:
      - What a command changes is not known.
  idempotent:
    support: none
    details:
      - The commands are run each time, and that counts as a change. Use C(changed_when) on the task to say
        otherwise.
options:
  infra:
    description: Name of the infra (MCIS, MCI).
    type: str
    required: true
  commands:
    description:
      - What to run, one after the other. What follows a command that fails is not run.
      - They are not written to the log of the host where the module runs, but CB-Tumblebug keeps them and
        their output. If they hold secrets, set C(no_log) on the task too, as the result repeats them.
    type: list
    elements: str
    required: true
  groups:
    description: Only on the VMs of these groups. Without O(groups), O(vms) and O(label_selector), on all.
    type: list
    elements: str
    default: []
  vms:
    description: Only on these VMs.
    type: list
    elements: str
    default: []
  label_selector:
    description:
      - Only on VMs with these labels. Parts are C(key=value), C(key!=value), C(key in (a,b\)), C(key notin
        (a,b\)), C(key) and C(!key), with commas between, and all must hold.
      - It is evaluated by the module, and so the same for all releases of CB-Tumblebug.
    type: str
  user:
    description: User on the VMs. Without it, CB-Tumblebug takes the one that it has made, mostly V(cb-user).
    type: str
  fail_on:
    description: When the task fails.
    type: str
    choices:
      any: When a command fails on any VM, or a VM does not run.
      all: When that is so on all VMs.
      never: Not because of commands or VMs. Look at RV(results) yourself.
    default: any
  wait_timeout:
    description:
      - How many seconds to wait for the result. From CB-Tumblebug v0.12.6 on, commands that run longer are
        ended, in whole minutes from 1 to 120.
    type: int
    default: 1800
seealso:
  - module: cloud_barista.cladnet.tumblebug_infra
  - module: ansible.builtin.shell
"""

EXAMPLES = r"""
- name: See what is running on all VMs
  cloud_barista.cladnet.tumblebug_command:
    namespace: ns01
    infra: shop
    commands:
      - uname -r
      - uptime
  register: seen
  changed_when: false

- name: Show the kernels
  ansible.builtin.debug:
    msg: "{{ dict(vms | zip(kernels)) }}"
  vars:
    vms: "{{ seen.results | map(attribute='vm') }}"
    kernels: "{{ seen.results | map(attribute='stdout') | map('first') }}"

- name: Install Python where Ansible is to manage the VMs later
  cloud_barista.cladnet.tumblebug_command:
    namespace: ns01
    infra: shop
    label_selector: cladnet-role in (controller, agent)
    commands:
      - sudo apt-get update -qq
      - sudo apt-get install -qq -y python3
"""

RETURN = r"""
results:
  description: What came of it for each VM. VMs that do not run have failed.
  returned: when commands were run
  type: list
  elements: dict
  contains:
    vm:
      description: Id of the VM.
      returned: always
      type: str
      sample: web-1
    group:
      description: The group that it belongs to.
      returned: always
      type: str
      sample: web
    ip:
      description: Address by which it was reached.
      returned: always
      type: str
      sample: 198.51.100.10
    commands:
      description: The commands that CB-Tumblebug has run.
      returned: always
      type: list
      sample: ["hostname"]
    stdout:
      description: What each command wrote to its standard output.
      returned: always
      type: list
      sample: ["web-1\\n"]
    stderr:
      description: What each command wrote to its standard error.
      returned: always
      type: list
      sample: [""]
    failed:
      description: Whether something failed on this VM.
      returned: always
      type: bool
      sample: false
    error:
      description: Why; empty if nothing failed.
      returned: always
      type: str
      sample: ""
vms:
  description: The VMs that are meant.
  returned: always, unless the request fails
  type: list
  elements: str
  sample: [web-1, web-2]
failed_vms:
  description: The VMs where something failed.
  returned: when commands were run
  type: list
  elements: str
  sample: []
error:
  description: Why the module failed, in parts.
  returned: failure
  type: dict
  contains:
    code:
      description:
        - Kind of error, one of V(invalid_input), V(not_found), V(conflict), V(unauthorized) and
          V(unavailable) (try again later).
      returned: always
      type: str
      sample: conflict
    message:
      description: What is wrong, and with what.
      returned: always
      type: str
      sample: Group web of infra shop has the spec aws+ap-northeast-2+t3.small.
    hint:
      description: What to do about it; may be empty.
      returned: always
      type: str
      sample: Add a group of another name.
"""

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.command_module import run
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.module import (
    ArgumentSpec,
    tumblebug_module,
)

OPTIONS: ArgumentSpec = {
    "infra": {"type": "str", "required": True},
    "commands": {"type": "list", "elements": "str", "required": True},
    "groups": {"type": "list", "elements": "str", "default": []},
    "vms": {"type": "list", "elements": "str", "default": []},
    "label_selector": {"type": "str"},
    "user": {"type": "str"},
    "fail_on": {"type": "str", "choices": ["any", "all", "never"], "default": "any"},
    "wait_timeout": {"type": "int", "default": 1800},
}


def main() -> None:
    """Runs the module."""
    run(tumblebug_module(OPTIONS, no_log=True))  # no_log: what may hold secrets goes into no system log


if __name__ == "__main__":
    main()

#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes, enlarges, suspends, resumes, reboots and removes an infra of CB-Tumblebug."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tumblebug_infra
short_description: Make, change or remove an infra (MCIS, MCI) of CB-Tumblebug
version_added: 0.2.0
description:
  - Manages a multi-cloud infra of CB-Tumblebug, whichever it is called there, MCIS, MCI or Infra. It consists
    of groups of equal virtual machines (VMs), each made of a spec and an image.
  - VMs that are missing are made. VMs are removed only with O(state=absent), O(scale_in=true) or
    O(on_partial_failure=rollback). Groups that O(groups) does not name stay as they are.
  - When a run is interrupted, or the answer of CB-Tumblebug is lost on the way, CB-Tumblebug goes on. Nothing
    is ordered twice, and the next run waits for the rest and completes it.
  - When VMs cannot be made, the message says which and why, with the words of the cloud.
author: Cloud-Barista community (@cloud-barista)
extends_documentation_fragment:
  - cloud_barista.cladnet._tumblebug
  - cloud_barista.cladnet._tumblebug.modules
  - cloud_barista.cladnet._attributes
attributes:
  check_mode:
    support: full
    details:
      - What only CB-Tumblebug knows, as the VMs and their addresses, is missing from what would be made.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - O(state=rebooted) reboots at each run.
options:
  name:
    description:
      - Name of the infra. Letters, digits and C(-), beginning with a letter.
    type: str
    required: true
  state:
    description:
      - V(present) makes the infra and the VMs that O(groups) wants; VMs that are suspended stay so.
      - V(running) does the same, and resumes suspended VMs.
      - V(suspended) suspends all VMs that run. The infra must exist; O(groups) does not matter.
      - V(rebooted) reboots all VMs that run, and is always a change. The infra must exist; O(groups) does not
        matter.
      - V(absent) terminates all VMs and removes the infra. Networks and keys that CB-Tumblebug shares between
        infras stay.
    type: str
    choices: [present, absent, running, suspended, rebooted]
    default: present
  description:
    description: What the infra is for. It is given when the infra is made, and not changed later.
    type: str
  labels:
    description: Labels of the infra. They are given when the infra is made, and not changed later.
    type: dict
  groups:
    description:
      - The groups of VMs. Needed to make an infra.
      - Of a group that exists, O(groups[].size) is compared and O(groups[].spec) must be the same; all other
        options matter only when the group is made. CB-Tumblebug makes further VMs of a group like its first.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the group. Its VMs are called by it and a number, such as C(web-1).
        type: str
        required: true
      size:
        description: How many VMs that have not failed the group shall have.
        type: int
        default: 1
      spec:
        description: Id of the spec, see M(cloud_barista.cladnet.tumblebug_spec_info). Needed to make the
          group.
        type: str
      image:
        description: Id of the image, see M(cloud_barista.cladnet.tumblebug_image_info). Needed to make the
          group.
        type: str
      labels:
        description:
          - Labels of the VMs. Before CB-Tumblebug v0.9.12 they are kept as one text.
          - They are given to the VMs with which the group is made. CB-Tumblebug gives none to VMs that are
            added later.
        type: dict
      root_disk_type:
        description: Type of the root disk in the words of the cloud, such as V(gp3).
        type: str
      root_disk_size:
        description: Size of the root disk in GB.
        type: int
      zone:
        description: Zone of the VMs. Only with CB-Tumblebug v0.12.6 or newer; older ones choose it
          themselves.
        type: str
      connection:
        description: Connection to the cloud, if not the one that belongs to the spec.
        type: str
  scale_in:
    description:
      - Whether VMs are removed from a group that is larger than O(groups[].size), those of the highest
        numbers first. Without it, they stay and a warning says so.
    type: bool
    default: false
  on_partial_failure:
    description: What to do when some VMs cannot be made.
    type: str
    choices:
      keep: Fail and leave everything as it is, to be looked at. The next run makes others in their place.
      refine: Warn, let CB-Tumblebug forget VMs that failed, also in earlier runs, and go on with the others.
        Fail if a group has no others.
      rollback: Remove again what this run has made, and fail.
    default: keep
  create_namespace:
    description: Whether to make O(namespace) if it does not exist. Without it, that is an error.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until all VMs are in the wanted state and running VMs have public addresses. An
        address is waited for during at most one minute, because some VMs never get one.
      - Without it, the module gives CB-Tumblebug O(timeout) seconds to answer and leaves it at that. What
        fails later is then not noticed, and O(on_partial_failure) does not matter.
    type: bool
    default: true
  wait_timeout:
    description: How many seconds to wait for everything together.
    type: int
    default: 1800
  poll_interval:
    description: Seconds between two looks at the infra.
    type: int
    default: 5
seealso:
  - module: cloud_barista.cladnet.tumblebug_infra_info
  - module: cloud_barista.cladnet.tumblebug_spec_info
  - module: cloud_barista.cladnet.tumblebug_image_info
  - plugin: cloud_barista.cladnet.tumblebug
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Find the cheapest spec with 2 CPUs in Seoul
  cloud_barista.cladnet.tumblebug_spec_info:
    namespace: ns01
    provider: aws
    region: ap-northeast-2
    vcpu_min: 2
    limit: 1
  register: spec

- name: Find the newest Ubuntu that boots on it
  cloud_barista.cladnet.tumblebug_image_info:
    namespace: ns01
    spec: "{{ spec.specs[0].id }}"
    os: ubuntu 22.04
    limit: 1
  register: image

- name: Make an infra of two VMs
  cloud_barista.cladnet.tumblebug_infra:
    namespace: ns01
    create_namespace: true
    name: shop
    groups:
      - name: web
        size: 2
        spec: "{{ spec.specs[0].id }}"
        image: "{{ image.images[0].id }}"
        labels:
          cladnet-role: controller

- name: Make it larger
  cloud_barista.cladnet.tumblebug_infra:
    namespace: ns01
    name: shop
    groups:
      - name: web
        size: 3

- name: Suspend it over night
  cloud_barista.cladnet.tumblebug_infra:
    namespace: ns01
    name: shop
    state: suspended

- name: Remove it
  cloud_barista.cladnet.tumblebug_infra:
    namespace: ns01
    name: shop
    state: absent
"""

RETURN = r"""
infra:
  description:
    - The infra as it is now. In check mode, as it would be, as far as that is known.
    - When some VMs failed, how the infra stands then; without a value if it was rolled back.
  returned: success and O(state) is not V(absent), or failure of some VMs
  type: dict
  contains:
    namespace:
      description: Namespace.
      returned: always
      type: str
      sample: ns01
    name:
      description: Name.
      returned: always
      type: str
      sample: shop
    description:
      description: What it is for.
      returned: always
      type: str
      sample: A shop over two clouds
    labels:
      description: Labels of the infra.
      returned: always
      type: dict
      sample: {stage: test}
    status:
      description: Status of the whole, as CB-Tumblebug words it.
      returned: always
      type: str
      sample: "Running:3 (R:3/3)"
    power:
      description: V(running) or V(suspended) if all VMs are, V(mixed) if they are not, empty without VMs.
      returned: always
      type: str
      sample: running
    message:
      description: What CB-Tumblebug says about the infra, such as what went wrong when it was made.
      returned: always
      type: str
      sample: ""
    groups:
      description: The size and spec of each group, by its name. Failed and terminated VMs do not count.
      returned: always
      type: dict
      sample: {web: {size: 2, spec: aws+ap-northeast-2+t3.small}}
    failed_vms:
      description: Ids of the VMs that have failed.
      returned: always
      type: list
      elements: str
      sample: []
    vms:
      description: The VMs, in the order of their groups and numbers.
      returned: always
      type: list
      elements: dict
      contains:
        id:
          description: Id, unique in the infra.
          returned: always
          type: str
          sample: web-1
        name:
          description: Name.
          returned: always
          type: str
          sample: web-1
        group:
          description: The group that it belongs to.
          returned: always
          type: str
          sample: web
        status:
          description: Status, such as V(Running), V(Suspended) or V(Failed).
          returned: always
          type: str
          sample: Running
        action:
          description: What CB-Tumblebug is doing to it; empty when nothing.
          returned: always
          type: str
          sample: ""
        message:
          description: What CB-Tumblebug or the cloud says about it, such as why it failed.
          returned: always
          type: str
          sample: ""
        public_ip:
          description: Public address; empty if it has none.
          returned: always
          type: str
          sample: 198.51.100.10
        private_ip:
          description: Private address.
          returned: always
          type: str
          sample: 10.0.1.10
        ssh_port:
          description: Port of its SSH server.
          returned: always
          type: int
          sample: 22
        ssh_user:
          description: User for SSH, as far as known.
          returned: always
          type: str
          sample: cb-user
        ssh_key:
          description: Id of its SSH key at CB-Tumblebug.
          returned: always
          type: str
          sample: ns01-shared-aws-ap-northeast-2
        ssh_host_key:
          description: Type and key of its SSH server, once CB-Tumblebug has connected to it; from v0.12.2.
          returned: always
          type: str
          sample: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGk1
        provider:
          description: Provider, in lower case.
          returned: always
          type: str
          sample: aws
        region:
          description: Region.
          returned: always
          type: str
          sample: ap-northeast-2
        zone:
          description: Zone; may be empty.
          returned: always
          type: str
          sample: ap-northeast-2a
        connection:
          description: Connection by which CB-Tumblebug reaches the cloud.
          returned: always
          type: str
          sample: aws-ap-northeast-2
        vnet:
          description: Id of its vNet at CB-Tumblebug.
          returned: always
          type: str
          sample: ns01-shared-aws-ap-northeast-2
        subnet:
          description: Id of its subnet at CB-Tumblebug.
          returned: always
          type: str
          sample: ns01-shared-aws-ap-northeast-2
        csp_id:
          description: Id of the VM at the cloud.
          returned: always
          type: str
          sample: i-0a1b2c3d4e5f60718
        csp_vnet:
          description: Id of its network at the cloud.
          returned: always
          type: str
          sample: vpc-0a1b2c3d
        csp_subnet:
          description: Id of its subnet at the cloud.
          returned: always
          type: str
          sample: subnet-0a1b2c3d
        spec:
          description: Id of its spec.
          returned: always
          type: str
          sample: aws+ap-northeast-2+t3.small
        image:
          description: Id of its image.
          returned: always
          type: str
          sample: ami-0c9c942bd7bf113a2
        uid:
          description: Id that is unique in all CB-Tumblebug; empty before v0.9.8.
          returned: always
          type: str
          sample: tbd1b7k3m9q2x8w4c6v5
        description:
          description: What it is for.
          returned: always
          type: str
          sample: ""
        created:
          description: When it was made, as CB-Tumblebug writes it.
          returned: always
          type: str
          sample: "2026-09-08 08:11:30"
        labels:
          description: Labels.
          returned: always
          type: dict
          sample: {stage: test}
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

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.infra_module import run
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.module import (
    ArgumentSpec,
    tumblebug_module,
)

GROUP_OPTIONS: ArgumentSpec = {
    "name": {"type": "str", "required": True},
    "size": {"type": "int", "default": 1},
    "spec": {"type": "str"},
    "image": {"type": "str"},
    "labels": {"type": "dict"},
    "root_disk_type": {"type": "str"},
    "root_disk_size": {"type": "int"},
    "zone": {"type": "str"},
    "connection": {"type": "str"},
}
OPTIONS: ArgumentSpec = {
    "name": {"type": "str", "required": True},
    "state": {
        "type": "str",
        "choices": ["present", "absent", "running", "suspended", "rebooted"],
        "default": "present",
    },
    "description": {"type": "str"},
    "labels": {"type": "dict"},
    "groups": {"type": "list", "elements": "dict", "options": GROUP_OPTIONS, "default": []},
    "scale_in": {"type": "bool", "default": False},
    "on_partial_failure": {"type": "str", "choices": ["keep", "refine", "rollback"], "default": "keep"},
    "create_namespace": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 1800},
    "poll_interval": {"type": "int", "default": 5},
}


def main() -> None:
    """Runs the module."""
    run(tumblebug_module(OPTIONS))


if __name__ == "__main__":
    main()

#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells about the infras of CB-Tumblebug."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tumblebug_infra_info
short_description: Get information about infras (MCIS, MCI) of CB-Tumblebug and their VMs
version_added: 0.2.0
description:
  - Returns one infra of a namespace, or all of them, with their virtual machines (VMs) in the same words for
    every release of CB-Tumblebug.
  - Passwords and private keys are never returned.
author: Cloud-Barista community (@cloud-barista)
extends_documentation_fragment:
  - cloud_barista.cladnet._tumblebug
  - cloud_barista.cladnet._tumblebug.modules
  - cloud_barista.cladnet._attributes
  - cloud_barista.cladnet._attributes.info_module
options:
  name:
    description:
      - Name of the infra. Without it, all infras of the namespace are returned, of which two can be read in a
        second.
    type: str
seealso:
  - module: cloud_barista.cladnet.tumblebug_infra
  - plugin: cloud_barista.cladnet.tumblebug
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Look at one infra
  cloud_barista.cladnet.tumblebug_infra_info:
    namespace: ns01
    name: shop
  register: found

- name: Say where its VMs are
  ansible.builtin.debug:
    msg: "{{ found.infras[0].vms | items2dict('id', 'public_ip') }}"
  when: found.infras | length > 0
"""

RETURN = r"""
infras:
  description: The infras in the order of their names; empty if there is none of that name.
  returned: success
  type: list
  elements: dict
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

from dataclasses import replace

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.infra_state import (
    infra_document,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.module import (
    ArgumentSpec,
    place_of,
    tumblebug_client,
    tumblebug_module,
)

OPTIONS: ArgumentSpec = {"name": {"type": "str"}}


def main() -> None:
    """Runs the module."""
    module = tumblebug_module(OPTIONS)
    name = module.params["name"]
    with tumblebug_client(module) as client:
        place = place_of(client, module.params, name or "")
        names = [name] if name else sorted(client.infras(place.era, place.namespace))
        found = [client.infra(replace(place, infra=each)) for each in names]
        infras = [infra_document(place.era, place.namespace, infra) for infra in found if infra is not None]
        module.exit_json(changed=False, infras=infras)


if __name__ == "__main__":
    main()

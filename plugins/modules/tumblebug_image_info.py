#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds images of VMs by CB-Tumblebug's search."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tumblebug_image_info
short_description: Find images (operating systems of VMs) by region, system and spec
version_added: 0.2.0
description:
  - Searches the images of all clouds that CB-Tumblebug knows. Plain operating systems come first, of these
    the newest.
  - All conditions must hold. Which namespace is given does not matter, as images are the same for all.
author: Cloud-Barista community (@cloud-barista)
extends_documentation_fragment:
  - cloud_barista.cladnet._tumblebug
  - cloud_barista.cladnet._tumblebug.modules
  - cloud_barista.cladnet._attributes
  - cloud_barista.cladnet._attributes.info_module
options:
  provider:
    description: Provider, such as V(aws).
    type: str
  region:
    description: Region, such as V(ap-northeast-2).
    type: str
  os:
    description: Operating system, with or without a version, such as V(ubuntu 22.04). All words must be
      found.
    type: str
  architecture:
    description: Architecture of the CPU. Releases of CB-Tumblebug before v0.11 do not know it, which is an
      error.
    type: str
    choices: [x86_64, arm64]
  spec:
    description:
      - Id of the spec on which the image shall boot, see M(cloud_barista.cladnet.tumblebug_spec_info).
        Releases of CB-Tumblebug before v0.11 only look whether both are of the same region.
    type: str
  gpu:
    description: Whether it has drivers for GPUs. Without it, that does not matter.
    type: bool
  basic_only:
    description: Only operating systems without further software. Releases before v0.11 have no others.
    type: bool
    default: true
  deprecated:
    description: Whether images that the cloud has given up are found too.
    type: bool
    default: false
  limit:
    description: How many images at most. V(0) means all.
    type: int
    default: 10
seealso:
  - module: cloud_barista.cladnet.tumblebug_spec_info
  - module: cloud_barista.cladnet.tumblebug_infra
"""

EXAMPLES = r"""
- name: Find the newest plain Ubuntu 22.04 for a spec
  cloud_barista.cladnet.tumblebug_image_info:
    namespace: ns01
    spec: aws+ap-northeast-2+t3.small
    os: ubuntu 22.04
    limit: 1
  register: image
"""

RETURN = r"""
images:
  description: The images, best first; empty if there is none.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id, for O(cloud_barista.cladnet.tumblebug_infra#module:groups[].image).
      returned: always
      type: str
      sample: ami-0c9c942bd7bf113a2
    name:
      description: Name in the words of the cloud.
      returned: always
      type: str
      sample: ami-0c9c942bd7bf113a2
    provider:
      description: Provider, in lower case.
      returned: always
      type: str
      sample: aws
    regions:
      description: Regions where it can be used; empty if not known.
      returned: always
      type: list
      sample: [ap-northeast-2]
    connection:
      description: Connection by which CB-Tumblebug reaches the cloud; may be empty.
      returned: always
      type: str
      sample: aws-ap-northeast-2
    os:
      description: Operating system and version.
      returned: always
      type: str
      sample: Ubuntu 22.04
    distribution:
      description: What the cloud says about it.
      returned: always
      type: str
      sample: ubuntu-jammy-22.04-amd64-server-20260801
    platform:
      description: Platform; empty if not known.
      returned: always
      type: str
      sample: Linux/UNIX
    architecture:
      description: Architecture; empty if the release of CB-Tumblebug does not know it.
      returned: always
      type: str
      sample: x86_64
    basic:
      description: Whether it is an operating system without further software; without a value if not known.
      returned: always
      type: bool
      sample: true
    gpu:
      description: Whether it has drivers for GPUs; without a value if not known.
      returned: always
      type: bool
      sample: false
    status:
      description: Status, such as V(Available) or V(Deprecated).
      returned: always
      type: str
      sample: Available
    created:
      description: When it was made, as the cloud writes it.
      returned: always
      type: str
      sample: "2026-08-01T00:00:00Z"
    disk_gb:
      description: Size of its disk in GB; without a value if not known.
      returned: always
      type: float
      sample: 8
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

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.images import (
    found_images,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.module import (
    ArgumentSpec,
    era_of,
    tumblebug_client,
    tumblebug_module,
)

OPTIONS: ArgumentSpec = {
    "provider": {"type": "str"},
    "region": {"type": "str"},
    "os": {"type": "str"},
    "architecture": {"type": "str", "choices": ["x86_64", "arm64"]},
    "spec": {"type": "str"},
    "gpu": {"type": "bool"},
    "basic_only": {"type": "bool", "default": True},
    "deprecated": {"type": "bool", "default": False},
    "limit": {"type": "int", "default": 10},
}


def main() -> None:
    """Runs the module."""
    module = tumblebug_module(OPTIONS)
    with tumblebug_client(module) as client:
        dialect = client.dialect(era_of(client, module.params))
        module.exit_json(changed=False, images=found_images(client, dialect, module.params))


if __name__ == "__main__":
    main()

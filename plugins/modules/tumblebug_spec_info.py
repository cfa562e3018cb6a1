#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds specs of VMs by CB-Tumblebug's recommendation."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tumblebug_spec_info
short_description: Find specs (sizes of VMs) by price, performance or place
version_added: 0.2.0
description:
  - Asks CB-Tumblebug to recommend specs of virtual machines (VMs) of all clouds that it knows.
  - All conditions must hold. Which namespace is given does not matter, as specs are the same for all.
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
  vcpu_min:
    description: How many virtual CPUs at least.
    type: int
  vcpu_max:
    description: How many virtual CPUs at most.
    type: int
  memory_gib_min:
    description: How much memory at least, in GiB.
    type: float
  memory_gib_max:
    description: How much memory at most, in GiB.
    type: float
  cost_per_hour_max:
    description: The highest price in US dollars an hour. Specs whose price is not known are then left out.
    type: float
  architecture:
    description: Architecture of the CPU. Releases of CB-Tumblebug before v0.11 do not know it, which is an
      error.
    type: str
    choices: [x86_64, arm64]
  sort:
    description: Which specs come first.
    type: str
    choices:
      price: The cheapest.
      performance: Those that CB-Tumblebug rates best.
      location: Those nearest to O(near).
      latency: Those in regions that answer O(near_regions) fastest, as far as CB-Tumblebug has measured.
    default: price
  near:
    description: Places to be near to. Of several, the centre counts. Needed for O(sort=location).
    type: list
    elements: dict
    suboptions:
      latitude:
        description: Degrees north, or south if negative.
        type: float
        required: true
      longitude:
        description: Degrees east, or west if negative.
        type: float
        required: true
  near_regions:
    description:
      - Regions to be near to, each with its provider, such as V(aws-ap-northeast-2). Needed for
        O(sort=latency).
    type: list
    elements: str
  limit:
    description: How many specs at most. V(0) means all, which can be tens of thousands.
    type: int
    default: 10
seealso:
  - module: cloud_barista.cladnet.tumblebug_image_info
  - module: cloud_barista.cladnet.tumblebug_infra
"""

EXAMPLES = r"""
- name: Find the three cheapest specs with 4 CPUs and 8 GiB in Frankfurt or near to it
  cloud_barista.cladnet.tumblebug_spec_info:
    namespace: ns01
    vcpu_min: 4
    memory_gib_min: 8
    sort: location
    near:
      - latitude: 50.11
        longitude: 8.68
    limit: 3

- name: Find ARM specs of one region for less than 5 cents an hour
  cloud_barista.cladnet.tumblebug_spec_info:
    namespace: ns01
    provider: aws
    region: ap-northeast-2
    architecture: arm64
    cost_per_hour_max: 0.05
"""

RETURN = r"""
specs:
  description: The specs, best first; empty if there is none.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id, for O(cloud_barista.cladnet.tumblebug_infra#module:groups[].spec).
      returned: always
      type: str
      sample: aws+ap-northeast-2+t3.small
    name:
      description: Name in the words of the cloud.
      returned: always
      type: str
      sample: t3.small
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
    connection:
      description: Connection by which CB-Tumblebug reaches the cloud.
      returned: always
      type: str
      sample: aws-ap-northeast-2
    architecture:
      description: Architecture; empty if the release of CB-Tumblebug does not know it.
      returned: always
      type: str
      sample: x86_64
    vcpu:
      description: How many virtual CPUs; without a value if not known.
      returned: always
      type: int
      sample: 2
    memory_gib:
      description: Memory in GiB; without a value if not known.
      returned: always
      type: float
      sample: 2.0
    cost_per_hour:
      description: Price in US dollars an hour; without a value if not known.
      returned: always
      type: float
      sample: 0.026
    accelerator:
      description: Model of its accelerator (GPU); empty if it has none.
      returned: always
      type: str
      sample: ""
    accelerators:
      description: How many accelerators.
      returned: always
      type: int
      sample: 0
    performance:
      description: How CB-Tumblebug rates its performance, the more the better; without a value if not known.
      returned: always
      type: float
      sample: 13.2
    latitude:
      description: Latitude of the region; without a value if not known.
      returned: always
      type: float
      sample: 37.36
    longitude:
      description: Longitude of the region; without a value if not known.
      returned: always
      type: float
      sample: 126.78
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

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.module import (
    ArgumentSpec,
    era_of,
    tumblebug_client,
    tumblebug_module,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.specs import (
    recommendation_body,
    wished_specs,
)

PLACE_OPTIONS: ArgumentSpec = {
    "latitude": {"type": "float", "required": True},
    "longitude": {"type": "float", "required": True},
}
OPTIONS: ArgumentSpec = {
    "provider": {"type": "str"},
    "region": {"type": "str"},
    "vcpu_min": {"type": "int"},
    "vcpu_max": {"type": "int"},
    "memory_gib_min": {"type": "float"},
    "memory_gib_max": {"type": "float"},
    "cost_per_hour_max": {"type": "float"},
    "architecture": {"type": "str", "choices": ["x86_64", "arm64"]},
    "sort": {"type": "str", "choices": ["price", "performance", "location", "latency"], "default": "price"},
    "near": {"type": "list", "elements": "dict", "options": PLACE_OPTIONS},
    "near_regions": {"type": "list", "elements": "str"},
    "limit": {"type": "int", "default": 10},
}


def main() -> None:
    """Runs the module."""
    module = tumblebug_module(OPTIONS)
    wish = module.params
    with tumblebug_client(module) as client:
        dialect = client.dialect(era_of(client, wish))
        body = recommendation_body(dialect, wish)
        answer = client.order("POST", dialect.recommend_path, "recommend specs", body=body)
        module.exit_json(changed=False, specs=wished_specs(answer, wish))


if __name__ == "__main__":
    main()

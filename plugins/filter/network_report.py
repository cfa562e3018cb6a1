# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts together what the hosts and controllers of a network said."""

from __future__ import annotations

DOCUMENTATION = r"""
name: network_report
short_description: Put together what the hosts and controllers of a network said
version_added: 0.2.0
author: Cloud-Barista community (@cloud-barista)
description:
  - Makes the report of the playbook C(cloud_barista.cladnet.status) - who reaches whom and by which way,
    versions, controllers, and findings with what to do about each.
  - Runs on the control node and asks nobody.
positional: _input
options:
  _input:
    description:
      - What each host said, as the playbook keeps it in the fact C(cladnet_answer).
    type: list
    elements: dict
    required: true
  network:
    description: Name of the network.
    type: str
    required: true
  time:
    description: When the hosts were asked, in ISO 8601.
    type: str
    required: true
  inventory:
    description: Name in the network of every host that should be a member, by its name in the inventory.
    type: dict
    required: true
  asked:
    description: Names in the inventory of the hosts that were asked.
    type: list
    elements: str
    required: true
  known:
    description:
      - What M(cloud_barista.cladnet.network_info) returned with its option C(peers). Anything else means that
        no controller has answered.
    type: dict
    required: true
  health:
    description: Results of a loop of M(ansible.builtin.uri) over the health of the controllers.
    type: list
    elements: dict
    required: true
seealso:
  - plugin: cloud_barista.cladnet.network_report_page
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Report on a network without controllers that answer
  ansible.builtin.debug:
    msg: "{{ report.summary.text }}"
  vars:
    report: >-
      {{ ansible_play_hosts_all | map('extract', hostvars, 'cladnet_answer')
         | cloud_barista.cladnet.network_report(network='demo', time='2026-03-14T03:00:00Z', asked=['web-1'],
                                                inventory={'web-1': 'web-1'}, known={}, health=[]) }}
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
  contains:
    ok:
      description: Whether there is nothing that somebody has to do.
      returned: always
      type: bool
      sample: true
    network:
      description: Name of the network.
      returned: always
      type: str
      sample: demo
    time:
      description: When the hosts were asked.
      returned: always
      type: str
      sample: "2026-03-14T03:00:00Z"
    cidr:
      description: Address space of the network, or V(unknown).
      returned: always
      type: str
      sample: 10.112.0.0/24
    description:
      description: What the network is for.
      returned: always
      type: str
      sample: Kubernetes over three clouds
    pairs:
      description: How many pairs of hosts should reach each other, each direction counted.
      returned: always
      type: int
      sample: 30
    reachable:
      description: How many of them do.
      returned: always
      type: int
      sample: 30
    unreachable:
      description: Those that do not.
      returned: always
      type: list
      elements: str
      sample: ["a1 to b1"]
    hosts:
      description:
        - Every host that answered, with C(host), C(address), C(state), C(reason), C(agent_version),
          C(release), C(public_endpoint), C(controller), C(mtu), C(cloud) and C(pairs).
        - A pair has C(host), C(address), C(reachable), C(rtt_ms), C(endpoint), C(rule_endpoint), C(path),
          C(handshake_age_s) and C(expected). The path is V(rule) (the endpoint of the networking rule),
          V(learned) (where the peer was heard from), V(none), or V(unknown) (a member that this host does not
          know).
      returned: always
      type: list
      elements: dict
      sample: []
    controllers:
      description: Every controller with C(host), C(healthy), C(version), C(etcd) and C(error).
      returned: always
      type: list
      elements: dict
      sample: []
    versions:
      description: Names of hosts by C(agent_version) and by C(release).
      returned: always
      type: dict
      sample: {"agent_version": {"0.2.0": ["a1", "b1"]}, "release": {"0.2.0-1f2e3d4c5b6a": ["a1", "b1"]}}
    findings:
      description:
        - What is wrong, errors first, with C(severity) (V(error) or V(warning)), C(kind), C(host), C(what)
          and C(remedy).
      returned: always
      type: list
      elements: dict
      sample: []
    conflicts:
      description: The findings about overlapping networks and about duplicates.
      returned: always
      type: list
      elements: dict
      sample: []
    no_answer:
      description: Hosts that did not answer Ansible.
      returned: always
      type: list
      elements: str
      sample: []
    not_installed:
      description: Hosts without cladnet.
      returned: always
      type: list
      elements: str
      sample: []
    not_in_inventory:
      description: Members of the network that the inventory lacks.
      returned: always
      type: list
      elements: str
      sample: []
    not_in_network:
      description: Hosts of the inventory that are no members.
      returned: always
      type: list
      elements: str
      sample: []
    summary:
      description: The same in a few figures and, as C(text), in sentences.
      returned: always
      type: dict
      sample: {"ok": true, "hosts": 6, "answered": 6, "pairs": 30, "reachable": 30, "errors": 0}
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._report.report import network_report


def report(said: t.Iterable[t.Mapping[str, t.Any]], **options: t.Any) -> dict[str, t.Any]:  # noqa: ANN401
    """Makes the report.

    :raises AnsibleFilterError: something is missing, or is not what the playbook keeps.
    """
    try:
        return network_report(said, **options)
    except (TypeError, KeyError, AttributeError) as exc:
        raise AnsibleFilterError(
            f"cloud_barista.cladnet.network_report cannot read what it was given: {exc!r}."
            " Give it what the playbook cloud_barista.cladnet.status keeps of each host."
        ) from exc


class FilterModule:
    """The plugin."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Returns the filter by its name."""
        return {"network_report": report}

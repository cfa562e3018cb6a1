# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows a report on a network as a page."""

from __future__ import annotations

DOCUMENTATION = r"""
name: network_report_page
short_description: Show a report on a network as an HTML page
version_added: 0.2.0
author: Cloud-Barista community (@cloud-barista)
description:
  - Makes one HTML page of a report. The page needs no other file and no network, runs no script, and shows
    what hosts said as text, whatever it is.
positional: _input
options:
  _input:
    description: A report of the filter P(cloud_barista.cladnet.network_report#filter).
    type: dict
    required: true
seealso:
  - plugin: cloud_barista.cladnet.network_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Keep a report as a page
  ansible.builtin.copy:
    content: "{{ cladnet_network_report | cloud_barista.cladnet.network_report_page }}"
    dest: report.html
    mode: "0644"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
_value:
  description: The page.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._report.page import report_page


def page(report: t.Mapping[str, t.Any]) -> str:
    """Makes the page.

    :raises AnsibleFilterError: it is no report.
    """
    try:
        return report_page(report)
    except (TypeError, KeyError, AttributeError) as exc:
        raise AnsibleFilterError(
            f"cloud_barista.cladnet.network_report_page cannot read the report: {exc!r}."
            " Give it a result of the filter cloud_barista.cladnet.network_report."
        ) from exc


class FilterModule:
    """The plugin."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Returns the filter by its name."""
        return {"network_report_page": page}

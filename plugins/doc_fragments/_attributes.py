# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to the collection: what modules promise, in the same words everywhere."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes; a module extends those that it has and says what ``support`` cannot."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
  diff_mode:
    description:
      - Returns details on what has changed (or possibly needs changing in C(check_mode)) when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates
        no change.
      - This assumes that the system controlled or queried by the module has not changed in a relevant way.
  platform:
    description: The target operating systems of the module.
    platforms: linux
    support: full
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/cloud_barista.cladnet.cladnet) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - cloud_barista.cladnet.cladnet
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: The module changes nothing.
  diff_mode:
    support: N/A
    details: The module changes nothing.
  idempotent:
    support: full
    details: The module changes nothing.
"""

    FACTS = r"""
options: {}
attributes:
  facts:
    description: Returns an C(ansible_facts) dictionary, so that its values are facts of the host afterwards.
    support: full
"""

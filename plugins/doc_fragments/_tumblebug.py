# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Options by which plugins and modules reach CB-Tumblebug."""

from __future__ import annotations


class ModuleDocFragment:
    """Sections: the standard one has the options; PLUGINS and MODULES add their environment variables."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of CB-Tumblebug, such as V(http://tumblebug.example:1323), with or without V(/tumblebug) at
        its end.
    type: str
    required: true
  username:
    description:
      - User of CB-Tumblebug's basic authentication.
    type: str
    default: default
  password:
    description:
      - Password of O(username).
    type: str
  token:
    description:
      - Bearer token, for a CB-Tumblebug behind a gateway that wants one. It is sent in place of O(username)
        and O(password).
    type: str
  validate_certs:
    description:
      - Whether the certificate of an C(https) address must be valid. Switch it off only for trials.
    type: bool
    default: true
  ca_path:
    description:
      - File with the certificates of the authorities that are trusted for O(url), in PEM format.
      - Without it the authorities of the operating system are trusted.
    type: path
  timeout:
    description:
      - Seconds to wait for one answer. CB-Tumblebug asks the clouds before it answers, for up to 120 seconds.
    type: int
    default: 130
"""

    PLUGINS = r"""
options:
  url:
    env:
      - name: TUMBLEBUG_URL
  username:
    env:
      - name: TUMBLEBUG_USERNAME
  password:
    env:
      - name: TUMBLEBUG_PASSWORD
  token:
    env:
      - name: TUMBLEBUG_TOKEN
  validate_certs:
    env:
      - name: TUMBLEBUG_VALIDATE_CERTS
  ca_path:
    env:
      - name: TUMBLEBUG_CA_PATH
  timeout:
    env:
      - name: TUMBLEBUG_TIMEOUT
"""

    MODULES = r"""
options:
  era:
    description:
      - The word that the API of CB-Tumblebug uses for an infra. V(auto) finds it out, with at most three
        requests.
    type: str
    choices: [auto, infra, mci, mcis]
    default: auto
  namespace:
    description:
      - Id of the namespace.
    type: str
    required: true
attributes:
  action_group:
    description:
      - Use C(group/cloud_barista.cladnet.tumblebug) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - cloud_barista.cladnet.tumblebug
notes:
  - Of the host where the module runs, which is usually C(localhost), the environment variables
    E(TUMBLEBUG_URL), E(TUMBLEBUG_USERNAME), E(TUMBLEBUG_PASSWORD), E(TUMBLEBUG_TOKEN),
    E(TUMBLEBUG_VALIDATE_CERTS), E(TUMBLEBUG_CA_PATH), E(TUMBLEBUG_TIMEOUT), E(TUMBLEBUG_ERA) and
    E(TUMBLEBUG_NAMESPACE) stand for the options of these names that are not set.
  - Set these options once for all modules with C(module_defaults) and the group
    C(group/cloud_barista.cladnet.tumblebug).
  - CB-Tumblebug answers two requests for infras in a second. The modules keep to that, and wait where others
    have used it up.
"""

# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to the collection: how modules reach a controller."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that talks to a controller; ``_controller_module`` has their argument spec."""

    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - Where the REST API of a controller is.
      - If not set, the environment variable E(CLADNET_API_URL) of the host where the module runs is used.
      - A proxy of the environment is used, but never for an address of the host itself.
    type: str
    default: https://127.0.0.1:8053
  api_token:
    description:
      - The administrator's token of the controller. One of O(api_token) and O(api_token_file) is needed; if
        both are there, O(api_token) is used.
      - If not set, the environment variable E(CLADNET_API_TOKEN) of the host where the module runs is used.
    type: str
  api_token_file:
    description:
      - A file with the token, on the host where the module runs. A controller keeps it in
        C(/var/lib/cladnet/controller/admin.token), readable by C(root) and the controller.
      - If not set, the environment variable E(CLADNET_API_TOKEN_FILE) of the host where the module runs is
        used.
    type: path
  ca_path:
    description:
      - The certificate authority that signed the controller's certificate (PEM), on the host where the module
        runs. A controller keeps it in C(/var/lib/cladnet/controller/pki/ca.crt).
      - If not set, the environment variable E(CLADNET_CA_PATH) of the host where the module runs is used,
        else the certificate authorities of that host.
    type: path
  validate_certs:
    description:
      - Whether the controller's certificate is checked. V(false) lets anybody in between take the token; it
        is for a first look only.
      - If not set, the environment variable E(CLADNET_VALIDATE_CERTS) of the host where the module runs is
        used.
    type: bool
    default: true
  timeout:
    description:
      - How many seconds to wait for an answer.
      - If not set, the environment variable E(CLADNET_TIMEOUT) of the host where the module runs is used.
    type: int
    default: 30
notes:
  - The module runs where a controller can be reached, usually on a host of the group C(cladnet_controllers).
    Elsewhere set O(api_url), O(ca_path) and the token.
  - Set these options once for all modules with C(module_defaults) and the group
    C(group/cloud_barista.cladnet.cladnet).
"""

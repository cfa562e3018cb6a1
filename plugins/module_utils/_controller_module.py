# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules that talk to a controller have in common: options, connection, and how they fail."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager

from ansible.module_utils.basic import AnsibleModule, env_fallback

from ._controller_api import Connection, ControllerApi
from ._errors import CladnetError

ArgumentSpec = dict[str, dict[str, t.Any]]

DEFAULT_API_URL = "https://127.0.0.1:8053"
CONNECTION_OPTIONS: ArgumentSpec = {
    "api_url": {"type": "str", "default": DEFAULT_API_URL, "fallback": (env_fallback, ["CLADNET_API_URL"])},
    "api_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["CLADNET_API_TOKEN"])},
    "api_token_file": {
        "type": "path",
        "no_log": False,
        "fallback": (env_fallback, ["CLADNET_API_TOKEN_FILE"]),
    },
    "ca_path": {"type": "path", "fallback": (env_fallback, ["CLADNET_CA_PATH"])},
    "validate_certs": {
        "type": "bool",
        "default": True,
        "fallback": (env_fallback, ["CLADNET_VALIDATE_CERTS"]),
    },
    "timeout": {"type": "int", "default": 30, "fallback": (env_fallback, ["CLADNET_TIMEOUT"])},
}


def controller_module(options: ArgumentSpec, **rules: t.Any) -> AnsibleModule:  # noqa: ANN401  (as AnsibleModule's)
    """Makes a module with its own options beside those of the connection."""
    return AnsibleModule(
        argument_spec={**CONNECTION_OPTIONS, **options},
        required_one_of=[["api_token", "api_token_file"]],
        supports_check_mode=True,
        **rules,
    )


@contextmanager
def controller_api(module: AnsibleModule) -> t.Iterator[ControllerApi]:
    """Opens the API that the options name; what goes wrong inside ends the module with a sentence and a code.

    In the result, ``error`` has the code, the message and the hint apart, for rescue blocks.
    """
    try:
        yield ControllerApi(Connection.from_params(module.params))
    except CladnetError as exc:
        module.fail_json(msg=str(exc), error={"code": exc.code, "message": exc.message, "hint": exc.hint})

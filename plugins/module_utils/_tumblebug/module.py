# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What all modules that talk to CB-Tumblebug have in common: options, connection, and how they fail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback

from .._errors import CladnetError
from .client import ERAS
from .dialect import dialect_of
from .infra_state import check_name
from .lifecycle import InfraIncomplete
from .operator import Operator, Place
from .transport import Connection, OpenUrlTransport

ArgumentSpec = dict[str, dict[str, Any]]


def _from_environment(name: str, **option: object) -> dict[str, Any]:
    return {**option, "fallback": (env_fallback, [name])}


CONNECTION_OPTIONS: ArgumentSpec = {
    "url": _from_environment("TUMBLEBUG_URL", type="str", required=True),
    "username": _from_environment("TUMBLEBUG_USERNAME", type="str", default="default"),
    "password": _from_environment("TUMBLEBUG_PASSWORD", type="str", no_log=True),
    "token": _from_environment("TUMBLEBUG_TOKEN", type="str", no_log=True),
    "validate_certs": _from_environment("TUMBLEBUG_VALIDATE_CERTS", type="bool", default=True),
    "ca_path": _from_environment("TUMBLEBUG_CA_PATH", type="path"),
    "timeout": _from_environment("TUMBLEBUG_TIMEOUT", type="int", default=130),
}
COMMON_OPTIONS: ArgumentSpec = {
    "era": _from_environment("TUMBLEBUG_ERA", type="str", choices=["auto", *ERAS], default="auto"),
    "namespace": _from_environment("TUMBLEBUG_NAMESPACE", type="str", required=True),
}


def tumblebug_module(options: ArgumentSpec, **rules: Any) -> AnsibleModule:  # noqa: ANN401  (as AnsibleModule's)
    """Makes a module with its own options beside those of the connection."""
    return AnsibleModule(
        argument_spec={**CONNECTION_OPTIONS, **COMMON_OPTIONS, **options}, supports_check_mode=True, **rules
    )


@contextmanager
def tumblebug_client(module: AnsibleModule) -> Iterator[Operator]:
    """Opens the API that the options name; what goes wrong inside ends the module with a sentence and a code.

    In the result, ``error`` has the code, the message and the hint apart, for rescue blocks.
    """
    try:
        yield Operator(_transport(module.params), now=time.monotonic, sleep=time.sleep)
    except InfraIncomplete as exc:
        module.fail_json(**_failure(exc), changed=True, infra=exc.infra)
    except CladnetError as exc:
        module.fail_json(**_failure(exc))


def _failure(exc: CladnetError) -> dict[str, Any]:
    return {"msg": str(exc), "error": {"code": exc.code, "message": exc.message, "hint": exc.hint}}


def _transport(params: dict[str, Any]) -> OpenUrlTransport:
    connection = Connection(
        username=params["username"],
        password=params["password"] or "",
        token=params["token"] or "",
        validate_certs=params["validate_certs"],
        ca_path=params["ca_path"] or "",
        timeout_s=params["timeout"],
    )
    return OpenUrlTransport(params["url"], connection)


def era_of(client: Operator, params: dict[str, Any]) -> str:
    """The era that the options name, or that of the server."""
    check_name("namespace", params["namespace"])
    era: str = params["era"]
    return client.detect_era(params["namespace"]) if era == "auto" else era


def place_of(client: Operator, params: dict[str, Any], infra: str, *, creates: bool = False) -> Place:
    """The infra that the options name.

    Args:
        client: asked for the era.
        params: of the module.
        infra: its name.
        creates: whether machines may be made there, for which the release has to be known better.
    """
    era = era_of(client, params)
    return Place(client.dialect(era) if creates else dialect_of(era), params["namespace"], infra)

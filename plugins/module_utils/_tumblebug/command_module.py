# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Choose, run, report: the course of tumblebug_command."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule

from .._declarative import Document
from .._errors import InvalidInput, NotFound
from .command import chosen, command_body, is_runnable, not_running, results_of, selections
from .infra_state import check_name, infra_document
from .module import place_of, tumblebug_client
from .operator import Operator, Place
from .progress import by_reason

REQUESTS_AT_ONCE = 8
"""Well below Tumblebug's limit of 20 requests in a second."""


def run(module: AnsibleModule) -> None:
    """Runs the commands on the machines that the options name, and ends the module."""
    params = module.params
    with tumblebug_client(module) as client:
        if not params["commands"]:
            raise InvalidInput("commands is empty, so there is nothing to run.")
        check_name("infra", params["infra"])
        place = place_of(client, params, params["infra"])
        infra = _read(client, place)
        vms = chosen(infra, params)
        names = [vm["id"] for vm in vms]
        if module.check_mode:
            module.exit_json(changed=False, skipped=True, vms=names, msg="Nothing is run in check mode.")
        body = command_body(place.dialect, params["commands"], params["user"], params["wait_timeout"])
        results = _run(client, place, infra, vms, body, params["wait_timeout"])
        _end(module, names, results)


def _read(client: Operator, place: Place) -> Document:
    found = client.infra(place)
    if found is None:
        raise NotFound(f"CB-Tumblebug has no infra {place}.")
    return infra_document(place.era, place.namespace, found)


def _run(
    client: Operator, place: Place, infra: Document, vms: Sequence[Document], body: Document, timeout_s: float
) -> list[Document]:
    """The results in the order of the machines; those that do not run are not tried."""
    runnable = [vm for vm in vms if is_runnable(vm)]
    queries = selections(place.dialect, infra, runnable) if runnable else []

    def ask(query: str) -> object:
        path, doing = place.command_path + query, f"run commands on infra {place}"
        return client.order("POST", path, doing, body=body, timeout_s=timeout_s)

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        answers = list(pool.map(ask, queries))
    listed = [
        entry for answer in answers if isinstance(answer, dict) for entry in answer.get("results") or ()
    ]
    results = {result["vm"]: result for result in results_of({"results": listed}, runnable)}
    return [results.get(vm["id"]) or not_running(vm) for vm in vms]


def _end(module: AnsibleModule, names: Sequence[str], results: Sequence[Document]) -> None:
    failed = [result for result in results if result["failed"]]
    fatal = {"any": bool(failed), "all": len(failed) == len(results), "never": False}[
        module.params["fail_on"]
    ]
    shown = {"vms": names, "results": results, "failed_vms": [result["vm"] for result in failed]}
    if not fatal:
        module.exit_json(changed=True, **shown)
    reasons = by_reason((result["vm"], result["error"]) for result in failed)
    module.fail_json(
        msg=f"It failed on {len(failed)} of {len(results)} VMs: {reasons}.", changed=True, **shown
    )

# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Read, plan, apply, exit: the course of tumblebug_infra."""

from __future__ import annotations

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .._declarative import Document, Plan
from .._errors import NotFound
from .infra_state import larger_than_wanted, plan_infra
from .lifecycle import InfraResource, Policy
from .module import place_of, tumblebug_client
from .operator import Operator, Place
from .progress import GONE, UNDEFINED
from .watch import Patience, Watch

_BUILDING_STATES = ("present", "running")


def run(module: AnsibleModule) -> None:
    """Gets the infra that the options name to the state that they name, and ends the module."""
    params = module.params
    with tumblebug_client(module) as client:
        builds = params["state"] in _BUILDING_STATES
        place = place_of(client, params, params["name"], creates=builds)
        watch = Watch(client, place, _patience(params))
        before = _read(module, client, watch, place)
        plan = _plan(params, before)
        if builds and not params["scale_in"]:
            _warn_each(module, larger_than_wanted(before, params["groups"]))
        resource = InfraResource(client, watch, place, before, _policy(module))
        after = plan.after if module.check_mode else plan.apply(resource)
        if builds:
            _warn_each(module, _lost(after))
        shown = {} if after is None else {"infra": after}
        module.exit_json(changed=plan.is_change, diff=plan.diff(f"infra {place}"), **shown)


def _plan(params: dict[str, Any], before: Document | None) -> Plan:
    return plan_infra(
        before,
        {key: params[key] for key in ("name", "description", "labels", "groups")},
        state=params["state"],
        scale_in=params["scale_in"],
        refine=params["on_partial_failure"] == "refine",
    )


def _patience(params: dict[str, Any]) -> Patience:
    return Patience(params["wait_timeout"], params["poll_interval"], time.monotonic, time.sleep)


def _policy(module: AnsibleModule) -> Policy:
    params = module.params
    return Policy(params["on_partial_failure"], module.warn, params["wait"], params["timeout"])


def _read(module: AnsibleModule, client: Operator, watch: Watch, place: Place) -> Document | None:
    """The infra as it is; a namespace that is missing is made if the options say so."""
    try:
        return watch.read_settled(wait=module.params["wait"] and not module.check_mode)
    except NotFound:
        if not module.params["create_namespace"]:
            raise
    if module.params["state"] in _BUILDING_STATES and not module.check_mode:
        doing = f"make namespace {place.namespace}"
        client.order("POST", "/ns", doing, body={"name": place.namespace, "description": ""})
    return None


def _lost(infra: Document | None) -> list[str]:
    """A sentence about each machine that is none to work with."""
    vms = (infra or {}).get("vms", ())
    return [
        f"VM {vm['id']} of infra {(infra or {})['name']} is {vm['status']}"
        + (f": {vm['message']}." if vm["message"] else ".")
        for vm in vms
        if vm["status"] in GONE or vm["status"] == UNDEFINED
    ]


def _warn_each(module: AnsibleModule, sentences: list[str]) -> None:
    for sentence in sentences:
        module.warn(sentence)

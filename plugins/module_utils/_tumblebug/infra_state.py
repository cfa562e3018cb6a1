# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What an infra is, in the same words for every era, and how it gets to what it shall be. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .._declarative import Document, Plan, plan_absence, plan_presence
from .._errors import Conflict, InvalidInput, NotFound
from .client import ERAS
from .progress import FAILED, GONE, SUSPENDED, UNDEFINED, Progress, power_of, progress_of, system_message
from .vm import RUNNING, Vm, _Fields, vm_from

_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?")
_PRIVATE_FIELDS = ("namespace", "infra", "subgroup", "key_file")


def infra_document(era: str, namespace: str, infra: Mapping[str, Any]) -> Document:
    """An infra in the words of this collection; nothing in it is secret.

    Args:
        era: infra, mci or mcis.
        namespace: id of its namespace.
        infra: decoded JSON of the infra.

    Raises:
        Unavailable: the object is none of Tumblebug's.
    """
    name = str(infra.get("id") or infra.get("name"))
    machines = [vm_from(machine, namespace, name) for machine in infra.get(ERAS[era]) or ()]
    machines.sort(key=lambda vm: (vm.subgroup, _natural(vm.id)))
    progress = {each.id: each for each in progress_of(era, infra)}
    vms = [vm_document(vm, progress[vm.id]) for vm in machines]
    return {
        "namespace": namespace,
        "name": name,
        "description": str(infra.get("description") or ""),
        "labels": _Fields(infra, f"infra {namespace}/{name}").labels("label"),
        "status": str(infra.get("status") or ""),
        "power": power_of(vm["status"] for vm in vms),
        "message": system_message(infra),
        "groups": _groups(vms),
        "failed_vms": [vm["id"] for vm in vms if vm["status"] == FAILED],
        "vms": vms,
    }


def vm_document(vm: Vm, progress: Progress) -> Document:
    """A machine in the words of this collection, with what is being done to it, and why it is as it is."""
    fields = {key: value for key, value in asdict(vm).items() if key not in _PRIVATE_FIELDS}
    action = "" if progress.is_settled else progress.action
    return {**fields, "group": vm.subgroup, "action": action, "message": progress.message}


def _groups(vms: Iterable[Document]) -> dict[str, Document]:
    groups: dict[str, Document] = {}
    for vm in vms:
        group = groups.setdefault(vm["group"], {"size": 0, "spec": vm["spec"]})
        group["size"] += vm["status"] not in GONE
    return groups


def plan_infra(
    before: Document | None,
    desired: Mapping[str, Any],
    *,
    state: str,
    scale_in: bool = False,
    refine: bool = False,
) -> Plan:
    """Plans what has to be done.

    Args:
        before: the infra as it is (``infra_document``), or None.
        desired: name, description, labels, and groups as a list.
        state: present, running, suspended, rebooted or absent.
        scale_in: whether groups that are larger than wanted are made smaller.
        refine: whether machines that failed before are forgotten.

    Raises:
        InvalidInput: a name or size cannot be right, or there is nothing to make the infra of.
        NotFound: an infra shall be suspended or rebooted that does not exist.
        Conflict: an existing group would have to get another spec, or nothing runs that could be rebooted.
    """
    check_name("name", desired["name"])
    if state == "absent":
        return plan_absence(before)
    if state in ("suspended", "rebooted"):
        return _plan_power(_existing(before, desired["name"], state), state)
    groups = _checked_groups(desired.get("groups") or ())
    if before is None:
        return plan_presence(None, _new(desired, groups))
    changed: Document = {"failed_vms": []} if refine and can_be_refined(before) else {}
    kept = {**before, "groups": _groups_without_failed(before)} if changed else before
    changed["groups"] = _merged(kept, groups, scale_in=scale_in)
    if state == "running" and any(vm["status"] == SUSPENDED for vm in before["vms"]):
        changed["power"] = "running"
    return plan_presence(before, changed)


def can_be_refined(infra: Document) -> bool:
    """Whether Tumblebug may forget what failed: it would also forget what may run, and only is not seen."""
    return bool(infra["failed_vms"]) and all(vm["status"] != UNDEFINED for vm in infra["vms"])


def _groups_without_failed(infra: Document) -> dict[str, Document]:
    return _groups(vm for vm in infra["vms"] if vm["id"] not in infra["failed_vms"])


def larger_than_wanted(before: Document | None, groups: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence about each group that is larger than wanted and stays so."""
    sizes = {name: group["size"] for name, group in (before or {}).get("groups", {}).items()}
    return [
        f"Group {group['name']} has {sizes[group['name']]} VMs and shall have {group['size']}:"
        " none is removed without scale_in."
        for group in groups
        if sizes.get(group["name"], 0) > group["size"]
    ]


def surplus(vms: Sequence[Document], group: str, size: int) -> list[str]:
    """Ids of the machines that a group has too many, the youngest (by number) first."""
    members = [vm["id"] for vm in vms if vm["group"] == group and vm["status"] not in GONE]
    return sorted(members, key=_natural, reverse=True)[: max(0, len(members) - size)]


def check_name(option: str, name: str) -> None:
    """Raises InvalidInput for a name that no CB-Tumblebug takes."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{option} is {name!r}.",
            hint="Use letters, digits and hyphens, beginning with a letter and not ending in a hyphen.",
        )


def _existing(before: Document | None, name: str, state: str) -> Document:
    if before is None:
        raise NotFound(
            f"Infra {name} does not exist, so it cannot be {state}.", hint="Make it first with state=present."
        )
    return before


def _plan_power(before: Document, state: str) -> Plan:
    running = [vm["id"] for vm in before["vms"] if vm["status"] == RUNNING]
    if state == "rebooted" and not running:
        raise Conflict(f"No VM of infra {before['name']} is running, so none can be rebooted.")
    return plan_presence(before, {"power": state} if running else {})


def _checked_groups(groups: Iterable[Mapping[str, Any]]) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for group in groups:
        check_name("the name of a group", group["name"])
        if group["name"] in found:
            raise InvalidInput(f"Group {group['name']} is given twice.", hint="Give it once, with its size.")
        if group["size"] < 1:
            raise InvalidInput(f"Group {group['name']} has the size {group['size']}.", hint="Give 1 or more.")
        found[group["name"]] = {key: value for key, value in group.items() if value not in (None, {}, "")}
    return found


def _new(desired: Mapping[str, Any], groups: Mapping[str, Document]) -> Document:
    if not groups:
        raise InvalidInput(
            f"Infra {desired['name']} does not exist, and without groups it cannot be made.",
            hint="Give groups with name, size, spec and image; tumblebug_spec_info and tumblebug_image_info"
            " find the last two.",
        )
    for group in groups.values():
        _check_can_be_made(group)
    return {**desired, "groups": dict(groups)}


def _merged(before: Document, groups: Mapping[str, Document], *, scale_in: bool) -> Document:
    merged = dict(before["groups"])
    for name, group in groups.items():
        existing = before["groups"].get(name)
        if existing is None:
            _check_can_be_made(group)
            merged[name] = group
            continue
        _check_same_spec(before["name"], name, existing["spec"], group.get("spec", ""))
        size = group["size"] if scale_in else max(group["size"], existing["size"])
        merged[name] = {**existing, "size": size}
    return merged


def _check_can_be_made(group: Document) -> None:
    missing = [option for option in ("spec", "image") if not group.get(option)]
    if missing:
        raise InvalidInput(
            f"Group {group['name']} has to be made and has no {' and no '.join(missing)}.",
            hint="tumblebug_spec_info and tumblebug_image_info find them.",
        )


def _check_same_spec(infra: str, group: str, is_: str, wanted: str) -> None:
    if is_ and wanted and is_.lower() != wanted.lower():
        raise Conflict(
            f"Group {group} of infra {infra} has the spec {is_}, and that of existing VMs cannot change to"
            f" {wanted}.",
            hint="Add a group of another name. If all VMs of this one have failed, on_partial_failure=refine"
            " makes room for it.",
        )


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts web-10 after web-2."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)

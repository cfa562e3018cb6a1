# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Commands on the machines of an infra: which requests reach which machines, and what came of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._declarative import Document
from .._errors import InvalidInput, NotFound
from .dialect import Dialect
from .labels import parse_selector
from .vm import RUNNING

MAX_TIMEOUT_MINUTES = 120

_FAILED = re.compile(r"\((?P<why>.*?)\)\nStderr: (?P<text>.*)", re.DOTALL)


def chosen(infra: Document, wish: Mapping[str, Any]) -> list[Document]:
    """The machines that are meant: those that are named, in one of the groups, and have the labels.

    Args:
        infra: see ``infra_state.infra_document``.
        wish: groups, vms and label_selector; what is empty does not matter.

    Raises:
        NotFound: a group or machine does not exist.
        InvalidInput: nothing is meant.
    """
    _check_known("group", wish.get("groups") or (), infra["groups"], infra["name"])
    _check_known("VM", wish.get("vms") or (), [vm["id"] for vm in infra["vms"]], infra["name"])
    has_labels = parse_selector(wish.get("label_selector") or "", "label_selector")
    found = [
        vm
        for vm in infra["vms"]
        if (not wish.get("groups") or vm["group"] in wish["groups"])
        and (not wish.get("vms") or vm["id"] in wish["vms"])
        and has_labels(vm["labels"])
    ]
    if not found:
        raise InvalidInput(f"No VM of infra {infra['name']} is meant by groups, vms and label_selector.")
    return found


def _check_known(kind: str, wanted: Iterable[str], known: Iterable[str], infra: str) -> None:
    missing = [name for name in wanted if name not in set(known)]
    if missing:
        there_are = ", ".join(sorted(known)) or "none"
        raise NotFound(f"Infra {infra} has no {kind} {', '.join(missing)}.", hint=f"There are: {there_are}.")


def selections(dialect: Dialect, infra: Document, vms: Sequence[Document]) -> list[str]:
    """The fewest queries of requests that reach these machines and no others, with a leading question mark.

    Tumblebug also tries machines that do not run, until it gives them up: one that is not to be reached
    therefore splits its group.
    """
    wanted = {vm["id"] for vm in vms}
    if wanted == {vm["id"] for vm in infra["vms"]}:
        return [""]
    found = []
    for group in sorted({vm["group"] for vm in vms}):
        members = {vm["id"] for vm in infra["vms"] if vm["group"] == group}
        if group and members <= wanted:
            found.append(f"?{dialect.group_parameter}={group}")
        else:
            found += [f"?{dialect.vm_parameter}={vm}" for vm in sorted(members & wanted)]
    return found


def command_body(dialect: Dialect, commands: Sequence[str], user: str | None, timeout_s: float) -> Document:
    """What is to be run, one command after the other, as which user."""
    body: Document = {"command": list(commands)}
    if user:
        body["userName"] = user
    if dialect.command_timeouts:
        body["timeoutMinutes"] = min(MAX_TIMEOUT_MINUTES, max(1, int(-(-timeout_s // 60))))
    return body


def results_of(answer: object, vms: Sequence[Document]) -> list[Document]:
    """What came of it for each of these machines, in their order; one without a result has failed."""
    listed = answer.get("results") if isinstance(answer, Mapping) else None
    entries = [entry for entry in listed or () if isinstance(entry, Mapping)]
    by_vm = {str(entry.get("nodeId") or entry.get("vmId")): entry for entry in entries}
    return [_result(vm, by_vm.get(vm["id"])) for vm in vms]


def not_running(vm: Document) -> Document:
    """The result of a machine on which nothing can be run."""
    return _failed(vm, f"The VM is {vm['status'] or 'in no known status'}, so nothing was run on it.")


def is_runnable(vm: Document) -> bool:
    """Whether commands can be run on a machine."""
    return bool(vm["status"] == RUNNING)


def _result(vm: Document, entry: Mapping[str, Any] | None) -> Document:
    if entry is None:
        return _failed(vm, "CB-Tumblebug gave no result for it.")
    stderr, reasons = _without_wrapping(_in_order(entry.get("stderr")))
    error = _error(entry, stderr, reasons)
    return {
        **_head(vm),
        "ip": str(entry.get("nodeIp") or entry.get("vmIp") or vm["public_ip"]),
        "commands": _in_order(entry.get("command")),
        "stdout": _in_order(entry.get("stdout")),
        "stderr": stderr,
        "failed": bool(error),
        "error": error,
    }


def _without_wrapping(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """What commands wrote to standard error, and why they failed: the second comes wrapped around."""
    wrapped = [_FAILED.fullmatch(text) for text in texts]
    written = [found["text"] if found else text for found, text in zip(wrapped, texts)]
    return written, [found["why"] for found in wrapped if found]


def _failed(vm: Document, error: str) -> Document:
    return {**_head(vm), "commands": [], "stdout": [], "stderr": [], "failed": True, "error": error}


def _head(vm: Document) -> Document:
    return {"vm": vm["id"], "group": vm["group"], "ip": vm["public_ip"] or vm["private_ip"]}


def _error(entry: Mapping[str, Any], stderr: Sequence[str], reasons: Sequence[str]) -> str:
    """Why it failed: a text since v0.11.9; before, an object that says nothing, or what stands in stderr."""
    given = entry.get("error", entry.get("err"))
    if given in (None, "") and not reasons:
        return ""
    said = given if isinstance(given, str) and given else "; ".join(reasons) or "CB-Tumblebug gives no reason"
    written = next((text.strip() for text in reversed(stderr) if text.strip()), "")
    return f"{said}: {written}" if written else said


def _in_order(texts: object) -> list[str]:
    """Texts by their numbers, which are keys."""
    if not isinstance(texts, Mapping):
        return []
    numbered = sorted((int(key), text) for key, text in texts.items() if str(key).isdecimal())
    return [str(text) for _number, text in numbered]

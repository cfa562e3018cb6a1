# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Which machines become hosts, and what is said when none does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from types import ModuleType

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.labels import parse_selector
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.naming import host_variables

_FALSE: tuple[object, ...] = ("", [], {})  # beside false and null, by the rules of JMESPath


@dataclass(frozen=True)
class Criterion:
    """One condition of the user."""

    option: str
    text: str  # as it was written
    accepts: Callable[[Vm], bool]


def criteria(*, statuses: Collection[str], labels: str, expression: str) -> list[Criterion]:
    """The conditions that are set.

    Args:
        statuses: the statuses that are wanted; empty means all.
        labels: a selector of labels, or empty.
        expression: a JMESPath expression over the fields of a machine, or empty.

    Raises:
        InvalidInput: a condition cannot be understood, or the library for it is missing.
    """
    found = []
    if statuses:
        found.append(Criterion("statuses", ", ".join(statuses), lambda vm: vm.status in statuses))
    if labels:
        found.append(Criterion("labels", labels, by_labels(labels, "labels")))
    if expression:
        found.append(Criterion("filter", expression, by_expression(expression)))
    return found


def by_labels(text: str, option: str) -> Callable[[Vm], bool]:
    """Whether a machine's labels are selected; raises InvalidInput."""
    selects = parse_selector(text, option)
    return lambda vm: selects(vm.labels)


def by_expression(text: str) -> Callable[[Vm], bool]:
    """Whether a JMESPath expression is true of a machine; raises InvalidInput."""
    jmespath = _jmespath()
    try:
        compiled = jmespath.compile(text)
    except jmespath.exceptions.JMESPathError as exc:
        raise InvalidInput(f"filter is no JMESPath expression: {_one_line(exc)}.") from exc

    def accepts(vm: Vm) -> bool:
        try:
            return _is_true(compiled.search(host_variables(vm, "")))
        except jmespath.exceptions.JMESPathError as exc:
            raise InvalidInput(
                f"filter cannot be applied to VM {'/'.join(vm.path)}: {_one_line(exc)}."
            ) from exc

    return accepts


def select(vms: Sequence[Vm], conditions: Sequence[Criterion], *, but: str = "") -> list[Vm]:
    """The machines that fulfil every condition, but for that of one option."""
    accepting = [condition.accepts for condition in conditions if condition.option != but]
    return [vm for vm in vms if all(accepts(vm) for accepts in accepting)]


def why_nothing(vms: Sequence[Vm], conditions: Sequence[Criterion]) -> str:
    """A sentence about which condition leaves out how many of the machines."""
    parts, left = [], list(vms)
    for condition in conditions:
        kept = [vm for vm in left if condition.accepts(vm)]
        if len(kept) < len(left):
            parts.append(f"{condition.option} ({condition.text}) leaves out {len(left) - len(kept)}")
        left = kept
    return f"Of {len(vms)} VMs none becomes a host: {', '.join(parts)}."


def _jmespath() -> ModuleType:
    """The library, which is needed for one option only."""
    try:
        import jmespath
    except ImportError as exc:
        raise InvalidInput(
            "The option filter needs the Python library jmespath, which is not installed.",
            hint="Install it for the Python that runs ansible, or select with labels and statuses.",
        ) from exc
    return jmespath


def _is_true(value: object) -> bool:
    return value is not None and value is not False and value not in _FALSE


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")

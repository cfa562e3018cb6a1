# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What CB-Tumblebug's releases call the same requests: paths, keys, and whether numbers are numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

_SPEC_METRICS = {
    "vcpu": "vCPU",
    "memory_gib": "memoryGiB",
    "cost_per_hour": "costPerHour",
    "provider": "providerName",
    "region": "regionName",
}
# Provider and region are called otherwise in the specs of that time, so they are compared here.
_EARLY_SPEC_METRICS = {"vcpu": "cpu", "memory_gib": "memory", "cost_per_hour": "cost"}


@dataclass(frozen=True)
class Dialect:
    """How to talk to one release. The paths stand below a namespace, unless said otherwise."""

    era: str
    create_path: str
    add_path: str  # below an infra
    group_path: str  # below an infra
    groups_key: str
    size_key: str
    grow_key: str
    spec_keys: tuple[str, ...]
    image_keys: tuple[str, ...]
    recommend_path: str  # below nothing
    spec_metrics: Mapping[str, str]
    numbers: bool = False  # sizes are numbers, not texts of digits
    label_maps: bool = False
    zones: bool = False
    exact_spec_filters: bool = False  # else provider and region match parts of the name
    image_filters: bool = False  # else images are found by keywords
    command_timeouts: bool = False
    group_parameter: str = "subGroupId"
    vm_parameter: str = "vmId"

    def number(self, value: int) -> int | str:
        """A number as this release wants it."""
        return value if self.numbers else str(value)

    def labels(self, labels: Mapping[str, str]) -> dict[str, str] | str:
        """Labels as this release wants them; before v0.9.12 they are one text."""
        if self.label_maps:
            return dict(labels)
        return ",".join(f"{name}={labels[name]}" for name in sorted(labels))


def dialect_of(era: str, paths: Collection[str] = ()) -> Dialect:
    """The dialect of a release.

    Args:
        era: infra, mci or mcis.
        paths: those of its API document. They matter in the era mci, within which the requests changed four
            times; without them it is taken for v0.9.22.
    """
    if era == "infra":
        return _infra()
    return _mcis() if era == "mcis" else _mci(frozenset(paths))


def _infra() -> Dialect:
    return Dialect(
        era="infra",
        create_path="infraDynamic",
        add_path="nodeGroupDynamic",
        group_path="nodegroup",
        groups_key="nodeGroups",
        size_key="nodeGroupSize",
        grow_key="numNodesToAdd",
        spec_keys=("specId",),
        image_keys=("imageId",),
        recommend_path="/recommendSpec",
        spec_metrics={**_SPEC_METRICS, "architecture": "architecture"},
        numbers=True,
        label_maps=True,
        zones=True,
        exact_spec_filters=True,
        image_filters=True,
        command_timeouts=True,
        group_parameter="nodeGroupId",
        vm_parameter="nodeId",
    )


def _mci(paths: frozenset[str]) -> Dialect:
    adds_groups = any(path.endswith("/subGroupDynamic") for path in paths)  # from v0.11.9
    has_spec_ids = "/recommendSpec" in paths  # from v0.11.4; specId is known from v0.11.6, so both are sent
    has_image_filters = any(path.endswith("/searchImageOptions") for path in paths)
    return Dialect(
        era="mci",
        create_path="mciDynamic",
        add_path="subGroupDynamic" if adds_groups else "vmDynamic",
        group_path="subgroup",
        groups_key="subGroups" if has_spec_ids else "vm",
        size_key="subGroupSize",
        grow_key="numVMsToAdd",
        spec_keys=("commonSpec", "specId") if has_spec_ids else ("commonSpec",),
        image_keys=("commonImage", "imageId") if has_spec_ids else ("commonImage",),
        recommend_path="/recommendSpec" if has_spec_ids else "/mciRecommendVm",
        spec_metrics={**_SPEC_METRICS, **({"architecture": "architecture"} if has_image_filters else {})},
        numbers=any("/stream/cmd/" in path for path in paths),  # both from v0.12.3
        label_maps="/label/{labelType}/{uid}" not in paths or "/labelInfo" in paths,  # both from v0.9.12
        exact_spec_filters=has_image_filters,
        image_filters=has_image_filters,
    )


def _mcis() -> Dialect:
    return Dialect(
        era="mcis",
        create_path="mcisDynamic",
        add_path="vmDynamic",
        group_path="subgroup",
        groups_key="vm",
        size_key="subGroupSize",
        grow_key="numVMsToAdd",
        spec_keys=("commonSpec",),
        image_keys=("commonImage",),
        recommend_path="/mcisRecommendVm",
        spec_metrics=_EARLY_SPEC_METRICS,
    )

# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Specs (sizes of machines): what Tumblebug's recommendation is asked, and what it answers. Pure.

A wish is a mapping with the options of tumblebug_spec_info; what is None does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._declarative import Document
from .._errors import InvalidInput, Unavailable
from .dialect import Dialect

_LEAST_COST = 0.0001
"""With a greatest cost, specs whose cost is not known (0 or -1) are none that cost less."""

# Option -> metric and operator.
_CONDITIONS = {
    "vcpu_min": ("vcpu", ">="),
    "vcpu_max": ("vcpu", "<="),
    "memory_gib_min": ("memory_gib", ">="),
    "memory_gib_max": ("memory_gib", "<="),
    "cost_per_hour_min": ("cost_per_hour", ">="),
    "cost_per_hour_max": ("cost_per_hour", "<="),
    "provider": ("provider", "=="),
    "region": ("region", "=="),
    "architecture": ("architecture", "=="),
}
_METRICS = {"price": "cost", "performance": "performance", "location": "location", "latency": "latency"}


def recommendation_body(dialect: Dialect, wish: Mapping[str, Any]) -> Document:
    """What the recommendation is asked.

    Raises:
        InvalidInput: places or regions to be near to are missing, or too much.
    """
    known = {option: rule for option, rule in _CONDITIONS.items() if rule[0] in dialect.spec_metrics}
    given = {**wish, "cost_per_hour_min": None if wish.get("cost_per_hour_max") is None else _LEAST_COST}
    policies = [
        {"metric": dialect.spec_metrics[metric], "condition": [{"operator": operator, "operand": str(value)}]}
        for option, (metric, operator) in known.items()
        if (value := given.get(option)) is not None
    ]
    return {
        "filter": {"policy": policies},
        "priority": {"policy": [_priority(dialect, wish)]},
        "limit": dialect.number(wish["limit"] if _is_answered_exactly(dialect, wish) else 0),
    }


def _is_answered_exactly(dialect: Dialect, wish: Mapping[str, Any]) -> bool:
    """Whether all that is answered is wished for, so that the server may stop at the limit."""
    return dialect.exact_spec_filters or not any(
        wish.get(key) for key in ("provider", "region", "architecture")
    )


def _priority(dialect: Dialect, wish: Mapping[str, Any]) -> Document:
    sort, near, regions = wish["sort"], wish.get("near") or [], wish.get("near_regions") or []
    _check_places(sort, near, regions)
    policy: Document = {"metric": _METRICS[sort], "weight": 1.0 if dialect.numbers else "1.0"}
    if near:
        key = "coordinateClose" if len(near) == 1 else "coordinateFair"
        policy["parameter"] = [{"key": key, "val": [f"{at['latitude']}/{at['longitude']}" for at in near]}]
    if regions:
        policy["parameter"] = [{"key": "latencyMinimal", "val": regions}]
    return policy


def _check_places(sort: str, near: Sequence[Mapping[str, float]], regions: Sequence[str]) -> None:
    if (sort == "location") != bool(near):
        raise InvalidInput("sort=location and near belong together.", hint="Give both, or none of them.")
    if (sort == "latency") != bool(regions):
        raise InvalidInput("sort=latency and near_regions belong together.", hint="Give both, or none.")
    for place in near:
        if not (-90 <= place["latitude"] <= 90 and -180 <= place["longitude"] <= 180):
            raise InvalidInput(
                f"near holds the latitude {place['latitude']} and longitude {place['longitude']}.",
                hint="A latitude is from -90 to 90, a longitude from -180 to 180.",
            )


def wished_specs(answer: object, wish: Mapping[str, Any]) -> list[Document]:
    """The specs of an answer that are wished for, in its order.

    Raises:
        Unavailable: the answer is none of Tumblebug's.
        InvalidInput: an architecture is wished, and the release knows none.
    """
    if not isinstance(answer, (list, type(None))):
        raise Unavailable(f"CB-Tumblebug recommends specs by {str(answer)[:80]}, which is no list.")
    specs = [spec_document(entry) for entry in answer or () if isinstance(entry, Mapping)]
    check_architecture(specs, wish.get("architecture"), "specs")
    found = [spec for spec in specs if _is_wished(spec, wish)]
    return found[: wish["limit"] or None]


def check_architecture(found: Sequence[Document], architecture: str | None, what: str) -> None:
    """Raises InvalidInput if an architecture is wished, and of nothing found it is known."""
    if architecture and found and not any(entry["architecture"] for entry in found):
        raise InvalidInput(
            f"This CB-Tumblebug does not tell the architecture of {what}.",
            hint="Leave architecture out; releases before v0.11 know none.",
        )


def _is_wished(spec: Document, wish: Mapping[str, Any]) -> bool:
    texts = all(
        not wish.get(key) or spec[key].lower() == wish[key].lower()
        for key in ("provider", "region", "architecture")
    )
    dearest = wish.get("cost_per_hour_max")
    return texts and (
        dearest is None or (spec["cost_per_hour"] is not None and spec["cost_per_hour"] <= dearest)
    )


def spec_document(spec: Mapping[str, Any]) -> Document:
    """A spec in the words of this collection; numbers that Tumblebug does not know are None."""
    provider = _text(spec.get("providerName")).lower()
    return {
        "id": _text(spec.get("id")),
        "name": _text(spec.get("cspSpecName")) or _text(spec.get("name")),
        "provider": provider,
        "region": _text(spec.get("regionName")).removeprefix(f"{provider}-"),
        "connection": _text(spec.get("connectionName")),
        "architecture": _text(spec.get("architecture")),
        "vcpu": _number(spec.get("vCPU", spec.get("numvCPU"))),
        "memory_gib": _number(spec.get("memoryGiB", spec.get("memGiB"))),
        "cost_per_hour": _number(spec.get("costPerHour")),
        "accelerator": _text(spec.get("acceleratorModel")) or _text(spec.get("gpuModel")),
        "accelerators": int(_number(spec.get("acceleratorCount", spec.get("numGpu"))) or 0),
        "performance": _number(spec.get("evaluationScore01")),
        "latitude": _coordinate(spec, "regionLatitude"),
        "longitude": _coordinate(spec, "regionLongitude"),
    }


def _coordinate(spec: Mapping[str, Any], key: str) -> float | None:
    value = spec.get(key)
    return value if isinstance(value, (int, float)) else None


def _number(value: object) -> float | None:
    """A number; -1 and 0 stand for what is not known."""
    return value if isinstance(value, (int, float)) and value > 0 else None


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""

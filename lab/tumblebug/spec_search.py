# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which specs fit, and in which order: the rules of the recommendation and of the filters. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence

from lab.tumblebug.catalogue import spec_id
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Region, Spec
from lab.tumblebug.render_catalogue import performance, provider, region_name
from lab.tumblebug.render_shared import Json

EARTH_RADIUS_KM = 6371.0
OLD_METRICS = {
    "cpu": "vcpu",
    "memory": "memorygib",
    "cost": "costperhour",
    "region": "regionname",
    "provider": "providername",
}
"""What metrics were called up to v0.8."""


class SearchError(Exception):
    """The question cannot be answered."""


def fields(era: Era, spec: Spec) -> dict[str, float | str]:
    """What a spec can be asked for, by names in lower case."""
    name = spec_id(era, spec)
    return {
        "vcpu": spec.cpus,
        "numvcpu": spec.cpus,
        "memorygib": spec.memory_gib,
        "memgib": spec.memory_gib,
        "costperhour": spec.cost_per_hour,
        "id": name,
        "name": name,
        "providername": provider(era, spec.region),
        "regionname": region_name(era, spec.region),
        "connectionname": spec.region.connection,
        "cspspecname": spec.name,
        "architecture": spec.architecture,
        "infratype": "vm",
    }


def fitting(era: Era, specs: Iterable[Spec], policy: Sequence[Json]) -> list[Spec]:
    """The specs that meet all conditions of a filter policy; raises SearchError."""
    tests = [_test(each["metric"], one) for each in policy for one in each["condition"]]
    return [spec for spec in specs if all(test(fields(era, spec)) for test in tests)]


def _test(metric: str, condition: Mapping[str, str]) -> Callable[[Mapping[str, float | str]], bool]:
    key = OLD_METRICS.get(metric.lower(), metric.lower())
    operator, operand = condition["operator"], condition["operand"].strip()

    def test(values: Mapping[str, float | str]) -> bool:
        if key not in values:
            raise SearchError(f"metric {metric} is not supported")
        value = values[key]
        if isinstance(value, str):
            return value.lower() == operand.lower()
        return _compares(value, operator, _number(operand))

    return test


def _compares(value: float, operator: str, bound: float) -> bool:
    known = {">=": value >= bound, "<=": value <= bound, "==": math.isclose(value, bound)}
    if operator not in known:
        raise SearchError(f"operator {operator} is not supported; use >=, <= or ==")
    return known[operator]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as exc:
        raise SearchError(f'strconv.ParseFloat: parsing "{text}": invalid syntax') from exc


def ordered(specs: Iterable[Spec], policy: Sequence[Json]) -> list[Spec]:
    """In the order of the first priority, by cost if there is none; raises SearchError."""
    first: Json = policy[0] if policy else {"metric": "cost", "parameter": []}
    if first["metric"] == "random":
        shuffled = list(specs)
        random.shuffle(shuffled)
        return shuffled
    return sorted(specs, key=_key(first["metric"], first["parameter"]))


def _key(metric: str, parameters: Sequence[Json]) -> Callable[[Spec], tuple[float, float]]:
    if metric in ("cost", ""):
        return lambda spec: (spec.cost_per_hour, 0)
    if metric == "performance":
        return lambda spec: (-performance(spec), spec.cost_per_hour)
    if metric == "location":
        points = [_point(text) for each in parameters for text in each["val"]]
        if not points:
            raise SearchError("priority location needs a parameter such as coordinateClose")
        return lambda spec: (sum(_distance_km(spec.region, point) for point in points), spec.cost_per_hour)
    raise SearchError(f"priority {metric} is not supported")


def _point(text: str) -> tuple[float, float]:
    """``37.36/126.78``: latitude and longitude."""
    latitude, _slash, longitude = text.replace(",", "/").partition("/")
    return _number(latitude.strip()), _number(longitude.strip())


def _distance_km(region: Region, point: tuple[float, float]) -> float:
    here, there = math.radians(region.latitude), math.radians(point[0])
    apart = math.radians(region.longitude - point[1])
    half = math.sin((here - there) / 2) ** 2 + math.cos(here) * math.cos(there) * math.sin(apart / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(half))


def within(era: Era, specs: Iterable[Spec], wanted: Mapping[str, Json | str]) -> list[Spec]:
    """The specs whose texts contain, and whose numbers lie within, what is wanted."""
    return [spec for spec in specs if _is_within(fields(era, spec), wanted)]


def _is_within(values: Mapping[str, float | str], wanted: Mapping[str, Json | str]) -> bool:
    for name, limit in wanted.items():
        value = values[name.lower()]
        if isinstance(limit, str):
            if limit.lower() not in str(value).lower():
                return False
        elif not limit["min"] <= float(value) <= (limit["max"] or math.inf):
            return False
    return True

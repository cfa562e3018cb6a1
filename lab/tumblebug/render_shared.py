# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""JSON parts that several objects share: labels, locations, regions, connection configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.tumblebug.era import Era
from lab.tumblebug.estate import Machine, Region, uid

Json = dict[str, Any]


def labels(era: Era, user: Mapping[str, str], system: Mapping[str, str]) -> str | dict[str, str]:
    """A map of user and system labels, or the one free string of the old eras (``k=v,k2=v2``)."""
    if not era.has_uid:
        return ",".join(f"{key}={value}" if value else key for key, value in user.items())
    return {**user, **{f"sys.{key}": value for key, value in system.items()}}


def object_labels(kind: str, path: tuple[str, ...]) -> dict[str, str]:
    """System labels that every object carries; ``path`` is namespace, ..., id."""
    return {
        "id": path[-1],
        "labelType": kind,
        "manager": "cb-tumblebug",
        "name": path[-1],
        "namespace": path[0],
        "uid": uid(*path),
    }


def machine_labels(era: Era, namespace: str, infra: str, machine: Machine) -> dict[str, str]:
    """System labels of a machine."""
    common = object_labels(era.node, (namespace, infra, machine.id))
    return common | {
        "connectionName": machine.network.region.connection,
        "createdTime": machine.created,
        f"{era.infra}Id": infra,
        era.group_key: machine.group,
    }


def location(era: Era, region: Region) -> Json:
    """Where a region is: strings and the provider's name up to v0.8.7, numbers later."""
    if era.has_uid:
        return {"display": region.display, "latitude": region.latitude, "longitude": region.longitude}
    return {
        "latitude": f"{region.latitude:.4f}",
        "longitude": f"{region.longitude:.4f}",
        "briefAddr": region.display,
        "cloudType": region.provider,
        "nativeRegion": region.region,
    }


def region_and_zone(era: Era, region: str, zone: str) -> Json:
    """The region object; its keys became lower case in v0.12.3, where an empty zone is left out."""
    if not era.numeric:
        return {"Region": region, "Zone": zone}
    return {"region": region, **({"zone": zone} if zone else {})}


def connection_config(era: Era, region: Region, zone: str) -> Json:
    """The connection configuration of a region."""
    if not era.has_uid:
        return _old_connection_config(era, region)
    return {
        "configName": region.connection,
        "providerName": region.provider,
        "driverName": f"{region.provider}-driver-v1.0.so",
        "credentialName": region.provider,
        "credentialHolder": "admin",
        "regionZoneInfoName": region.connection,
        "regionZoneInfo": {"assignedRegion": region.region, "assignedZone": zone},
        "regionDetail": {
            "regionId": region.region,
            "regionName": region.region,
            "description": region.display,
            "location": location(era, region),
            "zones": [zone] if zone else [],
        },
        "regionRepresentative": True,
        "verified": True,
    }


def _old_connection_config(era: Era, region: Region) -> Json:
    return {
        "ConfigName": region.connection,
        "ProviderName": region.provider.upper(),
        "DriverName": f"{region.provider}-driver01",
        "CredentialName": f"{region.provider}-credential01",
        "RegionName": region.connection,
        "Location": location(era, region),
    }

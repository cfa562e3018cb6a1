# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A fleet in the Hetzner Cloud, as its API lists servers: at most fifty a page."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from bench.inventory.numbered import address, labels

Document = dict[str, Any]

PAGE_SIZE = 50
CREATED = "2026-09-08T08:11:30+00:00"
LOCATIONS = ("nbg1", "fsn1", "hel1", "ash")


def answer(hosts: int, target: str) -> tuple[int, bytes]:
    """Status and body of a GET of /v1/locations or /v1/servers."""
    url = urlsplit(target)
    if url.path.endswith("/locations"):
        listed = {"locations": [_location(name) for name in LOCATIONS], "meta": _meta(1, len(LOCATIONS))}
        return 200, json.dumps(listed).encode()
    page = int(dict(parse_qsl(url.query)).get("page", 1))
    numbers = range((page - 1) * PAGE_SIZE, min(page * PAGE_SIZE, hosts))
    listed = {"servers": [_server(number) for number in numbers], "meta": _meta(page, hosts)}
    return 200, json.dumps(listed).encode()


def _meta(page: int, total: int) -> Document:
    last = max(1, -(-total // PAGE_SIZE))
    pagination = {
        "page": page,
        "per_page": PAGE_SIZE,
        "previous_page": page - 1 or None,
        "next_page": page + 1 if page < last else None,
        "last_page": last,
        "total_entries": total,
    }
    return {"pagination": pagination}


def _server(number: int) -> Document:
    return {
        "id": 40000000 + number,
        "name": f"server-{number}",
        "status": "running",
        "created": CREATED,
        "public_net": _public_net(number),
        "private_net": [],
        "server_type": _server_type(),
        "datacenter": _datacenter(LOCATIONS[number % len(LOCATIONS)]),
        "image": _image(),
        "iso": None,
        "rescue_enabled": False,
        "locked": False,
        "backup_window": "22-02",
        "outgoing_traffic": 123456,
        "ingoing_traffic": 123456,
        "included_traffic": 654321,
        "protection": {"delete": False, "rebuild": False},
        "labels": labels(number),
        "volumes": [],
        "load_balancers": [],
        "primary_disk_size": 40,
        "placement_group": None,
    }


def _public_net(number: int) -> Document:
    ipv4 = {"id": number, "ip": address(198, number), "blocked": False, "dns_ptr": f"server-{number}.example"}
    ipv6 = {"id": number, "ip": f"2001:db8:{number:x}::/64", "blocked": False, "dns_ptr": []}
    return {"ipv4": ipv4, "ipv6": ipv6, "floating_ips": [], "firewalls": []}


def _server_type() -> Document:
    return {
        "id": 104,
        "name": "cx22",
        "description": "CX22",
        "category": "Shared vCPU",
        "cores": 2,
        "memory": 4.0,
        "disk": 40,
        "deprecated": False,
        "deprecation": None,
        "prices": [],
        "storage_type": "local",
        "cpu_type": "shared",
        "architecture": "x86",
    }


def _datacenter(location: str) -> Document:
    types = {"supported": [1, 2, 3], "available": [1, 2, 3], "available_for_migration": [1, 2, 3]}
    return {
        "id": 4,
        "name": f"{location}-dc1",
        "description": location,
        "location": _location(location),
        "server_types": types,
    }


def _location(name: str) -> Document:
    return {
        "id": 1 + LOCATIONS.index(name),
        "name": name,
        "description": name,
        "country": "DE",
        "city": name,
        "latitude": 50.47,
        "longitude": 12.37,
        "network_zone": "eu-central",
    }


def _image() -> Document:
    return {
        "id": 114690387,
        "type": "system",
        "status": "available",
        "name": "debian-12",
        "description": "Debian 12",
        "image_size": None,
        "disk_size": 5,
        "created": CREATED,
        "created_from": None,
        "bound_to": None,
        "os_flavor": "debian",
        "os_version": "12",
        "rapid_deploy": True,
        "protection": {"delete": False},
        "deprecated": None,
        "deleted": None,
        "labels": {},
        "architecture": "x86",
    }

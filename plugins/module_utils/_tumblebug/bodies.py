# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Bodies of the requests that make machines. Pure.

A group is a mapping with the keys name, size, spec, image and, where wanted, labels, root_disk_type,
root_disk_size (GB), zone and connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import InvalidInput
from .dialect import Dialect

Document = dict[str, Any]


def create_body(dialect: Dialect, infra: Mapping[str, Any]) -> Document:
    """The body that makes an infra of groups.

    Args:
        dialect: of the server.
        infra: name, groups, and where wanted description and labels.

    Raises:
        InvalidInput: a group wants what the release cannot do.
    """
    body = {
        "name": infra["name"],
        "description": infra.get("description") or "",
        dialect.groups_key: [group_body(dialect, group) for group in infra["groups"]],
    }
    if dialect.era != "infra":
        body["installMonAgent"] = "no"  # the monitoring agent of another project, by default "yes" in v0.8
    return {**body, **_labels(dialect, infra)}


def group_body(dialect: Dialect, group: Mapping[str, Any]) -> Document:
    """The body that makes a group of machines; see ``create_body``."""
    if group.get("zone") and not dialect.zones:
        raise InvalidInput(
            f"Group {group['name']} wants the zone {group['zone']}, which this CB-Tumblebug does not offer.",
            hint="Leave zone out, or use CB-Tumblebug v0.12.6 or newer.",
        )
    body = {"name": group["name"], dialect.size_key: dialect.number(group["size"])}
    body |= dict.fromkeys(dialect.spec_keys, group["spec"])
    body |= dict.fromkeys(dialect.image_keys, group["image"])
    optional = {
        "connectionName": group.get("connection"),
        "rootDiskType": group.get("root_disk_type"),
        "rootDiskSize": dialect.number(group["root_disk_size"]) if group.get("root_disk_size") else None,
        "zone": group.get("zone"),
    }
    return {**body, **{key: value for key, value in optional.items() if value}, **_labels(dialect, group)}


def grow_body(dialect: Dialect, count: int) -> Document:
    """The body that adds machines to a group."""
    return {dialect.grow_key: dialect.number(count)}


def _labels(dialect: Dialect, owner: Mapping[str, Any]) -> Document:
    return {"label": dialect.labels(owner["labels"])} if owner.get("labels") else {}

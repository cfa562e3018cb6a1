# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""The addresses that hosts have in a CLADNet, from the report of the playbooks."""

from __future__ import annotations

import json
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput


def overlay_addresses(report: Path) -> dict[str, str]:
    """Host -> overlay address, of the hosts that have one; none if there is no report yet.

    Args:
        report: the JSON file that the playbooks write where ``cladnet_report`` says.

    Raises:
        InvalidInput: the file cannot be read, or is no such report.
    """
    try:
        document = json.loads(report.read_bytes())
        return {entry["host"]: str(ip_interface(entry["address"]).ip) for entry in _hosts(document)}
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise InvalidInput(f"overlay_report {report} cannot be read: {exc.strerror}.") from exc
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise InvalidInput(
            f"overlay_report {report} is no report of a CLADNet.",
            hint="Let the playbook site or status write it: -e cladnet_report=<file>.",
        ) from exc


def _hosts(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in document["hosts"] if entry.get("address")]

# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""The jump hosts that are registered with subnets, read from the vNet objects of any era."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_INFRA_KEYS = ("infraId", "mciId", "mcisId")
_VM_KEYS = ("nodeId", "vmId")
_SUBNET_ID_KEYS = ("id", "Id")  # capitalised up to v0.9.8
_BASTIONS_KEYS = ("bastionNodes", "BastionNodes")


@dataclass(frozen=True)
class Bastion:
    """A machine through which the machines of a subnet are reached."""

    namespace: str  # of the subnet
    vnet: str
    subnet: str
    path: tuple[str, str, str]  # namespace, infra and id of the machine
    manual: bool = True  # chosen by a person, not by Tumblebug

    @property
    def place(self) -> tuple[str, str, str]:
        """What identifies its subnet."""
        return self.namespace, self.vnet, self.subnet


def bastions_from(vnet: Mapping[str, Any], namespace: str) -> Iterator[Bastion]:
    """The bastions that a vNet object names; one that names no machine is left out.

    Args:
        vnet: decoded JSON of one vNet.
        namespace: id of its namespace.
    """
    for subnet in _objects(vnet.get("subnetInfoList")):
        for node in _objects(_first(subnet, _BASTIONS_KEYS)):
            path = (_text(node, ("nsId",)) or namespace, _text(node, _INFRA_KEYS), _text(node, _VM_KEYS))
            if all(path):
                yield Bastion(
                    namespace=namespace,
                    vnet=_text(vnet, ("id",)),
                    subnet=_text(subnet, _SUBNET_ID_KEYS),
                    path=path,
                    manual=node.get("assigned") != "auto",
                )


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _first(document: Mapping[str, Any], keys: tuple[str, ...]) -> object:
    return next((document[key] for key in keys if document.get(key)), None)


def _text(document: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    found = _first(document, keys)
    return found if isinstance(found, str) else ""

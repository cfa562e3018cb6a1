# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Finds the objects that a path names, or refuses with the status and text of the era."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lab.tumblebug.answers import Refused
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Infra, KeyPair, Machine, Namespace, Network
from lab.tumblebug.records import MachinePath
from lab.tumblebug.render_shared import Json


class Lookup:
    """The estate as the routes see it.

    Args:
        era: whose words are used.
        estate: namespaces by id; it may change between two calls.
    """

    def __init__(self, era: Era, estate: Mapping[str, Namespace]) -> None:
        self._era = era
        self._estate = estate

    def namespaces(self) -> Sequence[Namespace]:
        return sorted(self._estate.values(), key=lambda each: each.id)

    def namespace(self, name: str) -> Namespace:
        if name not in self._estate:
            raise Refused(404, "Not valid namespace")
        return self._estate[name]

    def infra(self, namespace: Namespace, infra_id: str, option: str = "") -> Infra:
        """The infra; what is answered for a missing one depends on the option that was asked."""
        if infra_id not in namespace.infras:
            raise self._no_infra(namespace.id, infra_id, option)
        return namespace.infras[infra_id]

    def _no_infra(self, namespace: str, infra_id: str, option: str) -> Refused:
        era = self._era
        if option == "status":
            return Refused(era.missing_status_code, f"Not found [/ns/{namespace}/{era.infra}/{infra_id}]")
        if option == "id":
            return Refused(500, f"Not found the {era.infra_title}: {infra_id} from the NS: {namespace}")
        return Refused(500, f"The {era.infra} {infra_id} does not exist.")

    def machine(self, namespace: str, infra_id: str, machine_id: str) -> Machine:
        infra = self.infra(self.namespace(namespace), infra_id)
        for machine in infra.machines:
            if machine.id == machine_id:
                return machine
        raise self._no_machine((namespace, infra_id, machine_id))

    def has_machine(self, namespace: str, infra_id: str, machine_id: str) -> bool:
        infra = self.namespace(namespace).infras.get(infra_id)
        return infra is not None and any(machine.id == machine_id for machine in infra.machines)

    def machine_path(self, parameters: Mapping[str, str]) -> MachinePath:
        """The path of the machine that the parameters name; refuses if it does not exist."""
        path = (parameters["ns"], parameters["infra"], parameters["machine"])
        self.machine(*path)
        return path

    def _no_machine(self, path: MachinePath) -> Refused:
        era = self._era
        key = f"/ns/{path[0]}/{era.infra}/{path[1]}/{era.node}/{path[2]}"
        text = era.node_missing_text.format(node=era.node, Node=era.node_title, id=path[2], key=key)
        return Refused(500, text)

    def network(self, namespace: str, vnet_id: str) -> Network:
        found = self.namespace(namespace).networks()
        if vnet_id not in found:
            raise Refused(self._era.missing_vnet_code, f"The vNet {vnet_id} does not exist.")
        return found[vnet_id]

    def key_pair(self, namespace: str, key_id: str) -> KeyPair:
        found = self.namespace(namespace).key_pairs()
        if key_id not in found:
            raise Refused(500, f"The sshKey {key_id} does not exist.")
        return found[key_id]


def id_list(ids: Iterable[str]) -> Json:
    """The answer to option=id; an empty list is null."""
    return {"output": list(ids) or None}


def id_list_by_field(machines: Iterable[Json], key: str, value: str) -> Json:
    """The answer to option=id with filterKey and filterVal, both without regard to case.

    A field that is no text crashes the original's handler, which its framework turns into a 500.
    """
    ids = []
    for machine in machines:
        fields = {name.lower(): content for name, content in machine.items()}
        content = fields.get(key.lower(), "")
        if not isinstance(content, str):
            raise Refused(500, "Internal Server Error")
        if key.lower() in fields and content.lower() == value.lower():
            ids.append(machine["id"])
    return id_list(ids)

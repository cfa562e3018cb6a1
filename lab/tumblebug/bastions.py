# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Jump hosts, registered per subnet."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from lab.tumblebug.answers import Request
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Network
from lab.tumblebug.lookup import Lookup
from lab.tumblebug.render_resources import Bastion, bastion
from lab.tumblebug.render_shared import Json


class Bastions:
    """The bastion routes of an era and what they have stored."""

    def __init__(self, era: Era, find: Lookup) -> None:
        self._era = era
        self._find = find
        self._lock = threading.Lock()
        self._of_subnet: dict[tuple[str, str, str], list[Bastion]] = defaultdict(list)

    def of(self, namespace: str, network: Network) -> Sequence[Bastion]:
        """The bastions of a network's subnet that still exist."""
        with self._lock:
            known = list(self._of_subnet[namespace, network.vnet_id, network.subnet_id])
        return [each for each in known if self._find.has_machine(each.namespace, each.infra, each.machine)]

    @property
    def handlers(self) -> Mapping[str, Callable[[Request, Mapping[str, str]], object]]:
        return {"bastions": self.listed, "set_bastion": self.add, "remove_bastion": self.remove}

    def listed(self, _request: Request, parameters: Mapping[str, str]) -> list[Json]:
        """The bastions of a machine's subnet; the answer is a bare array."""
        target = self._find.machine(*self._find.machine_path(parameters))
        return [bastion(self._era, each) for each in self.of(parameters["ns"], target.network)]

    def add(self, _request: Request, parameters: Mapping[str, str]) -> str:
        """Makes a machine of the infra a bastion; the answer is a bare JSON string, not a message object."""
        namespace, infra, jump = parameters["ns"], parameters["infra"], parameters["bastion"]
        target = self._find.machine(*self._find.machine_path(parameters))
        self._find.machine(namespace, infra, jump)
        network, new = target.network, Bastion(namespace, infra, jump)
        with self._lock:
            known = self._of_subnet[namespace, network.vnet_id, network.subnet_id]
            if new in known:
                return f"Bastion (ID: {jump}) already exists in subnet (ID: {network.subnet_id})."
            known.append(new)
        return f"Successfully set the bastion (ID: {jump}) for subnet (ID: {network.subnet_id})."

    def remove(self, _request: Request, parameters: Mapping[str, str]) -> str:
        """Takes a bastion out of all subnets of its namespace; the answer is a bare JSON string."""
        namespace, infra, jump = parameters["ns"], parameters["infra"], parameters["bastion"]
        self._find.machine(namespace, infra, jump)
        gone = Bastion(namespace, infra, jump)
        with self._lock:
            for known in self._of_subnet.values():
                known[:] = [each for each in known if each != gone]
        return f"Successfully removed the bastion (ID: {jump}) from all subnets."

# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Every change of what exists: namespaces, infras and machines with their records."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from lab.tumblebug.estate import Infra, Machine, Namespace, Shared
from lab.tumblebug.records import MachinePath, Records


class Register:
    """The estate as it changes, and the records of its machines, which change with it.

    Args:
        estate: the namespaces, by id; changed in place, each by a new value, so that readers need no lock.
        records: of the machines of the estate.
    """

    def __init__(self, estate: dict[str, Namespace], records: Records) -> None:
        self._estate = estate
        self._records = records
        self._lock = threading.RLock()

    def claim_infra(self, namespace: str, infra: Infra) -> bool:
        """Adds an infra; False if there is one of that id already."""
        with self._lock:
            if infra.id in self._estate[namespace].infras:
                return False
            self._put(namespace, infra)
            return True

    def change_infra(self, namespace: str, infra_id: str, change: Callable[[Infra], Infra]) -> None:
        """Replaces an infra by what ``change`` makes of it."""
        with self._lock:
            self._put(namespace, change(self._estate[namespace].infras[infra_id]))

    def remove_infra(self, namespace: str, infra_id: str) -> None:
        """Removes an infra with all its machines; the clouds are not told."""
        with self._lock:
            left = {key: each for key, each in self._estate[namespace].infras.items() if key != infra_id}
            self._estate[namespace] = replace(self._estate[namespace], infras=left)

    def add_machine(self, namespace: str, infra_id: str, machine: Machine) -> None:
        """Adds a machine that is to be made."""
        with self._lock:
            self._records.creating((namespace, infra_id, machine.id), machine)
            self.change_infra(
                namespace, infra_id, lambda infra: replace(infra, machines=(*infra.machines, machine))
            )

    def change_machine(self, path: MachinePath, change: Callable[[Machine], Machine]) -> None:
        """Replaces a machine by what ``change`` makes of it."""
        with self._lock:
            machine = change(self._records.stored(path).machine)
            self._records.replace_machine(path, machine)
            self._with_machines(path, (machine,))

    def remove_machine(self, path: MachinePath) -> None:
        """Removes a machine; its cloud is not told."""
        with self._lock:
            self._with_machines(path, ())

    def share(self, namespace: str, shared: Shared) -> None:
        """Keeps what the machines of a connection have in common, so that it outlives them."""
        with self._lock:
            before = self._estate[namespace]
            if shared not in before.shared:
                self._estate[namespace] = replace(before, shared=(*before.shared, shared))

    def add_namespace(self, namespace: Namespace) -> bool:
        """Adds a namespace; False if there is one of that id already."""
        with self._lock:
            if namespace.id in self._estate:
                return False
            self._estate[namespace.id] = namespace
            return True

    def remove_namespace(self, namespace: str) -> None:
        """Removes a namespace with everything in it."""
        with self._lock:
            del self._estate[namespace]

    def drop_shared(self, namespace: str) -> None:
        """Forgets what machines that are gone had in common."""
        with self._lock:
            self._estate[namespace] = replace(self._estate[namespace], shared=())

    def _put(self, namespace: str, infra: Infra) -> None:
        before = self._estate[namespace]
        self._estate[namespace] = replace(before, infras={**before.infras, infra.id: infra})

    def _with_machines(self, path: MachinePath, new: tuple[Machine, ...]) -> None:
        namespace, infra_id, machine_id = path

        def changed(infra: Infra) -> Infra:
            kept = tuple(each for each in infra.machines if each.id != machine_id)
            return replace(infra, machines=(*kept, *new))

        self.change_infra(namespace, infra_id, changed)

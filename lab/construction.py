# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Builds a whole lab, and removes it again without a trace, also when it is only half there."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from lab import access, cgroup, image
from lab import situation as situations
from lab import topology as topologies
from lab.errors import TopologyError, WrongStateError
from lab.folders import Folders
from lab.machine import Boot, Machine
from lab.network import Network
from lab.progress import Progress
from lab.situation import Situation
from lab.store import Store
from lab.topology import Topology


class Construction:
    """``up`` and ``down`` of one lab; the caller sees to it that only one of them is at work."""

    def __init__(self, topology: Topology, paths: Folders, store: Store) -> None:
        self._topology = topology
        self._folders = paths
        self._store = store
        self._network = Network(topology)

    def build(self, document: str, progress: Progress) -> None:
        """Makes everything; what an earlier try has left is removed first, what this one has if it fails.

        Args:
            document: the text of the topology file, kept for the life of the lab.
            progress: gets one line of text at each step.

        Raises:
            WrongStateError: another lab of this name is on the machine.
            LabError: a tool fails.
        """
        self._refuse_foreign_lab()
        situation = situations.initial(self._topology, str(image.ensure(progress)))
        self.remove()
        try:
            self._prepare_files(document, situation)
            progress(f"network: {len(self._topology.clouds)} clouds behind 1:1 NAT")
            self._network.create(situation)
            progress(f"hosts: boot of {', '.join(self._topology.hosts)}")
            self._boot_all(situation)
            self._store.write(situations.completed(situation))
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Cuts the power of all hosts and removes processes, namespaces, control groups and files."""
        built = self._built_topology()
        network = Network(built)
        for host in built.hosts:
            Machine(host, self._folders, network).cut_power()
        access.close_connections(self._folders)
        network.destroy()
        cgroup.remove(self._folders.cgroup)
        _clear(self._folders.state)
        _clear(self._folders.runtime)
        for folder in (self._folders.runtime, self._folders.runtime.parent):
            with contextlib.suppress(OSError):  # not there, or in use by another lab
                folder.rmdir()

    def _built_topology(self) -> Topology:
        """As it was when the lab was built: the file may say something else by now."""
        with contextlib.suppress(TopologyError):
            return topologies.load(self._folders.topology, name=self._topology.name)
        return self._topology

    def _prepare_files(self, document: str, situation: Situation) -> None:
        self._folders.state.chmod(0o700)
        self._folders.runtime.mkdir(parents=True, mode=0o700)
        for folder in ("keys", "ssh"):
            (self._folders.runtime / folder).mkdir()
        self._folders.topology.write_text(document, encoding="utf-8")
        self._store.write(situation)
        access.create_keys(self._topology, self._folders)
        access.write_known_hosts(self._folders, situation)

    def _boot_all(self, situation: Situation) -> None:
        pending: list[Boot] = []
        try:
            for host in self._topology.hosts:
                pending.append(Machine(host, self._folders, self._network).power_on(situation))
            while pending:
                pending.pop(0).wait()
        except BaseException:
            for boot in pending:
                boot.cancel()
            raise

    def _refuse_foreign_lab(self) -> None:
        if self._store.exists or not (self._network.existing() or self._folders.cgroup.exists()):
            return
        name = self._topology.name
        raise WrongStateError(
            f"a lab named {name} is on this machine already, brought up from another folder: "
            "take it down there, or give this one another name; if that folder is gone, run down here"
        )


def _clear(folder: Path) -> None:
    """Empties a folder, which may be missing."""
    for path in folder.iterdir() if folder.exists() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()

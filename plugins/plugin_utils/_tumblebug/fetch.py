# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""From an address to machines: which namespaces and infras, their machines, their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import NotFound
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.client import Client, SshKey
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.key_files import (
    KeyFiles,
    file_name,
)


@dataclass(frozen=True)
class Selection:
    """What to fetch; empty means all."""

    era: str = ""
    namespaces: tuple[str, ...] = ()
    infras: tuple[str, ...] = ()


def fetch_vms(client: Client, selection: Selection) -> list[Vm]:
    """All machines that are selected, whatever their status, in a stable order.

    Raises:
        NotFound: a namespace or infra of the selection does not exist.
        Unauthorized, Unavailable, InvalidInput: see ``Client``.
    """
    namespaces = selection.namespaces or tuple(client.namespaces())
    if not namespaces:
        return []
    era = selection.era or client.detect_era(namespaces[0])
    infras = [(namespace, infra) for namespace in namespaces for infra in client.infras(era, namespace)]
    chosen = list(_chosen(infras, selection.infras))
    vms = [vm for namespace, infra in chosen for vm in client.vms(era, namespace, infra)]
    return sorted(vms, key=lambda vm: (vm.namespace, vm.infra, vm.id))


def _chosen(infras: Sequence[tuple[str, str]], wanted: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Infras that are wanted by id, or by namespace/id."""
    missing = [name for name in wanted if not any(name in _forms(infra) for infra in infras)]
    if missing:
        known = ", ".join("/".join(infra) for infra in infras) or "none"
        raise NotFound(f"CB-Tumblebug has no infra {', '.join(missing)}.", hint=f"There are: {known}.")
    for infra in infras:
        if not wanted or not _forms(infra).isdisjoint(wanted):
            yield infra


def _forms(infra: tuple[str, str]) -> set[str]:
    return {infra[1], "/".join(infra)}


def with_keys(
    vms: Sequence[Vm], client: Client, files: KeyFiles, on_missing: Callable[[str], None]
) -> list[Vm]:
    """The machines with login user and key file; every key is asked for once and written.

    Args:
        vms: the machines.
        client: asked for the keys.
        files: where the private keys go.
        on_missing: told about a key that does not exist any more.
    """
    keys = {name: _stored(name, client, files, on_missing) for name in _key_names(vms)}
    return [_with_key(vm, keys.get((vm.namespace, vm.ssh_key))) for vm in vms]


def restore_key_files(vms: Sequence[Vm], client: Client, files: KeyFiles) -> None:
    """Writes those key files again that machines from the cache name and that are gone."""
    lost = [vm for vm in vms if vm.key_file and not files.exists(vm.key_file)]
    for namespace, key_id in _key_names(lost):
        files.write(file_name(namespace, key_id), client.ssh_key(namespace, key_id).private_key)


def _key_names(vms: Sequence[Vm]) -> list[tuple[str, str]]:
    return sorted({(vm.namespace, vm.ssh_key) for vm in vms if vm.ssh_key})


def _stored(
    name: tuple[str, str], client: Client, files: KeyFiles, on_missing: Callable[[str], None]
) -> SshKey | None:
    try:
        key = client.ssh_key(*name)
    except NotFound as exc:
        on_missing(str(exc))
        return None
    if key.private_key:
        files.write(file_name(*name), key.private_key)
    return key


def _with_key(vm: Vm, key: SshKey | None) -> Vm:
    if key is None:
        return vm
    key_file = file_name(vm.namespace, vm.ssh_key) if key.private_key else ""
    return replace(vm, ssh_user=vm.ssh_user or key.username, key_file=key_file)

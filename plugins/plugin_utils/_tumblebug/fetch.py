# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""From an address to machines: which namespaces and infras, their machines, their bastions, their keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput, NotFound
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.bastion import Bastion
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.client import (
    INFRA_REQUESTS_PER_S,
    Client,
    SshKey,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.key_files import (
    KeyFiles,
    file_name,
)

MANY_INFRAS = 60
"""More than these, which take half a minute one by one, are read from what Tumblebug has stored."""

AUTO, LIVE, STORED = "auto", "live", "stored"

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Selection:
    """What to fetch; empty means all."""

    era: str = ""
    namespaces: tuple[str, ...] = ()
    infras: tuple[str, ...] = ()
    fetch: str = LIVE  # or STORED, or AUTO
    needs_bastion: Callable[[Vm], bool] | None = None  # of which machines the bastions are wanted


@dataclass(frozen=True)
class Fetched:
    """What was fetched; nothing of it is secret."""

    vms: Sequence[Vm] = ()
    bastions: Sequence[Bastion] = ()
    jump_hosts: Sequence[Vm] = ()  # registered bastions that are not among the machines

    @property
    def all_vms(self) -> list[Vm]:
        return [*self.vms, *self.jump_hosts]

    def to_json(self) -> str:
        """One text: a cache compares and copies what it holds, which for a text costs nothing."""
        parts = (self.vms, self.bastions, self.jump_hosts)
        return json.dumps([[vars(each) for each in part] for part in parts])

    @classmethod
    def from_json(cls, text: str) -> Fetched:
        """The reverse of ``to_json``."""
        vms, bastions, jump_hosts = json.loads(text)
        return cls(
            [Vm(**fields) for fields in vms],
            [Bastion(**{**fields, "path": tuple(fields["path"])}) for fields in bastions],
            [Vm(**fields) for fields in jump_hosts],
        )


def fetch(client: Client, selection: Selection, warn: Warn) -> Fetched:
    """All machines that are selected, whatever their status, in a stable order.

    Args:
        client: asked for everything.
        selection: what is wanted.
        warn: told what is missing or may be old.

    Raises:
        NotFound: a namespace or infra of the selection does not exist.
        Unauthorized, Unavailable, InvalidInput: see ``Client``.
    """
    namespaces = tuple(dict.fromkeys(selection.namespaces)) or tuple(client.namespaces())
    if not namespaces:
        warn("CB-Tumblebug has no namespace, so there are no hosts.")
        return Fetched()
    era = selection.era or client.detect_era(namespaces[0])
    known = [(namespace, infra) for namespace in namespaces for infra in client.infras(era, namespace)]
    infras = list(_chosen(known, selection.infras))
    vms = sorted(_vms(client, era, infras, selection.fetch, warn), key=lambda vm: vm.path)
    if not vms:
        warn(f"CB-Tumblebug has no VMs in {_shown(infras) or 'namespace ' + ', '.join(namespaces)}.")
    return _with_bastions(vms, client, era, selection.needs_bastion, warn)


def _chosen(infras: Sequence[tuple[str, str]], wanted: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Infras that are wanted by id, or by namespace/id."""
    forms = {form for infra in infras for form in _forms(infra)}
    missing = [name for name in wanted if name not in forms]
    if missing:
        known = ", ".join("/".join(infra) for infra in infras) or "none"
        raise NotFound(f"CB-Tumblebug has no infra {', '.join(missing)}.", hint=f"There are: {known}.")
    for infra in infras:
        if not wanted or not _forms(infra).isdisjoint(wanted):
            yield infra


def _forms(infra: tuple[str, str]) -> set[str]:
    return {infra[1], "/".join(infra)}


def _shown(infras: Sequence[tuple[str, str]]) -> str:
    return f"infra {', '.join('/'.join(infra) for infra in infras[:5])}" if infras else ""


def _vms(client: Client, era: str, infras: Sequence[tuple[str, str]], how: str, warn: Warn) -> Iterable[Vm]:
    """The machines of infras, from each infra in turn or from what is stored."""
    if how == STORED or (how == AUTO and len(infras) > MANY_INFRAS):
        stored = _stored(client, infras)
        if stored is not None:
            _warn_of_old(len(infras), how, warn)
            return stored
        if how == STORED:
            raise InvalidInput(
                "fetch is stored, but this CB-Tumblebug has no list of all nodes (it has since v0.12.30).",
                hint="Set fetch to live or auto.",
            )
    return (vm for namespace, infra in infras for vm in client.vms(era, namespace, infra))


def _stored(client: Client, infras: Sequence[tuple[str, str]]) -> list[Vm] | None:
    found: list[Vm] = []
    for namespace in dict.fromkeys(namespace for namespace, _infra in infras):
        vms = client.stored_vms(namespace)
        if vms is None:
            return None
        found += vms
    chosen = set(infras)
    return [vm for vm in found if (vm.namespace, vm.infra) in chosen]


def _warn_of_old(infras: int, how: str, warn: Warn) -> None:
    if how == AUTO:
        warn(
            f"The {infras} infras are read from what CB-Tumblebug has stored: statuses may be old, and labels"
            f" that were changed later may be missing. Set fetch to stored to accept that, or to live to ask"
            f" each infra, which takes {infras // INFRA_REQUESTS_PER_S} s."
        )


# --- bastions ---


def _with_bastions(
    vms: Sequence[Vm], client: Client, era: str, needs: Callable[[Vm], bool] | None, warn: Warn
) -> Fetched:
    """The machines with the registered bastions of the namespaces where one is needed."""
    needy = dict.fromkeys(vm.namespace for vm in vms if needs and needs(vm))
    bastions = [bastion for namespace in needy for bastion in client.bastions(namespace)]
    known = {vm.path for vm in vms}
    elsewhere = dict.fromkeys(bastion.path for bastion in bastions if bastion.path not in known)
    found = [_jump_host(client, era, path, warn) for path in elsewhere]
    return Fetched(vms, bastions, [vm for vm in found if vm])


def _jump_host(client: Client, era: str, path: tuple[str, str, str], warn: Warn) -> Vm | None:
    try:
        return client.vm(era, path)
    except NotFound as exc:
        warn(f"A registered bastion is missing: {exc}")
        return None


# --- keys ---


def with_keys(fetched: Fetched, client: Client, files: KeyFiles, on_missing: Warn) -> Fetched:
    """The machines with login user and key file; every key is asked for once and written.

    Args:
        fetched: the machines.
        client: asked for the keys.
        files: where the private keys go.
        on_missing: told about a key that does not exist any more.
    """
    keys = {name: _stored_key(name, client, files, on_missing) for name in _key_names(fetched.all_vms)}

    def completed(vms: Sequence[Vm]) -> list[Vm]:
        return [_with_key(vm, keys.get((vm.namespace, vm.ssh_key))) for vm in vms]

    return replace(fetched, vms=completed(fetched.vms), jump_hosts=completed(fetched.jump_hosts))


def restore_key_files(vms: Sequence[Vm], client: Client, files: KeyFiles) -> None:
    """Writes those key files again that machines from the cache name and that are gone."""
    names = {vm.key_file for vm in vms if vm.key_file}
    gone = {name for name in names if not files.exists(name)}
    for namespace, key_id in _key_names([vm for vm in vms if vm.key_file in gone]):
        files.write(file_name(namespace, key_id), client.ssh_key(namespace, key_id).private_key)


def _key_names(vms: Sequence[Vm]) -> list[tuple[str, str]]:
    return sorted({(vm.namespace, vm.ssh_key) for vm in vms if vm.ssh_key})


def _stored_key(name: tuple[str, str], client: Client, files: KeyFiles, on_missing: Warn) -> SshKey | None:
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
    return Vm(**{**vars(vm), "ssh_user": vm.ssh_user or key.username, "key_file": key_file})

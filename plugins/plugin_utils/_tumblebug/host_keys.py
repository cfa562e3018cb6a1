# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""The host keys that Tumblebug saw, as known_hosts files for ssh.

There is one file per infra, which holds all its machines whatever was selected: inventories that share the
directory then write the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.fetch import Fetched
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.key_files import KeyFiles

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")

KnownHosts = Mapping[tuple[str, str, str], str]
"""The path of a machine whose host key is known -> the name of the file that holds it."""


def write_known_hosts(fetched: Fetched, files: KeyFiles) -> KnownHosts:
    """Writes the files; leaves those alone that need no change. Raises InvalidInput as ``KeyFiles`` does."""
    by_file: dict[str, list[Vm]] = defaultdict(list)
    for vm in fetched.vms:
        by_file[_file_name(vm.path[:2])].append(vm)
    for vm in fetched.jump_hosts:  # the others of its infra are not known
        by_file[_file_name(vm.path)].append(vm)
    known = {name: [vm for vm in vms if vm.ssh_host_key] for name, vms in by_file.items()}
    for name, vms in known.items():
        if vms:
            files.write_text(name, _lines(vms))
    return {vm.path: name for name, vms in known.items() for vm in vms}


def alias(vm: Vm) -> str:
    """The name under which the host key of a machine is known; one that is made again has another."""
    uid = [vm.uid] if _PLAIN.fullmatch(vm.uid) else []
    return ".".join((vm.id, vm.infra, vm.namespace, *uid))


def _file_name(parts: Sequence[str]) -> str:
    return ".".join((*(quote(part, safe="+") for part in parts), "known_hosts"))


def _lines(vms: Sequence[Vm]) -> str:
    return "".join(f"{alias(vm)} {vm.ssh_host_key}\n" for vm in vms)

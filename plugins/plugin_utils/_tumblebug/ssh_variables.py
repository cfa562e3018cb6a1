# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""The variables by which Ansible's ssh reaches a machine.

Private addresses are not unique: machines of two clouds may have the same. Whatever ssh remembers by
address, its host keys and its open connections, goes by a name of the machine in place of it.
"""

from __future__ import annotations

import shlex
from functools import lru_cache
from hashlib import sha256
from typing import Any

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import DEFAULT_USER, Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.bastions import JumpHost
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.host_keys import (
    KnownHosts,
    alias,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.key_files import KeyFiles
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.routes import Route

_RETRIES = 3  # sshd drops some of many logins at once, and all hosts log in to the bastion
_SIGNATURES = {
    "ssh-rsa": "rsa-sha2-512,rsa-sha2-256"
}  # of a key of that type, where they are named otherwise


class SshVariables:
    """Makes the variables of machines.

    Args:
        files: where keys and known hosts are.
        user: the user of all machines, or empty for each one's own.
        known_hosts: the files of the machines whose host keys are known.
    """

    def __init__(self, files: KeyFiles, user: str, known_hosts: KnownHosts) -> None:
        self._user = user
        self._known_hosts = known_hosts
        self._path = lru_cache(maxsize=None)(lambda name: str(files.path(name)))

    def of(self, vm: Vm, route: Route) -> dict[str, Any]:
        """The variables of a machine that is reached so."""
        variables: dict[str, Any] = {"ansible_port": vm.ssh_port, "ansible_user": self._login_user(vm)}
        if route.address:
            variables["ansible_host"] = route.address
        if vm.key_file:
            variables["ansible_ssh_private_key_file"] = self._path(vm.key_file)
        if not route.is_public:
            digest = sha256(alias(vm).encode()).hexdigest()[:10]
            variables["ansible_control_path"] = f"%(directory)s/{digest}"
        arguments = self._arguments(vm, route)
        if arguments:
            variables["ansible_ssh_common_args"] = shlex.join(arguments)
        if route.through:
            variables["ansible_ssh_retries"] = _RETRIES
        return variables

    def _arguments(self, vm: Vm, route: Route) -> list[str]:
        arguments = self._host_key(vm)
        if not arguments and not route.is_public:
            arguments = _options(f"HostKeyAlias={alias(vm)}")
        if route.through:
            arguments = [*arguments, *_options(f"ProxyCommand={self._proxy_command(route.through)}")]
        return arguments

    def _host_key(self, vm: Vm) -> list[str]:
        """Options that let only the machine with the known key pass, if it is known."""
        if vm.path not in self._known_hosts:
            return []
        key_type = vm.ssh_host_key.partition(" ")[0]
        return _options(
            f"HostKeyAlias={alias(vm)}",
            f"HostKeyAlgorithms={_SIGNATURES.get(key_type, key_type)}",  # accept-new would learn other types
            f"UserKnownHostsFile={_quoted(self._path(self._known_hosts[vm.path]))}",
            "StrictHostKeyChecking=yes",
        )

    def _proxy_command(self, bastion: Vm | JumpHost) -> str:
        login = self._jump_login(bastion) if isinstance(bastion, JumpHost) else self._vm_login(bastion)
        words = [
            "-S",
            "none",
            *_options("BatchMode=yes"),
            *login,
        ]  # the word ControlPath would mislead Ansible
        return f"ssh {shlex.join(words).replace('%', '%%')} -W '[%h]:%p'"

    def _vm_login(self, bastion: Vm) -> list[str]:
        """Arguments for a bastion, with its own key: each vNet has another."""
        words = ["-p", str(bastion.ssh_port), "-l", self._login_user(bastion)]
        if bastion.key_file:
            words += ["-i", _literal(self._path(bastion.key_file)), *_options("IdentitiesOnly=yes")]
        words += self._host_key(bastion) or _options(
            f"HostKeyAlias={alias(bastion)}", "StrictHostKeyChecking=accept-new"
        )
        return [*words, bastion.public_ip]

    def _jump_login(self, bastion: JumpHost) -> list[str]:
        user = ["-l", bastion.user] if bastion.user else []
        return ["-p", str(bastion.port), *user, bastion.host]

    def _login_user(self, vm: Vm) -> str:
        return self._user or vm.ssh_user or DEFAULT_USER


def _options(*texts: str) -> list[str]:
    return [word for text in texts for word in ("-o", text)]


def _literal(path: str) -> str:
    """A path in which ssh replaces nothing."""
    return path.replace("%", "%%")


def _quoted(path: str) -> str:
    """A path in an option that takes several, as one."""
    text = _literal(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'

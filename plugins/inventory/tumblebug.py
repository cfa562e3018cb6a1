# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory of the virtual machines of CB-Tumblebug."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tumblebug
short_description: Virtual machines of CB-Tumblebug as hosts
version_added: 0.1.0
author:
  - Cloud-Barista community (@cloud-barista)
description:
  - Reads the virtual machines (VMs) of one or many multi-cloud infras of CB-Tumblebug, whichever they are
    called there, MCIS, MCI or Infra, and makes each VM a host with groups, variables and its SSH key.
  - The file that is given as inventory must be named C(tumblebug.yml), or end in C(.tumblebug.yml) or
    C(.tumblebug.yaml).
  - A host is named by the id of its VM. Where several VMs have that id, the name is C(id.infra),
    and where that is not unique either, C(id.infra.namespace).
  - C(ansible_host) is the public address, or the private one of a VM that has no public address.
    C(ansible_port) and C(ansible_user) are those that CB-Tumblebug knows.
  - Everything that CB-Tumblebug says about a VM is a variable with the prefix O(hostvars_prefix), for example
    C(tumblebug_provider), C(tumblebug_region), C(tumblebug_labels). See the notes for all of them.
  - Hosts are grouped without any option by namespace, infra, subgroup, provider, region, zone, vNet, subnet
    and label. A group is named by the prefix O(group_prefix), its kind and its value, for example
    C(tumblebug_provider_aws), C(tumblebug_region_aws_ap_northeast_2), C(tumblebug_infra_ns01_mci01),
    C(tumblebug_label_stage_prod). Narrow groups are children of wider ones, such as a zone of its region.
extends_documentation_fragment:
  - cloud_barista.cladnet._tumblebug
  - cloud_barista.cladnet._tumblebug.plugins
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - Marks the file as one of this plugin.
    type: str
    required: true
    choices: [cloud_barista.cladnet.tumblebug]
  era:
    description:
      - The word that the API uses for an infra. V(auto) finds it out, with at most three requests.
    type: str
    choices: [auto, infra, mci, mcis]
    default: auto
  namespaces:
    description:
      - Ids of the namespaces whose VMs are wanted. Empty means all.
    type: list
    elements: str
    default: []
    env:
      - name: TUMBLEBUG_NAMESPACES
  infras:
    description:
      - Ids of the infras whose VMs are wanted, or V(namespace/id) where an id exists in several namespaces.
        Empty means all of O(namespaces).
    type: list
    elements: str
    default: []
    env:
      - name: TUMBLEBUG_INFRAS
  statuses:
    description:
      - Statuses of VMs that become hosts, such as V(Running) or V(Suspended). Empty means all.
    type: list
    elements: str
    default: [Running]
  without_address:
    description:
      - What to do about a running VM for which CB-Tumblebug has no address at all.
    type: str
    choices:
      fail: Stop and name the VM.
      skip: Warn, and go on without the VM.
    default: fail
  ssh_keys:
    description:
      - Whether to fetch the SSH private keys and to set C(ansible_ssh_private_key_file).
      - Each key is asked for once and written to O(ssh_key_directory), readable by nobody else. Keys never
        enter variables or the cache.
      - Switch it off where keys come from elsewhere, such as a machine credential of AWX.
    type: bool
    default: true
    env:
      - name: TUMBLEBUG_SSH_KEYS
  ssh_key_directory:
    description:
      - Directory for the SSH private keys. It is made if it does not exist.
      - Without it they go to C(cladnet/tumblebug) in the user's cache directory, with one directory per
        O(url).
    type: path
    env:
      - name: TUMBLEBUG_SSH_KEY_DIRECTORY
  ssh_user:
    description:
      - The value of C(ansible_user) of all hosts.
      - Without it, the user that CB-Tumblebug knows for the VM, else the one of its SSH key, else V(cb-user).
    type: str
  hostvars_prefix:
    description:
      - Beginning of the names of all variables that CB-Tumblebug's data are put in.
    type: str
    default: tumblebug_
  group_prefix:
    description:
      - Beginning of the names of all groups that are made without O(groups) and O(keyed_groups).
    type: str
    default: tumblebug_
  group_by:
    description:
      - The kinds of groups to make. An empty list means none.
    type: list
    elements: str
    choices: [namespace, infra, subgroup, provider, region, zone, vnet, subnet, label]
    default: [namespace, infra, subgroup, provider, region, zone, vnet, subnet, label]
  retry_timeout:
    description:
      - Seconds for which a request is repeated while CB-Tumblebug answers that it is busy (HTTP status 429
        or 503).
    type: int
    default: 60
notes:
  - The options O(url), O(username), O(password), O(token) and O(ssh_user) may hold templates, such as
    V({{ lookup('ansible.builtin.env', 'MY_PASSWORD'\) }}), and see the extra variables of the command line.
    No other option is a template, except the expressions of O(compose), O(groups) and O(keyed_groups).
  - "Variables of each host, before which O(hostvars_prefix) is put: C(namespace), C(infra), C(id), C(name),
    C(uid), C(status), C(subgroup), C(provider), C(region), C(zone), C(connection), C(vnet), C(subnet),
    C(csp_vnet), C(csp_subnet), C(csp_id), C(spec), C(image), C(public_ip), C(private_ip), C(ssh_port),
    C(ssh_user), C(ssh_key), C(labels), C(description), C(created). What is not known is empty. The ids
    beginning with C(csp_) are those of the cloud."
  - Labels whose key begins with C(sys.) are in the variable, but make no groups. In releases before v0.9.12
    a label is one text, which is read as C(key=value,key=value) where it has that form, and else becomes
    the label C(label).
  - Data of CB-Tumblebug are never rendered as templates, whatever they hold.
  - CB-Tumblebug allows two requests per second for infras. The plugin keeps to that, so 20 infras take 10
    seconds; use the cache. In it, and in the variables, there is no secret. VMs of every status are cached,
    so O(statuses) may change without asking again.
  - After a VM was stopped or started outside of CB-Tumblebug, CB-Tumblebug goes on telling its old address.
  - A source that fails is only a warning for Ansible, and the play then runs on no hosts. Set
    C(any_unparsed_is_failed=true) in the section C([inventory]) of C(ansible.cfg), as the example does that
    comes with the collection.
seealso:
  - name: CB-Tumblebug
    description: The project, its API and its releases.
    link: https://github.com/cloud-barista/cb-tumblebug
"""

EXAMPLES = r"""
# The smallest prod.tumblebug.yml: address and login come from the variables
# TUMBLEBUG_URL, TUMBLEBUG_USERNAME and TUMBLEBUG_PASSWORD of the environment.
plugin: cloud_barista.cladnet.tumblebug
---
# All VMs of two infras are agents of a CLADNet;
# those with the label cladnet-role=controller are also its controllers.
plugin: cloud_barista.cladnet.tumblebug
url: http://tumblebug.example:1323
password: "{{ lookup('ansible.builtin.env', 'MY_PASSWORD') }}"
namespaces: [ns01]
infras: [mci01, mci02]
groups:
  cladnet_agents: true
  cladnet_controllers: tumblebug_labels['cladnet-role'] | default('') == 'controller'
---
# With a cache of ten minutes, suspended VMs too, groups by spec, and other names.
plugin: cloud_barista.cladnet.tumblebug
url: https://tumblebug.example
ca_path: /etc/ssl/tumblebug-ca.pem
statuses: [Running, Suspended]
hostvars_prefix: tb_
group_prefix: ""
group_by: [provider, region, label]
keyed_groups:
  - key: tb_spec
    prefix: spec
compose:
  ansible_host: tb_private_ip
strict: true
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ansible/inventory
cache_timeout: 600
"""

import hashlib
import json
import os
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import CladnetError, InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.client import Client
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.transport import (
    Connection,
    OpenUrlTransport,
    base_url,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import RUNNING, Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.fetch import (
    Selection,
    fetch_vms,
    restore_key_files,
    with_keys,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.key_files import (
    KeyFiles,
    default_directory,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.naming import (
    Group,
    ambiguous,
    connection_variables,
    group_chains,
    host_names,
    host_variables,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.trust import trust

if TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader

NAMES = (".tumblebug.yml", ".tumblebug.yaml")
CACHE_FORMAT = 1
"""To be raised when the fields of a machine change: an older cache is then not read."""


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Hosts from CB-Tumblebug: fetch or take from the cache, then name, group and describe."""

    NAME = "cloud_barista.cladnet.tumblebug"

    def verify_file(self, path: str) -> bool:
        """Whether the file's name says that it is for this plugin."""
        if not super().verify_file(path):
            return False
        file_name = f".{Path(path).name}"
        if file_name.endswith(NAMES):
            return True
        self.display.debug(
            f"{self.NAME}: {path} is named neither tumblebug.yml nor ends in {' or '.join(NAMES)}"
        )
        return False

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Fills the inventory; raises AnsibleParserError with a sentence for everything that can go wrong."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        self.templar.available_variables = self._vars
        try:
            self._keys = self._key_files()
            self._add_hosts(self._vms(path, use_cache=cache))
        except CladnetError as exc:
            raise AnsibleParserError(str(exc)) from exc

    def get_cache_key(self, path: str) -> str:  # noqa: ARG002 - signature of Cacheable
        """A key of everything that decides what is fetched, which the path is not, and of no secret."""
        deciding = [
            CACHE_FORMAT,
            base_url(self._text("url")),
            self._text("username"),
            *(self.get_option(name) for name in ("era", "namespaces", "infras", "ssh_keys")),
        ]
        digest = hashlib.sha256(json.dumps(deciding).encode()).hexdigest()
        return f"{self.NAME}_{digest[:16]}"

    # --- machines: from Tumblebug or from the cache ---

    def _vms(self, path: str, *, use_cache: bool) -> list[Vm]:
        client = self._client()
        if not self.get_option("cache"):
            return self._fetched(client)
        key = self.get_cache_key(path)
        if use_cache and key in self._cache:
            vms = [Vm(**fields) for fields in self._cache[key]]
            restore_key_files(vms, client, self._keys)
            return vms
        vms = self._fetched(client)
        self._cache[key] = [asdict(vm) for vm in vms]
        return vms

    def _fetched(self, client: Client) -> list[Vm]:
        vms = fetch_vms(client, self._selection())
        if not self.get_option("ssh_keys"):
            return vms
        return with_keys(vms, client, self._keys, on_missing=self.display.warning)

    def _selection(self) -> Selection:
        era = self.get_option("era")
        return Selection(
            era="" if era == "auto" else era,
            namespaces=tuple(self.get_option("namespaces")),
            infras=tuple(self.get_option("infras")),
        )

    def _client(self) -> Client:
        connection = Connection(
            username=self._text("username"),
            password=self._text("password"),
            token=self._text("token"),
            ca_path=self.get_option("ca_path") or "",
            validate_certs=self.get_option("validate_certs"),
            timeout_s=self.get_option("timeout"),
        )
        transport = OpenUrlTransport(self._text("url"), connection)
        patience_s = self.get_option("retry_timeout")
        return Client(transport, now=time.monotonic, sleep=time.sleep, patience_s=patience_s)

    def _key_files(self) -> KeyFiles:
        chosen = self.get_option("ssh_key_directory")
        if chosen:
            return KeyFiles(Path(chosen))
        return KeyFiles(default_directory(base_url(self._text("url")), dict(os.environ)))

    def _text(self, option: str) -> str:
        """A text option that may be a template: only those that the documentation names so."""
        value = self.get_option(option)
        return "" if value is None else str(self.templar.template(value))

    # --- hosts: names, groups, variables ---

    def _add_hosts(self, vms: Sequence[Vm]) -> None:
        named = [(name, vm) for name, vm in zip(host_names(vms), vms) if self._is_wanted(vm)]
        kinds, ssh_user = self.get_option("group_by"), self._text("ssh_user")
        chains = {name: group_chains(vm, kinds) for name, vm in named}
        group_names = self._add_groups({chain for found in chains.values() for chain in found})
        for name, vm in named:
            self.inventory.add_host(name)
            for chain in chains[name]:
                self.inventory.add_child(group_names[chain[-1]], name)
            self._set_variables(name, vm, ssh_user)
            self._construct(name)

    def _is_wanted(self, vm: Vm) -> bool:
        statuses = self.get_option("statuses")
        if statuses and vm.status not in statuses:
            return False
        if vm.address or vm.status != RUNNING:
            return True
        message = f"VM {vm.id} of infra {vm.namespace}/{vm.infra} is running but has no address."
        if self.get_option("without_address") == "fail":
            raise InvalidInput(
                message, hint="Refine or repair it in CB-Tumblebug, or set without_address to skip."
            )
        self.display.warning(message)
        return False

    def _add_groups(self, chains: Collection[tuple[Group, ...]]) -> dict[Group, str]:
        """Adds every group of the chains below the wider one before it; gives their names."""
        prefix = self.get_option("group_prefix")
        names = {group: group.name(prefix) for chain in chains for group in chain}
        self._warn_of_ambiguous(names)
        for name in sorted(set(names.values())):
            self.inventory.add_group(name)
        for chain in sorted(chains):
            for wider, narrower in zip(chain, chain[1:]):
                self.inventory.add_child(names[wider], names[narrower])
        return names

    def _warn_of_ambiguous(self, groups: Iterable[Group]) -> None:
        for name, found in ambiguous(groups, self.get_option("group_prefix")).items():
            different = ", ".join(f"{group.kind} {'/'.join(group.parts)}" for group in found)
            self.display.warning(f"Group {name} holds the hosts of several: {different}.")

    def _set_variables(self, host: str, vm: Vm, ssh_user: str) -> None:
        key_path = str(self._keys.path(vm.key_file)) if vm.key_file else ""
        variables = host_variables(vm, self.get_option("hostvars_prefix"))
        variables |= connection_variables(vm, ssh_user=ssh_user, key_path=key_path)
        for name, value in variables.items():
            self.inventory.set_variable(host, name, trust(value))

    def _construct(self, host: str) -> None:
        """What the user composed, with the host's variables as they are now."""
        strict = self.get_option("strict")
        variables = self.inventory.get_host(host).get_vars()
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._trust_composed(host)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)

    def _trust_composed(self, host: str) -> None:
        """Texts that expressions have made are untagged, and would reach AWX as objects."""
        variables = self.inventory.get_host(host).get_vars()
        for name in self.get_option("compose"):
            if name in variables:
                self.inventory.set_variable(host, name, trust(variables[name]))

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
    and where that is not unique either, C(id.infra.namespace). O(hostname) makes other names.
  - C(ansible_host) is the public address, or the private one of a VM that has no public address, which is
    reached through a bastion then, see O(connect_with) and O(bastion).
    C(ansible_port) and C(ansible_user) are those that CB-Tumblebug knows.
  - Everything that CB-Tumblebug says about a VM is a variable with the prefix O(hostvars_prefix), for example
    C(tumblebug_provider), C(tumblebug_region), C(tumblebug_labels). See the notes for all of them.
  - Hosts are grouped without any option by namespace, infra, subgroup, provider, region, zone, vNet, subnet
    and label. A group is named by the prefix O(group_prefix), its kind and its value, for example
    C(tumblebug_provider_aws), C(tumblebug_region_aws_ap_northeast_2), C(tumblebug_infra_ns01_mci01),
    C(tumblebug_label_stage_prod). Narrow groups are children of wider ones, such as a zone of its region.
  - O(cladnet_agents) and O(cladnet_controllers) make the groups that the playbooks of this collection work
    on.
requirements:
  - jmespath (only for O(filter))
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
  labels:
    description:
      - Only VMs with these labels become hosts. The selector is written as in Kubernetes and works with every
        release of CB-Tumblebug.
      - Its parts are V(key=value), V(key!=value), V(key in (a,b\)), V(key notin (a,b\)), V(key) and V(!key),
        with commas between; all of them must hold. A VM without the key fulfils V(!=) and V(notin).
    type: str
    env:
      - name: TUMBLEBUG_LABELS
    version_added: 0.2.0
  filter:
    description:
      - Only VMs of which this JMESPath expression is true become hosts.
      - It is applied to one VM at a time, to an object with the variables of the host without
        O(hostvars_prefix), see the notes. For example V(provider == 'aws' && labels.stage == 'prod'), or
        V(starts_with(subnet, 'backend'\)).
      - As JMESPath has it, an empty text, list or object, V(false) and V(null) are not true. A value that is
        not there is V(null).
    type: str
    version_added: 0.2.0
  fetch:
    description:
      - How the VMs are read.
    type: str
    choices:
      auto: As V(live), but as V(stored), with a warning, for more than 60 infras, which would take half a
        minute.
      live: Infra by infra, two in a second. Statuses, addresses and labels are those of the moment.
      stored: All VMs of a namespace by one request, as CB-Tumblebug last stored them. Statuses may be old,
        and labels that were changed after a VM was made may be missing. Needs CB-Tumblebug v0.12.30.
    default: auto
    env:
      - name: TUMBLEBUG_FETCH
    version_added: 0.2.0
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
      - The keys of the hosts themselves, which CB-Tumblebug v0.12.2 and newer remembers, are written there as
        well, and ssh then accepts no other (C(StrictHostKeyChecking=yes)).
      - Switch it off where keys come from elsewhere, such as a machine credential of AWX. No file is written
        then.
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
  connect_with:
    description:
      - The kind of address that C(ansible_host) becomes.
    type: str
    choices:
      public: The public address, or the private one of a VM that has no public address.
      private: The private address, or the public one of a VM that has no private address.
      overlay: The address in the CLADNet of a VM that is in O(overlay_report), else as V(public). The machine
        that runs Ansible must be in the CLADNet, or O(bastion) must name a VM that is.
    default: public
    env:
      - name: TUMBLEBUG_CONNECT_WITH
    version_added: 0.2.0
  overlay_report:
    description:
      - JSON file from which O(connect_with=overlay) takes the addresses. It is the one that the playbooks
        C(site) and C(status) write where C(cladnet_report) says, and is read anew each time.
      - As long as it does not exist, there is a warning, and hosts are reached as by O(connect_with=public).
    type: path
    env:
      - name: TUMBLEBUG_OVERLAY_REPORT
    version_added: 0.2.0
  bastion:
    description:
      - The VM through which others are reached by ssh.
      - V(auto) finds one for each VM that is reached at its private address, as CB-Tumblebug itself does. It
        is one that is registered with CB-Tumblebug for the VM's subnet, else a running VM with a public
        address in the same subnet, else in the same vNet. Where there are several, each VM keeps to one of
        them. A VM that is a registered bastion is reached at its public address.
      - V(none) reaches all VMs directly, for example if Ansible runs within a private network of theirs.
      - The id of a VM, V(id.infra) or V(id.infra.namespace) sends the connections to all other VMs through
        that one, and V(ssh://user@host:port) through a machine that CB-Tumblebug does not know. User and port
        may be left out, and ssh then finds the key by itself, for example in its agent.
      - It becomes a C(ProxyCommand) in C(ansible_ssh_common_args) which logs in to the bastion with the
        bastion's own user, port, key and host key. It never asks for anything. To see why a bastion refuses
        to let somebody in, set C(ANSIBLE_SSH_VERBOSITY=1).
    type: str
    default: auto
    env:
      - name: TUMBLEBUG_BASTION
    version_added: 0.2.0
  hostname:
    description:
      - Template of the name of a host, over the variables of its VM, in place of the name that it has by
        itself. For example V({{ tumblebug_id }}.{{ tumblebug_region }}).
      - Two VMs with one name, or a name that no host can have, are an error.
    type: str
    version_added: 0.2.0
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
  cladnet_agents:
    description:
      - Which VMs are in the group C(cladnet_agents), the hosts of a CLADNet. V(all), V(none), which makes no
        group, or a selector as in O(labels).
    type: str
    default: none
    version_added: 0.2.0
  cladnet_controllers:
    description:
      - Which VMs are in the group C(cladnet_controllers), where the control plane runs. V(all), V(none),
        which makes no group, or a selector as in O(labels).
      - The role C(cladnet_controller) with its managed etcd takes one. Give the label to one VM, or set
        O(cladnet_controllers_count).
    type: str
    default: none
    version_added: 0.2.0
  cladnet_controllers_subgroups:
    description:
      - Ids of subgroups, of which alone O(cladnet_controllers) are taken. Empty means all.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  cladnet_controllers_count:
    description:
      - How many of O(cladnet_controllers) are taken, an odd number. V(0) means all.
      - They are spread. The providers take turns, and within each its regions, and within each its zones; the
        oldest VMs come first. The same VMs are chosen as long as they exist. A VM in a provider, region or
        zone that had none may take the place of another, so label the controllers of a network that grows.
      - A chosen VM that does not run is not replaced, because the control plane counts on its coming back;
        there is a warning.
    type: int
    default: 0
    version_added: 0.2.0
  retry_timeout:
    description:
      - Seconds for which a request is repeated while CB-Tumblebug answers that it is busy (HTTP status 429
        or 503).
    type: int
    default: 60
notes:
  - The options O(url), O(username), O(password), O(token) and O(ssh_user) may hold templates, such as
    V({{ lookup('ansible.builtin.env', 'MY_PASSWORD'\) }}), and see the extra variables of the command line.
    No other option is a template, except O(hostname) and the expressions of O(compose), O(groups) and
    O(keyed_groups).
  - "Variables of each host, before which O(hostvars_prefix) is put: C(namespace), C(infra), C(id), C(name),
    C(uid), C(status), C(subgroup), C(provider), C(region), C(zone), C(connection), C(vnet), C(subnet),
    C(csp_vnet), C(csp_subnet), C(csp_id), C(spec), C(image), C(public_ip), C(private_ip), C(ssh_port),
    C(ssh_user), C(ssh_key), C(ssh_host_key), C(labels), C(description), C(created). C(labels) is an object of
    texts, C(ssh_port) a number, and all others are texts. What is not known is empty. The ids beginning with
    C(csp_) are those of the cloud."
  - Labels whose key begins with C(sys.) are in the variable, but make no groups. In releases before v0.9.12
    a label is one text, which is read as C(key=value,key=value) where it has that form, and else becomes
    the label C(label).
  - Data of CB-Tumblebug are never rendered as templates, whatever they hold.
  - CB-Tumblebug allows two requests per second for infras. The plugin keeps to that, so 20 infras take 10
    seconds; use the cache. In it, and in the variables, there is no secret. It holds VMs of every status and
    label, so the options that select, name, group and connect may change without asking again. A change of
    any option that decides what is fetched is never answered from an older cache.
  - Private addresses are not unique. Machines of two clouds may have the same, so hosts that are reached at
    one get C(ansible_control_path) and a C(HostKeyAlias) of their own. Hosts behind a bastion get
    C(ansible_ssh_retries), for sshd drops some of many logins that come at once.
  - Groups, variables and connections that come without O(compose), O(groups) and O(keyed_groups) take no time
    worth mentioning. Each of those expressions is evaluated by Jinja for every host, which for thousands of
    hosts takes much longer than all the rest.
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
cladnet_agents: all
cladnet_controllers: cladnet-role=controller
---
# Three controllers, spread over providers, regions and zones, without any label.
plugin: cloud_barista.cladnet.tumblebug
url: http://tumblebug.example:1323
cladnet_agents: all
cladnet_controllers: all
cladnet_controllers_count: 3
---
# Only some VMs: the production stage without the databases, in two clouds.
plugin: cloud_barista.cladnet.tumblebug
url: http://tumblebug.example:1323
labels: stage=prod,tier!=db
filter: provider == 'aws' || provider == 'gcp'
hostname: "{{ tumblebug_id }}.{{ tumblebug_provider }}"
---
# VMs without public addresses, through a jump host of the company.
plugin: cloud_barista.cladnet.tumblebug
url: http://tumblebug.example:1323
connect_with: private
bastion: ssh://ops@jump.example:2222
---
# Everything through the CLADNet, once it is there:
# ansible-playbook cloud_barista.cladnet.site -e cladnet_report=$PWD/cladnet.json
plugin: cloud_barista.cladnet.tumblebug
url: http://tumblebug.example:1323
connect_with: overlay
overlay_report: cladnet.json
cladnet_agents: all
cladnet_controllers: cladnet-role=controller
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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import CladnetError, InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.client import Client
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.transport import (
    Connection,
    OpenUrlTransport,
    base_url,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import RUNNING, Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.bastions import (
    Bastions,
    bastion_of_all,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.cladnet_groups import (
    CladnetGroups,
    complaints,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.fetch import (
    Fetched,
    Selection,
    fetch,
    restore_key_files,
    with_keys,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.host_keys import (
    write_known_hosts,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.hosts import HostWriter
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.key_files import (
    KeyFiles,
    default_directory,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.naming import (
    check_names,
    host_names,
    host_variables,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.options import check_options
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.overlay import (
    overlay_addresses,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.routes import (
    OVERLAY,
    Route,
    Router,
    needs_bastion,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.selection import (
    Criterion,
    criteria,
    select,
    why_nothing,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.ssh_variables import (
    SshVariables,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.trust import trust

if TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader

NAMES = (".tumblebug.yml", ".tumblebug.yaml")
CACHE_FORMAT = 2
"""To be raised when the fields of a machine change: an older cache is then not read."""

FETCH_OPTIONS = ("era", "namespaces", "infras", "fetch", "ssh_keys")
"""Options that decide what is fetched, besides where from and whether bastions are."""

CONSTRUCTED = ("compose", "groups", "keyed_groups")
AUTO = "auto"
NONE = "none"


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Hosts from CB-Tumblebug: fetch or take from the cache, then select, name, group and describe."""

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
        given = self._read_config_data(path)
        self.templar.available_variables = self._vars
        try:
            check_options(given, self.option_definitions, path)
            self._keys = self._key_files()
            self._add_hosts(self._fetched(path, use_cache=cache))
        except CladnetError as exc:
            raise AnsibleParserError(str(exc)) from exc

    def get_cache_key(self, path: str) -> str:  # noqa: ARG002 - signature of Cacheable
        """A key of everything that decides what is fetched, which the path is not, and of no secret."""
        deciding = [
            CACHE_FORMAT,
            base_url(self._text("url")),
            self._text("username"),
            *(self.get_option(name) for name in FETCH_OPTIONS),
            self._registered_bastions_of(),
        ]
        digest = hashlib.sha256(json.dumps(deciding).encode()).hexdigest()
        return f"{self.NAME}_{digest[:16]}"

    # --- machines: from Tumblebug or from the cache ---

    def _fetched(self, path: str, *, use_cache: bool) -> Fetched:
        client = self._client()
        if not self.get_option("cache"):
            return self._fetch(client)
        key = self.get_cache_key(path)
        if use_cache and key in self._cache:
            fetched = Fetched.from_json(self._cache[key])
            restore_key_files(fetched.all_vms, client, self._keys)
        else:
            fetched = self._fetch(client)
            self._cache[key] = fetched.to_json()
        return fetched

    def _fetch(self, client: Client) -> Fetched:
        fetched = fetch(client, self._selection(), self.display.warning)
        if not self.get_option("ssh_keys"):
            return fetched
        return with_keys(fetched, client, self._keys, on_missing=self.display.warning)

    def _selection(self) -> Selection:
        era, connect_with = self.get_option("era"), self._registered_bastions_of()
        return Selection(
            era="" if era == AUTO else era,
            namespaces=self._ids("namespaces"),
            infras=self._ids("infras"),
            fetch=self.get_option("fetch"),
            needs_bastion=(lambda vm: needs_bastion(vm, connect_with)) if connect_with else None,
        )

    def _registered_bastions_of(self) -> str:
        """The kind of address without which machines need their bastions to be fetched; empty if none do."""
        return self.get_option("connect_with") if self.get_option("bastion") == AUTO else ""

    def _ids(self, option: str) -> tuple[str, ...]:
        """A list of ids; a variable of the environment that is empty gives one without a letter."""
        return tuple(name.strip() for name in self.get_option(option) if name.strip())

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

    # --- hosts: which machines, their names, routes, variables and groups ---

    def _add_hosts(self, fetched: Fetched) -> None:
        conditions = self._conditions()
        hosts = self._named(self._selected(fetched.vms, conditions), fetched.vms)
        reached = self._routed(hosts, self._router(fetched))
        known_hosts = write_known_hosts(fetched, self._keys) if self.get_option("ssh_keys") else {}
        ssh = SshVariables(self._keys, self._text("ssh_user"), known_hosts)
        writer = self._writer()
        for name, vm, route in reached:
            writer.add(name, vm, ssh.of(vm, route))
        names = {vm.path: name for name, vm, _route in reached}
        writer.group([(name, vm) for name, vm, _route in reached], self.get_option("group_by"))
        self._add_cladnet_groups(writer, select(fetched.vms, conditions, but="statuses"), names)
        self._construct(names.values())

    def _conditions(self) -> list[Criterion]:
        return criteria(
            statuses=self.get_option("statuses"),
            labels=self.get_option("labels") or "",
            expression=self.get_option("filter") or "",
        )

    def _selected(self, vms: Sequence[Vm], conditions: Sequence[Criterion]) -> list[Vm]:
        found = select(vms, conditions)
        if vms and not found:
            self.display.warning(why_nothing(vms, conditions))
        return found

    def _named(self, vms: Sequence[Vm], all_vms: Sequence[Vm]) -> list[tuple[str, Vm]]:
        """The machines with names, which do not depend on what was selected unless there is a template."""
        template = self.get_option("hostname")
        if template:
            names = [self._rendered_name(template, vm) for vm in vms]
        else:
            of_all = dict(zip((vm.path for vm in all_vms), host_names(all_vms)))
            names = [of_all[vm.path] for vm in vms]
        check_names(names, vms)
        return list(zip(names, vms))

    def _rendered_name(self, template: str, vm: Vm) -> str:
        variables = host_variables(vm, self.get_option("hostvars_prefix"))
        self.templar.available_variables = {key: trust(value) for key, value in variables.items()}
        try:
            return str(self.templar.template(template))
        except AnsibleError as exc:
            raise InvalidInput(f"hostname cannot be rendered for VM {'/'.join(vm.path)}: {exc}") from exc

    def _router(self, fetched: Fetched) -> Router:
        connect_with, bastion = self.get_option("connect_with"), self.get_option("bastion")
        return Router(
            connect_with=connect_with,
            overlay=self._overlay() if connect_with == OVERLAY else {},
            everyone_through=None if bastion in (AUTO, NONE) else bastion_of_all(bastion, fetched.all_vms),
            bastions=Bastions(fetched) if bastion == AUTO else None,
        )

    def _overlay(self) -> Mapping[str, str]:
        report = self.get_option("overlay_report")
        if not report:
            raise InvalidInput(
                "connect_with is overlay, but overlay_report is not set.",
                hint="Set it to the file that cladnet_report names for the playbooks site and status.",
            )
        found = overlay_addresses(Path(report))
        if not found:
            self.display.warning(
                f"{report} tells no overlay address, so hosts are reached without the overlay."
            )
        return found

    def _routed(self, hosts: Sequence[tuple[str, Vm]], router: Router) -> list[tuple[str, Vm, Route]]:
        reached = [(name, vm, router.route(name, vm)) for name, vm in hosts]
        stranded = [
            name for name, vm, route in reached if vm.status == RUNNING and router.lacks_bastion(route)
        ]
        if stranded:
            self.display.warning(
                f"{len(stranded)} VMs are reached at their private addresses without a bastion, for none was"
                f" found, such as for {stranded[0]}. Set bastion to none if that is right."
            )
        return [(name, vm, route) for name, vm, route in reached if self._has_address(vm, route)]

    def _has_address(self, vm: Vm, route: Route) -> bool:
        if route.address or vm.status != RUNNING:
            return True
        message = f"VM {vm.id} of infra {vm.namespace}/{vm.infra} is running but has no address."
        if self.get_option("without_address") == "fail":
            raise InvalidInput(
                message, hint="Refine or repair it in CB-Tumblebug, or set without_address to skip."
            )
        self.display.warning(message)
        return False

    def _writer(self) -> HostWriter:
        return HostWriter(
            self.inventory,
            hostvars_prefix=self.get_option("hostvars_prefix"),
            group_prefix=self.get_option("group_prefix"),
            warn=self.display.warning,
        )

    def _add_cladnet_groups(
        self, writer: HostWriter, vms: Sequence[Vm], names: Mapping[tuple[str, str, str], str]
    ) -> None:
        wanted = CladnetGroups(
            agents=self.get_option("cladnet_agents"),
            controllers=self.get_option("cladnet_controllers"),
            subgroups=self.get_option("cladnet_controllers_subgroups"),
            count=self.get_option("cladnet_controllers_count"),
        )
        for group, members in wanted.groups(vms).items():
            present = [vm for vm in members if vm.path in names]
            writer.fill(group, [names[vm.path] for vm in present])
            for complaint in complaints(group, members, present):
                self.display.warning(complaint)

    def _construct(self, hosts: Iterable[str]) -> None:
        """What the user composed, with the variables of each host as they are now."""
        if not any(self.get_option(name) for name in CONSTRUCTED):
            return
        strict = self.get_option("strict")
        for host in hosts:
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

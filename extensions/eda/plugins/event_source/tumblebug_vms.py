# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source: what happens to the VMs of CB-Tumblebug."""

from __future__ import annotations

DOCUMENTATION = r"""
short_description: Events of the virtual machines of CB-Tumblebug
description:
  - Asks CB-Tumblebug again and again for its virtual machines (VMs), whichever word its release has for an
    infra (MCIS, MCI or Infra), within its limit of two requests per second, and tells what changed.
  - "An event is C({tumblebug: {type, host, namespace, infra, id, status, previous_status, public_ip,
    previous_public_ip, private_ip, provider, region, ...}, meta: {hosts, uuid}}), with the same fields as the
    variables of the inventory plugin C(cloud_barista.cladnet.tumblebug), without their prefix. C(host) is the
    name of the VM in that inventory, if it reads the same namespaces and infras and names hosts by default."
  - "Types of events: C(vm_running) (a VM is new, or runs again), C(vm_stopped), C(vm_terminated) (also when
    CB-Tumblebug forgot it), C(vm_failed), C(public_ip_changed)."
  - A VM that runs but has no address yet does not count as running. One on its way between two statuses, or
    whose status CB-Tumblebug does not know, counts as it was before.
  - An event is told at least once. When one is told again, its C(meta.uuid) is the same.
  - CB-Tumblebug itself asks the clouds for the status of a running VM only every few minutes since v0.12.9,
    and does not notice at all that an address changed when a VM was stopped and started outside of
    CB-Tumblebug.
options:
  url:
    description:
      - Address of CB-Tumblebug, such as V(http://tumblebug.example:1323).
    type: str
    required: true
  username:
    description:
      - User of CB-Tumblebug's basic authentication.
    type: str
    default: default
  password:
    description:
      - Password of O(username).
    type: str
  token:
    description:
      - Bearer token, for a CB-Tumblebug behind a gateway that wants one, in place of O(username) and
        O(password).
    type: str
  ca_path:
    description:
      - File with the certificates of the authorities that are trusted for O(url), in PEM format.
      - Without it the authorities of the operating system are trusted.
    type: str
  validate_certs:
    description:
      - Whether the certificate of an C(https) address must be valid. Switch it off only for trials.
    type: bool
    default: true
  timeout:
    description:
      - Seconds to wait for one answer. CB-Tumblebug asks the clouds before it answers, for up to 120 seconds.
    type: float
    default: 130
  era:
    description:
      - The word that the API uses for an infra. V(auto) finds it out.
    type: str
    choices: [auto, infra, mci, mcis]
    default: auto
  namespaces:
    description:
      - Ids of the namespaces to look at. Without it, all.
    type: list
    elements: str
  infras:
    description:
      - Ids of the infras to look at, or V(namespace/id) where an id exists in several namespaces. Without it,
        all.
    type: list
    elements: str
  interval:
    description:
      - Seconds to wait after one look before the next, 10 or more.
    type: float
    default: 30
  backoff_max:
    description:
      - The most seconds to wait before the next look while CB-Tumblebug does not answer. The time begins with
        O(interval) and doubles.
    type: float
    default: 300
  types:
    description:
      - The types of events that are wanted. Without it, all.
    type: list
    elements: str
    choices: [vm_running, vm_stopped, vm_terminated, vm_failed, public_ip_changed]
  limit:
    description:
      - What C(meta.hosts) of the events holds, to which the playbooks and job templates are limited that a
        rule starts. C({host}) stands for the host of the event; an empty list means no limit.
    type: list
    elements: str
    default: ["{host}"]
  emit_existing:
    description:
      - Whether VMs that are there at the very beginning are told by their status, such as C(vm_running).
    type: bool
    default: false
  state_file:
    description:
      - File in which the source remembers the VMs, so that it tells what changed while ansible-rulebook did
        not run. It is made if it does not exist, in a directory that does. Each source needs one of its own.
    type: str
  feedback:
    description:
      - Whether to wait until the rules have taken an event before it counts as told. It needs
        ansible-rulebook's persistence, and no filter that drops or splits events.
    type: bool
    default: false
requirements:
  - ansible-core 2.19 or newer, in the Python of ansible-rulebook
"""

EXAMPLES = r"""
- cloud_barista.cladnet.tumblebug_vms:
    url: http://tumblebug.example:1323
    password: "{{ tumblebug_password }}"
    namespaces: [ns01]
    types: [vm_running]
    limit: ["{host}", cladnet_controllers]
    state_file: /var/lib/ansible-rulebook/tumblebug_vms.json
"""

import sys
import time
from pathlib import Path
from typing import Any

# ansible-rulebook runs this file by itself, and its Python knows of no collections.
_PARENTS = Path(__file__).absolute().parents
_FOLDERS = [str(parent.parent) for parent in _PARENTS if parent.name == "ansible_collections"]
sys.path += [folder for folder in _FOLDERS if folder not in sys.path]

from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.arguments import Arguments
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.fleet_poller import (
    Fleet,
    FleetPoller,
    Interest,
)
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.fleet_view import TYPES
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.outlet import Queue
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.shared_arguments import (
    SHARED_ARGUMENTS,
    make_backoff,
    make_outlet,
    make_state_file,
)
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.trial import run_alone
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.client import ERAS, Client
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.transport import (
    Connection,
    OpenUrlTransport,
)

ARGUMENTS = (
    "url",
    "username",
    "password",
    "token",
    "ca_path",
    "validate_certs",
    "timeout",
    "era",
    "namespaces",
    "infras",
    "interval",
    *SHARED_ARGUMENTS,
)
_LEAST_INTERVAL_S = 10.0


async def main(queue: Queue, args: dict[str, Any]) -> None:
    """Tells the rules what happens, until it is cancelled.

    Raises:
        InvalidInput: an argument is missing or wrong.
        Unauthorized: CB-Tumblebug does not accept the login.
    """
    arguments = Arguments(args, ARGUMENTS)
    transport, fleet, interest = _transport(arguments), _fleet(arguments), _interest(arguments)
    scope = {"url": transport.base, "namespaces": fleet.namespaces, "infras": fleet.infras}
    poller = FleetPoller(
        Client(transport, now=time.monotonic, sleep=time.sleep),
        fleet,
        interest,
        outlet=make_outlet(arguments, queue, args),
        state_file=make_state_file(arguments, scope),
        backoff=make_backoff(arguments, first_s=interest.interval_s, ceiling_s=300.0),
    )
    await poller.run()


def _transport(arguments: Arguments) -> OpenUrlTransport:
    connection = Connection(
        username=arguments.text("username", "default"),
        password=arguments.text("password"),
        token=arguments.text("token"),
        validate_certs=arguments.flag("validate_certs", default=True),
        ca_path=arguments.text("ca_path"),
        timeout_s=arguments.number("timeout", 130.0, least=1.0),
    )
    url = arguments.required_text("url", "Give the address of CB-Tumblebug, such as http://host:1323.")
    return OpenUrlTransport(url, connection)


def _fleet(arguments: Arguments) -> Fleet:
    era = arguments.text("era", "auto")
    if era not in ("auto", *ERAS):
        raise InvalidInput(f"era is {era!r}.", hint=f"There are: auto, {', '.join(ERAS)}.")
    return Fleet("" if era == "auto" else era, arguments.texts("namespaces"), arguments.texts("infras"))


def _interest(arguments: Arguments) -> Interest:
    return Interest(
        types=arguments.chosen("types", TYPES),
        emit_existing=arguments.flag("emit_existing", default=False),
        interval_s=arguments.number("interval", 30.0, least=_LEAST_INTERVAL_S),
    )


if __name__ == "__main__":
    run_alone(main)

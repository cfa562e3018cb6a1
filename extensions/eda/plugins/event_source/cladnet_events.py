# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source: what happens in the networks of cladnet."""

from __future__ import annotations

DOCUMENTATION = r"""
short_description: Events of the networks of cladnet
description:
  - Follows the event stream of a controller of cladnet, and goes on with the next controller when that one
    fails.
  - Nothing is lost in between. After a break the stream is resumed where it was; where a controller cannot do
    that any more, the source compares what it knew with what there is, and tells what it missed.
  - An event is told at least once. When one is told again, its C(meta.uuid) is the same.
  - "An event is C({cladnet: {type, network, host, revision, peer, changed, missed}, meta: {hosts, uuid}}).
    C(peer) is the peer as C(cloud_barista.cladnet.peer_info) gives it, or null. C(changed) holds what
    changed, as C({field: [before, after]}). C(missed) is true for what was found out by comparing."
  - "Types of events: C(network_created), C(network_changed), C(network_deleted), C(peer_joined),
    C(peer_left), C(peer_connected), C(peer_lost) (its agent is not connected to any controller any more),
    C(peer_changed), C(endpoint_changed), C(address_changed), C(key_changed), C(state_changed), C(test_done)."
options:
  urls:
    description:
      - Addresses of the REST API of the controllers, as a list or as one text with commas. The first that
        answers is followed.
    type: list
    elements: str
    required: true
  api_token:
    description:
      - The administrator's token. One of O(api_token) and O(api_token_file) is needed; if both are there,
        O(api_token) is used.
    type: str
  api_token_file:
    description:
      - A file with the token, where ansible-rulebook runs. A controller keeps it in
        C(/var/lib/cladnet/controller/admin.token).
    type: str
  ca_path:
    description:
      - File with the certificate authority that signed the controllers' certificates (PEM), where
        ansible-rulebook runs. A controller keeps it in C(/var/lib/cladnet/controller/pki/ca.crt).
      - Without it the authorities of the operating system are trusted.
    type: str
  server_name:
    description:
      - The name that a controller's certificate must be for. Without it, that is the host of the URL.
      - Set it to V(cladnet-controller), for which the certificate of every controller is, where a controller
        is reached by an address that it does not advertise, such as through a port forwarding.
    type: str
  validate_certs:
    description:
      - Whether the controllers' certificates are checked. V(false) lets anybody in between take the token; it
        is for a first look only.
    type: bool
    default: true
  network:
    description:
      - The network whose events are wanted. Without it, those of all networks.
    type: str
  types:
    description:
      - The types of events that are wanted. Without it, all.
    type: list
    elements: str
  limit:
    description:
      - What C(meta.hosts) of the events holds, to which the playbooks and job templates are limited that a
        rule starts. C({host}) stands for the host of the event.
      - An empty list means no limit, as a playbook needs it that is about all hosts.
    type: list
    elements: str
    default: ["{host}"]
  emit_existing:
    description:
      - Whether networks and peers that are there at the very beginning are told as C(network_created),
        C(peer_joined) and C(peer_connected).
    type: bool
    default: false
  state_file:
    description:
      - File in which the source remembers where it was, so that it misses nothing while ansible-rulebook does
        not run. It is made if it does not exist, in a directory that does. Each source needs one of its own.
      - Without it, the source begins with what is there when it starts.
    type: str
  silence_timeout:
    description:
      - Seconds without a byte after which a connection counts as dead. A controller sends something every 15
        seconds.
    type: float
    default: 45
  backoff_first:
    description:
      - Seconds that the source waits at most before its second try, when no controller answers. The time
        doubles with every round; a random part of it keeps sources apart.
    type: float
    default: 1
  backoff_max:
    description:
      - The most seconds between two rounds.
    type: float
    default: 30
  feedback:
    description:
      - Whether to wait until the rules have taken an event before it counts as told. It needs
        ansible-rulebook's persistence, and no filter that drops or splits events.
    type: bool
    default: false
requirements:
  - ansible-core 2.19 or newer and aiohttp, in the Python of ansible-rulebook
"""

EXAMPLES = r"""
- cloud_barista.cladnet.cladnet_events:
    urls:
      - https://198.51.100.11:8053
      - https://203.0.113.5:8053
    api_token: "{{ cladnet_api_token }}"
    ca_path: /etc/cladnet/ca.crt
    types: [peer_lost]
    limit: []
    state_file: /var/lib/ansible-rulebook/cladnet_events.json
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

# ansible-rulebook runs this file by itself, and its Python knows of no collections.
_PARENTS = Path(__file__).absolute().parents
_FOLDERS = [str(parent.parent) for parent in _PARENTS if parent.name == "ansible_collections"]
sys.path += [folder for folder in _FOLDERS if folder not in sys.path]

from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.arguments import Arguments
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.controller_stream import (
    StreamOptions,
)
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.follower import (
    Follower,
    Interest,
)
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.network_view import TYPES
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.outlet import Queue
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.shared_arguments import (
    SHARED_ARGUMENTS,
    make_backoff,
    make_outlet,
    make_state_file,
)
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.trial import run_alone
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._controller_api import (
    ACCESS_HINT,
    Connection,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._names import check_network_name

ARGUMENTS = (
    "urls",
    "api_token",
    "api_token_file",
    "ca_path",
    "server_name",
    "validate_certs",
    "network",
    "silence_timeout",
    "backoff_first",
    *SHARED_ARGUMENTS,
)


async def main(queue: Queue, args: dict[str, Any]) -> None:
    """Tells the rules what happens, until it is cancelled.

    Raises:
        InvalidInput: an argument is missing or wrong.
        Unauthorized: no controller accepts the token.
    """
    arguments = Arguments(args, ARGUMENTS)
    connections = await asyncio.to_thread(_connections, arguments)
    options = _options(arguments)
    interest = Interest(arguments.chosen("types", TYPES), arguments.flag("emit_existing", default=False))
    first_s = arguments.number("backoff_first", 1.0, least=0.1)
    follower = Follower(
        connections,
        options,
        interest,
        outlet=make_outlet(arguments, queue, args),
        state_file=make_state_file(arguments, {"network": options.network}),
        backoff=make_backoff(arguments, first_s=first_s, ceiling_s=30.0),
    )
    await follower.run()


def _connections(arguments: Arguments) -> list[Connection]:
    urls = arguments.texts("urls")
    if not urls:
        raise InvalidInput("urls is missing.", hint="Give the addresses of controllers: https://HOST:8053.")
    token, token_file = arguments.text("api_token"), arguments.text("api_token_file")
    if not token and not token_file:
        raise InvalidInput("api_token and api_token_file are missing.", hint=ACCESS_HINT)
    common = {
        "api_token": token,
        "api_token_file": token_file,
        "ca_path": arguments.text("ca_path") or None,
        "validate_certs": arguments.flag("validate_certs", default=True),
        "timeout": 30,
    }
    return [Connection.from_params({"api_url": url, **common}) for url in urls]


def _options(arguments: Arguments) -> StreamOptions:
    network = arguments.text("network")
    return StreamOptions(
        network=network and check_network_name(network),
        server_name=arguments.text("server_name"),
        silence_timeout_s=arguments.number("silence_timeout", 45.0, least=1.0),
    )


if __name__ == "__main__":
    run_alone(main)

# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What CB-Tumblebug is asked, within its rate limit, with its errors as sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .._errors import (
    CladnetError,
    InvalidInput,
    NotFound,
    Unauthorized,
    Unavailable,
)
from .bastion import Bastion, bastions_from
from .transport import (
    Reply,
    Transport,
)
from .vm import (
    RUNNING,
    Vm,
    checked_id,
    vm_from,
)

ERAS: Mapping[str, str] = {"infra": "node", "mci": "vm", "mcis": "vm"}
"""Eras, newest first: the word in the paths -> the key of the machines' array."""

INFRA_REQUESTS_PER_S = 2
"""Tumblebug's limit for the infra list and for infras, each; also the burst."""

_WINDOW_S = 1.1  # a little more than a second: requests do not arrive as evenly as they are sent
_BUSY = (429, 503)
_MISSING = (
    "not valid namespace",
    "does not exist",
    "not found the",
    "not found [",
    "no vm found",
    "no node found",
)
_NO_ROUTE = "Not Found"


@dataclass(frozen=True)
class SshKey:
    """An SSH key resource; ``private_key`` is empty for a registered key."""

    username: str
    private_key: str = field(repr=False)


class Client:
    """Asks one CB-Tumblebug of one era.

    Args:
        transport: carries one request.
        now: clock in seconds.
        sleep: waits seconds.
        patience_s: for how long a busy server (429, 503) is asked again.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        now: Callable[[], float],
        sleep: Callable[[float], None],
        patience_s: float = 60.0,
    ) -> None:
        self._transport = transport
        self._now = now
        self._sleep = sleep
        self._patience_s = patience_s
        self._last_requests: dict[str, list[float]] = {}  # of each limited route

    def detect_era(self, namespace: str) -> str:
        """The era, by which infra path exists; a namespace that does not exist serves as well.

        Raises:
            NotFound: no era's path exists.
        """
        for era in ERAS:
            reply = self._ask(f"/ns/{_segment(namespace)}/{era}?option=id", limited="list")
            if reply.status != 404 or _message(reply) != _NO_ROUTE:
                self._check(reply, f"namespace {namespace}", ignore_missing=True)
                return era
        raise NotFound(
            f"The server at {self._transport.base} has none of the paths /infra, /mci, /mcis.",
            hint="Is url (TUMBLEBUG_URL) really that of CB-Tumblebug?",
        )

    def namespaces(self) -> list[str]:
        """Ids of all namespaces."""
        return self._ids("/ns?option=id", "ns", "the namespaces")

    def infras(self, era: str, namespace: str) -> list[str]:
        """Ids of the infras of a namespace; raises NotFound if it does not exist."""
        path = f"/ns/{_segment(namespace)}/{era}?option=id"
        return self._ids(path, era, f"namespace {namespace}", limited="list")

    def vms(self, era: str, namespace: str, infra: str) -> list[Vm]:
        """The machines of an infra; raises NotFound if it does not exist.

        Tumblebug reads the addresses before it polls the statuses: of a machine that has just been resumed,
        only the second answer tells the public address.
        """
        found = self._machines(era, namespace, infra)
        if any(vm.status == RUNNING and not vm.public_ip for vm in found):
            return self._machines(era, namespace, infra)
        return found

    def vm(self, era: str, path: tuple[str, str, str]) -> Vm:
        """One machine by namespace, infra and id, as last stored; raises NotFound if it does not exist."""
        namespace, infra, vm_id = path
        url = f"/ns/{_segment(namespace)}/{era}/{_segment(infra)}/{ERAS[era]}/{_segment(vm_id)}"
        return vm_from(self._object(url, f"machine {vm_id} of {namespace}/{infra}"), namespace, infra)

    def stored_vms(self, namespace: str) -> list[Vm] | None:
        """All machines of a namespace as last stored, by one request; None before v0.12.30, which lack it."""
        what = f"machines of namespace {namespace}"
        reply = self._ask(f"/ns/{_segment(namespace)}/resources/node")
        if reply.status == 404 and _message(reply) == _NO_ROUTE:
            return None
        nodes = self._list(self._content(reply, what), "node", what)
        return [vm_from(node, namespace, _infra_of(node, what)) for node in nodes]

    def bastions(self, namespace: str) -> list[Bastion]:
        """The jump hosts that are registered with the subnets of a namespace."""
        what = f"vNets of namespace {namespace}"
        found = self._object(f"/ns/{_segment(namespace)}/resources/vNet", what)
        vnets = [vnet for vnet in self._list(found, "vNet", what) if isinstance(vnet, Mapping)]
        return [bastion for vnet in vnets for bastion in bastions_from(vnet, namespace)]

    def _machines(self, era: str, namespace: str, infra: str) -> list[Vm]:
        what = f"infra {namespace}/{infra}"
        path = f"/ns/{_segment(namespace)}/{era}/{_segment(infra)}"
        found = self._object(path, what, limited="infra")
        return [vm_from(machine, namespace, infra) for machine in self._list(found, ERAS[era], what)]

    def ssh_key(self, namespace: str, key_id: str) -> SshKey:
        """An SSH key resource; raises NotFound if it does not exist."""
        what = f"SSH key {namespace}/{key_id}"
        found = self._object(f"/ns/{_segment(namespace)}/resources/sshKey/{_segment(key_id)}", what)
        private_key = found.get("privateKey")
        if not isinstance(private_key, str):
            raise self._damaged(what, "it has no text 'privateKey'")
        user = found.get("verifiedUsername") or found.get("username") or ""
        return SshKey(str(user), private_key)

    def _ids(self, path: str, list_key: str, what: str, *, limited: str = "") -> list[str]:
        """The ids of a list, which the eras put under different keys; an empty list may be null."""
        found = self._object(path, what, limited=limited)
        for key in ("output", "idList", list_key):
            if isinstance(found.get(key, ""), (list, type(None))):
                return [checked_id(_id_of(entry), f"an id of {what}") for entry in found[key] or ()]
        raise self._damaged(what, f"it has no list of ids, but {_shown(found)}")

    def _list(self, found: Mapping[str, Any], key: str, what: str) -> list[Any]:
        """A list, which is null when it is empty."""
        value = found.get(key, "")
        if not isinstance(value, (list, type(None))):
            raise self._damaged(what, f"it has no list {key!r}")
        return value or []

    def _object(self, path: str, what: str, *, limited: str = "") -> Mapping[str, Any]:
        return self._content(self._ask(path, limited=limited), what)

    def _content(self, reply: Reply, what: str) -> Mapping[str, Any]:
        self._check(reply, what)
        found = _decoded(reply.body)
        if not isinstance(found, Mapping):
            raise self._damaged(what, f"it is no JSON object, but {reply.body[:60]!r}")
        return found

    def _ask(self, path: str, *, limited: str = "") -> Reply:
        """One reply, after as many attempts as a busy server needs and patience allows."""
        give_up_at_s = self._now() + self._patience_s
        delay_s = 1.0
        while True:
            if limited:
                self._pace(limited)
            reply = self._transport.get(path)
            if reply.status not in _BUSY or self._now() + delay_s > give_up_at_s:
                return reply
            self._sleep(delay_s)
            delay_s = min(2 * delay_s, 8.0)

    def _pace(self, route: str) -> None:
        """Waits until a request more is within the route's limit."""
        recent = self._last_requests.setdefault(route, [])
        if len(recent) >= INFRA_REQUESTS_PER_S:
            wait_s = recent[-INFRA_REQUESTS_PER_S] + _WINDOW_S - self._now()
            if wait_s > 0:
                self._sleep(wait_s)
        recent.append(self._now())
        del recent[:-INFRA_REQUESTS_PER_S]

    def _check(self, reply: Reply, what: str, *, ignore_missing: bool = False) -> None:
        """Raises for a reply that is not what was asked for."""
        if reply.status in (200, 201, 202):
            return
        message = _message(reply)
        if any(text in message.lower() for text in _MISSING):
            if not ignore_missing:
                raise NotFound(f"CB-Tumblebug at {self._transport.base} has no {what}: {message}.")
            return
        raise self._refusal(reply, what, message)

    def _refusal(self, reply: Reply, what: str, message: str) -> CladnetError:
        base = self._transport.base
        if reply.status in (401, 403):
            return Unauthorized(
                f"CB-Tumblebug at {base} does not accept the login ({reply.status} {message}).",
                hint="Check username and password (TUMBLEBUG_USERNAME, TUMBLEBUG_PASSWORD), or token.",
            )
        if 300 <= reply.status < 400:
            return InvalidInput(
                f"CB-Tumblebug at {base} redirects to {reply.location or 'another address'}.",
                hint="Give that address as url (TUMBLEBUG_URL): the login is not sent after redirects.",
            )
        if reply.status in _BUSY:
            return Unavailable(
                f"CB-Tumblebug at {base} is busy: it still answers {reply.status} ({message}) for {what}"
                f" after {self._patience_s:g} s.",
                hint="Ask less often (cache the inventory), or raise retry_timeout.",
            )
        hint = "Is the option era right?" if message == _NO_ROUTE else ""
        return Unavailable(f"CB-Tumblebug at {base} answers {reply.status} for {what}: {message}.", hint=hint)

    def _damaged(self, what: str, why: str) -> Unavailable:
        return Unavailable(
            f"The answer of {self._transport.base} for {what} is not CB-Tumblebug's: {why}.",
            hint="Is url (TUMBLEBUG_URL) that of CB-Tumblebug, with no login page or proxy before it?",
        )


def _segment(name: str) -> str:
    """An id in a path; Tumblebug does not decode an encoded plus sign."""
    return quote(name, safe="+")


def _id_of(entry: object) -> str:
    found = entry.get("id") if isinstance(entry, Mapping) else entry
    return found if isinstance(found, str) else ""


def _infra_of(node: object, what: str) -> str:
    found = node.get("infraId") if isinstance(node, Mapping) else None
    return checked_id(found if isinstance(found, str) else "", f"the infra of one of the {what}")


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _message(reply: Reply) -> str:
    """Tumblebug's own words, or the beginning of whatever came."""
    found = _decoded(reply.body)
    if isinstance(found, Mapping) and isinstance(found.get("message"), str):
        return found["message"].rstrip(".")
    return reply.body[:80].decode(errors="replace").strip() or "no text"


def _shown(found: Mapping[str, Any]) -> str:
    return json.dumps(found)[:80]

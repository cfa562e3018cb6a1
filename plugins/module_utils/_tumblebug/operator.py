# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What changes something at CB-Tumblebug: one order, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import CladnetError, Conflict, NotFound, Unavailable
from .client import _BUSY, _MISSING, ERAS, Client, _decoded, _message, _segment
from .dialect import Dialect, dialect_of
from .transport import NoReply, Reply, SendingTransport

_LOST_ON_THE_WAY = (502, 503, 504)  # of gateways: Tumblebug itself answers a POST however long it takes
_TOO_OFTEN = 429
_RETRY_S = 1.0


@dataclass(frozen=True)
class Place:
    """One infra in one namespace, and the paths to it."""

    dialect: Dialect
    namespace: str
    infra: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.infra}"

    @property
    def era(self) -> str:
        """infra, mci or mcis."""
        return self.dialect.era

    @property
    def parent(self) -> str:
        """The path of its namespace."""
        return f"/ns/{_segment(self.namespace)}"

    @property
    def path(self) -> str:
        """The path of the infra."""
        return f"{self.parent}/{self.era}/{_segment(self.infra)}"

    @property
    def command_path(self) -> str:
        """The path of its commands."""
        return f"{self.parent}/cmd/{self.era}/{_segment(self.infra)}"

    def group_path(self, group: str) -> str:
        """The path of one of its groups."""
        return f"{self.path}/{self.dialect.group_path}/{_segment(group)}"

    def vm_path(self, vm: str) -> str:
        """The path of one of its machines."""
        return f"{self.path}/{ERAS[self.era]}/{_segment(vm)}"

    def control_path(self, action: str, vm: str = "") -> str:
        """The path of an action on the infra, or on one of its machines."""
        below = f"/{ERAS[self.era]}/{_segment(vm)}" if vm else ""
        return f"{self.parent}/control/{self.era}/{_segment(self.infra)}{below}?action={action}"


class Operator(Client):
    """A client that also gives orders; none is given twice.

    Args:
        transport: carries one request.
        now: clock in seconds.
        sleep: waits seconds.
        patience_s: for how long a server that was asked too often is asked again.
    """

    def __init__(
        self,
        transport: SendingTransport,
        *,
        now: Callable[[], float],
        sleep: Callable[[float], None],
        patience_s: float = 60.0,
    ) -> None:
        super().__init__(transport, now=now, sleep=sleep, patience_s=patience_s)
        self._sender = transport

    def dialect(self, era: str) -> Dialect:
        """The dialect of the server, for which that of an MCI server is looked up in its API document."""
        if era != "mci":
            return dialect_of(era)
        try:
            paths = self._object("/api/doc.json", "the API document").get("paths")
        except (NotFound, Unavailable):
            paths = None  # behind a gateway that hides it
        return dialect_of(era, list(paths) if isinstance(paths, Mapping) else ())

    def infra(self, place: Place) -> Mapping[str, Any] | None:
        """An infra with its machines, or None if there is none."""
        found = self._found(place, "")
        if found is not None:
            self._list(found, ERAS[place.era], f"infra {place}")
        return found

    def infra_status(self, place: Place) -> Mapping[str, Any] | None:
        """What an infra's machines are doing, asked from the clouds; None if there is no such infra."""
        return self._found(place, "?option=status")

    def _found(self, place: Place, query: str) -> Mapping[str, Any] | None:
        try:
            return self._object(place.path + query, f"infra {place}", limited="infra")
        except NotFound as exc:
            if "valid namespace" in str(exc).lower():
                raise no_namespace(place.namespace) from exc
            return None

    def order(
        self, method: str, path: str, doing: str, *, body: object = None, timeout_s: float | None = None
    ) -> object:
        """Gives one order and returns the decoded answer.

        Args:
            method: GET, POST, PUT or DELETE.
            path: below the server's base.
            doing: what the order does, for messages, such as ``make infra ns01/web``.
            body: becomes JSON.
            timeout_s: how long to wait for the answer.

        Raises:
            NoReply: whether it was carried out is not known.
            NotFound, Conflict: Tumblebug refuses, with its own words.
            Unauthorized, InvalidInput, Unavailable: see ``Client``.
        """
        reply = self._delivered(method, path, body, timeout_s)
        if reply.status in (200, 201, 202):
            return _decoded(reply.body)
        if reply.status in _LOST_ON_THE_WAY:
            raise NoReply(
                f"CB-Tumblebug at {self._transport.base} was asked to {doing}, and what stands before it"
                f" answers {reply.status}: {_message(reply)}."
            )
        if reply.status in (401, 403, _TOO_OFTEN) or 300 <= reply.status < 400:
            raise self._refusal(reply, doing, _message(reply))
        raise _refused(reply, doing)

    def _refusal(self, reply: Reply, what: str, message: str) -> CladnetError:
        """As the client says it, without the options that only the inventory has."""
        error = super()._refusal(reply, what, message)
        if reply.status not in _BUSY:
            return error
        return Unavailable(
            error.message, hint="Others keep it busy, or its clouds are slow: try again later."
        )

    def _delivered(self, method: str, path: str, body: object, timeout_s: float | None) -> Reply:
        """The reply; what the rate limit turned away was not carried out, so it is sent again."""
        give_up_at_s = self._now() + self._patience_s
        while True:
            reply = self._sender.send(method, path, body, timeout_s=timeout_s)
            if reply.status != _TOO_OFTEN or self._now() + _RETRY_S > give_up_at_s:
                return reply
            self._sleep(_RETRY_S)

    def requests(self, status: str, path: str) -> list[Mapping[str, Any]] | None:
        """The POST requests to a path of a status (Handling, Error) that the server remembers.

        None before v0.7.13, which remember none.
        """
        try:
            found = self._object(f"/requests?status={status}&method=POST&url={path}", "the requests")
        except (NotFound, Unavailable):
            return None
        entries = [entry for value in found.values() if isinstance(value, list) for entry in value]
        return [entry for entry in entries if isinstance(entry, Mapping)]


def no_namespace(namespace: str) -> NotFound:
    """What to say when there is no such namespace."""
    return NotFound(
        f"CB-Tumblebug has no namespace {namespace}.",
        hint="Correct namespace (TUMBLEBUG_NAMESPACE), or let tumblebug_infra make it with create_namespace.",
    )


def _refused(reply: Reply, doing: str) -> NotFound | Conflict:
    message = _message(reply)
    kind = NotFound if any(text in message.lower() for text in _MISSING) else Conflict
    hint = "Is the option era right?" if message == "Not Found" else ""
    return kind(f"CB-Tumblebug refuses to {doing} ({reply.status}): {message}.", hint=hint)

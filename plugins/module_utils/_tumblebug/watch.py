# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Watches an infra until nothing goes on with it any more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from .._declarative import Document
from .._errors import NotFound, Unavailable
from .infra_state import infra_document
from .operator import Operator, Place
from .progress import TRANSITIONAL, UNDEFINED, Progress, by_reason, is_being_made, progress_of
from .vm import RUNNING

UNDEFINED_POLLS = 3
"""How often in a row a machine may be of an unknown status before that counts: clouds have hiccups."""

ADDRESS_WAIT_S = 60.0
"""For how long a running machine may have no public address; some never get one."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, how often to look, and the clock for both."""

    timeout_s: float
    interval_s: float
    now: Callable[[], float]
    sleep: Callable[[float], None]


class Watch:
    """Looks at one infra again and again.

    Args:
        client: asked.
        place: the infra.
        patience: for all waiting together, from now on.
    """

    def __init__(self, client: Operator, place: Place, patience: Patience) -> None:
        self._client = client
        self._place = place
        self._patience = patience
        self._deadline_s = patience.now() + patience.timeout_s

    @property
    def left_s(self) -> float:
        """Seconds until patience ends; at least one, because a request needs some."""
        return max(1.0, self._deadline_s - self._patience.now())

    def read(self) -> Document | None:
        """The infra as it is now, or None."""
        found = self._client.infra(self._place)
        return None if found is None else infra_document(self._place.era, self._place.namespace, found)

    def existing(self) -> Document:
        """The infra as it is now; raises NotFound if it is gone."""
        found = self.read()
        if found is None:
            raise NotFound(f"Infra {self._place} does not exist any more: somebody else has removed it.")
        return found

    def read_settled(self, *, wait: bool) -> Document | None:
        """The infra as it is now, or None; with ``wait`` once what others do to it is done."""
        infra = self.read()
        if not wait or infra is None:
            return infra
        is_busy = any(vm["action"] or vm["status"] in TRANSITIONAL for vm in infra["vms"])
        return self.settled() if is_busy or is_being_made(infra) else infra

    def settled(self) -> Document:
        """Waits until nothing goes on with any machine and running ones have addresses; returns the infra.

        Raises:
            Unavailable: patience ended; the message says where each machine is.
            NotFound: the infra is gone.
        """
        undefined_polls = 0
        while True:
            machines = self._progress()
            if not machines and is_being_made(self.existing()):
                self.pause()
                continue
            busy = [machine for machine in machines if not machine.is_settled]
            undefined = [machine for machine in machines if machine.status == UNDEFINED]
            undefined_polls = undefined_polls + 1 if undefined and not busy else 0
            if not busy and (not undefined or undefined_polls >= UNDEFINED_POLLS):
                return self._addressed()
            self.pause(busy or undefined)

    def until_gone(self, vms: Collection[str] = ()) -> None:
        """Waits until the infra, or those machines of it, do not exist any more."""
        while True:
            found = self._client.infra_status(self._place)
            machines = [] if found is None else progress_of(self._place.era, found)
            left = [machine for machine in machines if not vms or machine.id in vms]
            if found is None or (vms and not left):
                return
            self.pause(left)

    def pause(self, machines: Sequence[Progress] = ()) -> None:
        """Waits a little; raises Unavailable when patience ends."""
        if self._patience.now() + self._patience.interval_s > self._deadline_s:
            conditions = by_reason((machine.id, machine.condition) for machine in machines)
            raise Unavailable(
                f"Infra {self._place} is not done after {self._patience.timeout_s:g} s"
                + (f": {conditions}." if conditions else "."),
                hint="CB-Tumblebug goes on. Run the task again to wait on, or raise wait_timeout.",
            )
        self._patience.sleep(self._patience.interval_s)

    def _progress(self) -> list[Progress]:
        found = self._client.infra_status(self._place)
        if found is None:
            self.existing()
            return []
        return progress_of(self._place.era, found)

    def _addressed(self) -> Document:
        """The infra once its running machines have public addresses, which come a little after the status."""
        give_up_at_s = min(self._deadline_s, self._patience.now() + ADDRESS_WAIT_S)
        self.existing()  # the first answer after a status poll still has the addresses from before
        while True:
            infra = self.existing()
            if all(vm["public_ip"] for vm in infra["vms"] if vm["status"] == RUNNING):
                return infra
            if self._patience.now() + self._patience.interval_s > give_up_at_s:
                return infra
            self._patience.sleep(self._patience.interval_s)

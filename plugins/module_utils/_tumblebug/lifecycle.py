# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Carries out what is planned for an infra, and says which machine failed and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .._declarative import Document
from .._errors import Conflict, NotFound, Unavailable
from .bodies import create_body, group_body, grow_body
from .infra_state import can_be_refined, surplus
from .operator import Operator, Place
from .progress import GONE, SUSPENDED, UNDEFINED, by_reason
from .transport import NoReply
from .vm import RUNNING
from .watch import Watch

UNSEEN_POLLS = 2
"""How often an order may be unknown to the server before it is taken for one that never came there."""

_ACTIONS = {"running": "resume", "suspended": "suspend", "rebooted": "reboot"}
_ENDING = GONE | {"Terminating"}
_FROM = {"running": SUSPENDED, "suspended": RUNNING, "rebooted": RUNNING}
_TO = {"running": RUNNING, "suspended": SUSPENDED, "rebooted": RUNNING}


class InfraIncomplete(Unavailable):
    """Some machines did not get where they should; ``infra`` is how it stands, None if it is gone."""

    def __init__(self, message: str, infra: Document | None, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.infra = infra


@dataclass(frozen=True)
class Policy:
    """How to carry out a plan."""

    on_partial_failure: str  # keep, refine or rollback
    warn: Callable[[str], None]
    wait: bool = True  # until all is done
    answer_s: float = 130.0  # without wait: for how long an answer is waited for


class InfraResource:
    """One infra.

    Args:
        client: gives the orders.
        watch: looks how far they are.
        place: where the infra is.
        before: as it is (``infra_document``), or None.
        policy: how to go about it.
    """

    def __init__(
        self, client: Operator, watch: Watch, place: Place, before: Document | None, policy: Policy
    ) -> None:
        self._client = client
        self._watch = watch
        self._place = place
        self._dialect = place.dialect
        self._is_new = before is None
        self._before: Document = before or {"vms": [], "groups": {}}
        self._policy = policy
        self._unseen_polls = 0

    def create(self, spec: Document) -> Document:
        """Makes it and returns it as it is now."""
        body = create_body(self._dialect, {**spec, "groups": list(spec["groups"].values())})
        path = f"{self._place.parent}/{self._dialect.create_path}"
        try:
            self._order_once(path, f"make infra {self._place}", body)
        except NoReply as exc:
            while self._policy.wait and self._watch.read() is None:
                self._go_on_or_fail(path, exc)
        except (Conflict, NotFound) as exc:
            # Tumblebug also refuses when machines could not be made: then the infra is there.
            if "already exists" in str(exc) or self._watch.read() is None:
                raise
        return self._completed()

    def update(self, changes: Document) -> Document:
        """Changes what is given and returns it as it is now."""
        if "failed_vms" in changes:
            self._refine(self._before["failed_vms"])
            self._before = self._watch.existing()
        if "power" in changes:
            self._set_power(changes["power"])
        for name, group in changes.get("groups", {}).items():
            self._resize(name, group)
        return self._completed()

    def delete(self) -> None:
        """Removes it with all its machines."""
        unknown = [vm["id"] for vm in self._before["vms"] if vm["status"] == UNDEFINED]
        if unknown:
            self._policy.warn(
                f"CB-Tumblebug did not know the status of {', '.join(unknown)} and forgets them now: look at"
                " the cloud whether they still run there."
            )
        while not self._is_deleted():
            self._watch.pause()

    def _is_deleted(self) -> bool:
        """One attempt; Tumblebug may refuse while machines are still being terminated."""
        try:
            self._order("DELETE", f"{self._place.path}?option=terminate", f"remove infra {self._place}")
        except NoReply:
            return not self._policy.wait or self._watch.read() is None
        except Conflict:
            if not self._is_ending():
                raise
            return not self._policy.wait
        except NotFound:
            return True
        if self._policy.wait:
            self._watch.until_gone()
        return True

    def _is_ending(self, vms: Collection[str] = ()) -> bool:
        """Whether the machines, or those of these ids, are terminated or about to be."""
        infra = self._watch.read()
        found = [vm for vm in (infra or {"vms": ()})["vms"] if not vms or vm["id"] in vms]
        return all(vm["status"] in _ENDING for vm in found)

    # --- groups ---

    def _resize(self, name: str, group: Document) -> None:
        """Makes a group, or makes it larger or smaller."""
        size = self._before["groups"].get(name, {"size": None})["size"]
        if size is None:
            doing = f"make group {name} of infra {self._place}"
            self._add(
                f"{self._place.path}/{self._dialect.add_path}", group_body(self._dialect, group), doing, group
            )
        elif group["size"] > size:
            doing = f"enlarge group {name} of infra {self._place}"
            body = grow_body(self._dialect, group["size"] - size)
            self._add(self._place.group_path(name), body, doing, {**group, "name": name})
        else:
            self._shrink(name, group["size"])

    def _add(self, path: str, body: Document, doing: str, group: Document) -> None:
        try:
            self._order("POST", path, doing, body)
        except NoReply as exc:
            if self._policy.wait:
                self._find_lost_vms(path, exc, group)
        except (Conflict, NotFound):
            if not self._added(self._watch.existing()):
                raise

    def _shrink(self, group: str, size: int) -> None:
        """Removes machines one after the other: an interruption then leaves none half removed."""
        for vm in surplus(self._before["vms"], group, size):
            self._remove([vm])

    def _remove(self, vms: Collection[str]) -> None:
        for vm in vms:
            while not self._is_removed(vm):
                self._watch.pause()
        if vms and self._policy.wait:
            self._watch.until_gone(vms)

    def _is_removed(self, vm: str) -> bool:
        """One attempt, as with the infra; to order it again does no harm."""
        try:
            self._order("DELETE", self._place.vm_path(vm), f"remove VM {vm} of infra {self._place}")
        except NotFound:
            return True
        except NoReply:
            return not self._policy.wait or not self._is_there(vm)
        except Conflict:
            if not self._is_ending([vm]):
                raise
            return not self._policy.wait
        return True

    def _is_there(self, vm: str) -> bool:
        infra = self._watch.read() or {"vms": ()}
        return any(each["id"] == vm for each in infra["vms"])

    # --- power ---

    def _set_power(self, power: str) -> None:
        """Acts on the whole infra if all of it is concerned, else on each machine that is."""
        vms = self._before["vms"]
        concerned = [vm["id"] for vm in vms if vm["status"] == _FROM[power]]
        for vm in [""] if len(concerned) == len(vms) else concerned:
            what = f"VM {vm} of infra {self._place}" if vm else f"infra {self._place}"
            with suppress(NoReply):  # the statuses will tell
                self._order("GET", self._place.control_path(_ACTIONS[power], vm), f"{_ACTIONS[power]} {what}")
        if self._policy.wait:
            self._check_power(self._watch.settled(), concerned, _TO[power])

    def _check_power(self, infra: Document, vms: Collection[str], status: str) -> None:
        wrong = [vm for vm in infra["vms"] if vm["id"] in vms and vm["status"] != status]
        if wrong:
            raise InfraIncomplete(f"Of infra {self._place} {_shown(wrong)} did not become {status}.", infra)

    # --- completion ---

    def _order(self, method: str, path: str, doing: str, body: Document | None = None) -> None:
        timeout_s = self._watch.left_s if self._policy.wait else self._policy.answer_s
        self._client.order(method, path, doing, body=body, timeout_s=timeout_s)

    def _completed(self) -> Document:
        """Waits for what was ordered, and deals with machines that could not be made."""
        if not self._policy.wait:
            return self._watch.read() or {"namespace": self._place.namespace, "name": self._place.infra}
        infra = self._watch.settled()
        lost = GONE | {UNDEFINED}
        lost_before = {vm["id"] for vm in self._before["vms"] if vm["status"] in lost}
        failed = [vm for vm in infra["vms"] if vm["status"] in lost and vm["id"] not in lost_before]
        return self._without(failed, infra) if failed else infra

    def _added(self, infra: Document) -> list[Document]:
        """The machines that were not there before."""
        known = {vm["id"] for vm in self._before["vms"]}
        return [vm for vm in infra["vms"] if vm["id"] not in known]

    def _without(self, failed: list[Document], infra: Document) -> Document:
        """The infra without the machines that failed, if the policy is to live with that."""
        reason = f"Of infra {self._place} {_shown(failed)} failed."
        if infra["message"] and not all(vm["message"] for vm in failed):
            reason += f" CB-Tumblebug says: {infra['message']}."
        if self._policy.on_partial_failure == "rollback":
            raise InfraIncomplete(f"{reason} {self._roll_back(infra)}", self._watch.read())
        if self._policy.on_partial_failure == "refine" and not self._is_any_group_lost(failed, infra):
            return self._refined(failed, reason, infra)
        raise InfraIncomplete(
            reason,
            infra,
            hint="Run the task again to make others in their place. The failed ones stay to be looked at;"
            " with on_partial_failure=refine CB-Tumblebug forgets them first.",
        )

    def _is_any_group_lost(self, failed: Iterable[Document], infra: Document) -> bool:
        """Whether a group would be left without a machine, which nobody can want to go on with."""
        return any(infra["groups"][vm["group"]]["size"] == 0 for vm in failed)

    def _refined(self, failed: list[Document], reason: str, infra: Document) -> Document:
        if not can_be_refined(infra):
            raise InfraIncomplete(
                f"{reason} Nothing is refined, because CB-Tumblebug would forget VMs that may still run.",
                infra,
            )
        self._refine([vm["id"] for vm in failed])
        self._policy.warn(f"{reason} They are removed from the infra.")
        return self._watch.existing()

    def _refine(self, failed: Collection[str]) -> None:
        with suppress(NoReply):  # whether they are gone is looked up
            self._order("GET", self._place.control_path("refine"), f"refine infra {self._place}")
        if self._policy.wait:
            self._watch.until_gone(failed)

    def _roll_back(self, infra: Document) -> str:
        """Removes what this run has made; returns what was done, as a sentence."""
        if self._is_new:
            self.delete()
            return "The infra is removed again."
        added = [vm["id"] for vm in self._added(infra)]
        self._remove(added)
        return f"Removed again: {', '.join(added) or 'nothing'}."

    # --- orders whose answer was lost ---

    def _order_once(self, path: str, doing: str, body: Document) -> None:
        """Orders the infra unless an earlier run has: its networks are made before it can be seen."""
        if self._is_handled(path):
            raise NoReply(f"CB-Tumblebug was asked to {doing} before, and has not answered.")
        self._order("POST", path, doing, body)

    def _find_lost_vms(self, path: str, lost: NoReply, group: Document) -> None:
        """Waits until a group has its size, or some of its new machines have failed."""
        while True:
            infra = self._watch.existing()
            is_large_enough = infra["groups"].get(group["name"], {"size": 0})["size"] >= group["size"]
            if is_large_enough or any(vm["status"] in GONE for vm in self._added(infra)):
                return
            self._go_on_or_fail(path, lost)

    def _go_on_or_fail(self, path: str, lost: NoReply) -> None:
        """Pauses while the server is at it, and never tells it twice; raises what went wrong else."""
        if self._is_handled(path) is False:
            self._unseen_polls += 1
            for entry in self._client.requests("Error", path) or ():
                if _concerns(entry, self._place.infra):
                    raise Conflict(f"CB-Tumblebug failed to do it: {entry.get('errorResponse')}.") from lost
            if self._unseen_polls > UNSEEN_POLLS:
                raise lost
        self._watch.pause()

    def _is_handled(self, path: str) -> bool | None:
        """Whether the server is doing what a request to that path asked; None if it cannot tell."""
        handled = self._client.requests("Handling", path)
        return None if handled is None else any(_concerns(entry, self._place.infra) for entry in handled)


def _concerns(entry: Mapping[str, Any], infra: str) -> bool:
    """Whether a remembered request is about an infra, by its path or its body."""
    info = entry.get("requestInfo")
    if not isinstance(info, Mapping):
        return False
    body = info.get("body")
    return f"/{infra}/" in str(info.get("url")) or (isinstance(body, Mapping) and body.get("name") == infra)


def _shown(vms: Iterable[Document]) -> str:
    return by_reason((vm["id"], vm["status"] + (f": {vm['message']}" if vm["message"] else "")) for vm in vms)

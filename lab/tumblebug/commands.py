# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Commands over ssh on the machines of an infra; a machine that fails makes no error of the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone

from lab.tumblebug.answers import Refused, Request
from lab.tumblebug.bodies import Shape, decoded
from lab.tumblebug.cloud import Cloud, CloudError
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Infra, Machine
from lab.tumblebug.labels import selector
from lab.tumblebug.lookup import Lookup
from lab.tumblebug.records import MachinePath, Record, Records
from lab.tumblebug.render_shared import Json, labels, machine_labels

AT_ONCE = 16
DEFAULT_TIMEOUT_MIN = 30


@dataclass
class Outcome:
    """What the commands did on one machine."""

    machine: str
    address: str
    stdout: dict[str, str] = field(default_factory=dict)
    stderr: dict[str, str] = field(default_factory=dict)
    exit_status: int = 0
    error: str = ""  # ssh itself failed


class Commands:
    """The command route of an era."""

    def __init__(self, era: Era, *, find: Lookup, records: Records, cloud: Cloud) -> None:
        self._era = era
        self._find = find
        self._records = records
        self._cloud = cloud

    @property
    def handlers(self) -> Mapping[str, Callable[[Request, Mapping[str, str]], object]]:
        return {"command": self.command}

    def command(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """Runs the commands one after the other on each of the selected machines, which work side by side."""
        body = decoded(self._era, request, self._shape())
        namespace = self._find.namespace(parameters["ns"])
        infra = namespace.infras.get(parameters["infra"])
        if infra is None:
            text = f"The {self._era.infra} {parameters['infra']} does not exist."
            raise Refused(self._era.client_error_code, text)
        title = f"{self._era.infra.capitalize()}CmdReq"
        missing = f"Key: '{title}.Command' Error:Field validation for 'Command' failed on the 'required' tag"
        self._check(bool(body["command"]), missing)
        paths = [(namespace.id, infra.id, each) for each in self._selected(request, namespace.id, infra)]
        timeout_s = 60.0 * (body.get("timeoutMinutes") or DEFAULT_TIMEOUT_MIN)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(
                pool.map(lambda path: self._run(path, body["userName"], body["command"], timeout_s), paths)
            )
        return {"results": [self._shown(infra.id, body["command"], each) for each in outcomes]}

    def _check(self, good: bool, message: str) -> None:
        if not good:
            raise Refused(self._era.client_error_code, message)

    def _shape(self) -> dict[str, Shape]:
        timeout: dict[str, Shape] = {"timeoutMinutes": int} if self._era.numeric else {}
        return timeout | {"userName": str, "command": [str]}

    def _selected(self, request: Request, namespace: str, infra: Infra) -> Sequence[str]:
        group, one = request.query.get(self._era.group_key), request.query.get(f"{self._era.node}Id")
        if one:  # also one that does not exist: then its result has an error
            return [one]
        found = [each for each in infra.machines if not group or each.group == group]
        word = self._era.group_key.removesuffix("Id")
        empty = f"there is no {group} {word} or {self._era.node_title} in the {word} "
        self._check(bool(found) or not group, empty)
        wanted = request.query.get("labelSelector", "") if self._era.numeric else ""
        matches = selector(wanted)
        if matches:
            found = [each for each in found if matches(self._labels(namespace, infra, each))]
            self._check(bool(found), f"no Nodes matched the label selector: {wanted}")
        return sorted(each.id for each in found)

    def _labels(self, namespace: str, infra: Infra, machine: Machine) -> Mapping[str, str]:
        system = machine_labels(self._era, namespace, infra.id, machine)
        found = labels(self._era, machine.labels, system)
        return found if isinstance(found, dict) else {}

    def _run(self, path: MachinePath, user: str, commands: Sequence[str], timeout_s: float) -> Outcome:
        try:
            machine = self._find.machine(*path)
        except Refused as refused:
            return Outcome(path[2], "", error=str(refused))
        record = self._records.polled(path)
        outcome = Outcome(path[2], record.public_ip)
        try:
            _require_running(record)
            self._run_all(machine.resource, user or "cb-user", commands, timeout_s, outcome)
            self._records.greeted(path)
        except CloudError as exc:
            outcome.error = str(exc)
        self._note(path, commands, outcome)
        return outcome

    def _note(self, path: MachinePath, commands: Sequence[str], outcome: Outcome) -> None:
        """Into the history of the machine, with everything that was printed."""
        stamp = datetime.now(timezone.utc).isoformat(timespec="seconds")
        for number, command in enumerate(commands):
            index = str(number)
            good = index in outcome.stdout and not outcome.stderr[index].startswith("(Process exited")
            entry = {
                "commandRequested": command,
                "commandExecuted": command,
                "status": "Completed" if good else "Failed",
                "startedTime": stamp,
                "completedTime": stamp,
                "elapsedTime": 0,
                "resultSummary": "Command executed successfully" if good else "Command execution failed",
                "errorMessage": "" if good else self._shown_error(outcome).get("error", ""),
                "stdout": outcome.stdout.get(index, ""),
                "stderr": outcome.stderr.get(index, ""),
            }
            self._records.note_command(path, entry)

    def _run_all(
        self, resource: str, user: str, commands: Sequence[str], timeout_s: float, outcome: Outcome
    ) -> None:
        """The first command that fails is the last."""
        for number, command in enumerate(commands):
            ran = self._cloud.run(resource, user, command, timeout_s)
            index = str(number)
            outcome.stdout[index], outcome.stderr[index] = ran.stdout, ran.stderr
            if ran.exit_status:
                outcome.exit_status = ran.exit_status
                outcome.stderr[index] = f"({_exited(ran.exit_status)})\nStderr: {ran.stderr}"
                return

    def _shown(self, infra: str, commands: Sequence[str], outcome: Outcome) -> Json:
        era = self._era
        return {
            f"{era.infra}Id": infra,
            f"{era.node}Id": outcome.machine,
            f"{era.node}Ip": outcome.address,
            "command": {str(number): command for number, command in enumerate(commands)},
            "stdout": outcome.stdout,
            "stderr": outcome.stderr,
            **self._shown_error(outcome),
        }

    def _shown_error(self, outcome: Outcome) -> Json:
        """Up to v0.11.8 an error of ssh is an empty object; a command that fails shows in stderr alone."""
        if not self._era.numeric:
            return {"err": {} if outcome.error else None}
        return {"error": outcome.error or (_exited(outcome.exit_status) if outcome.exit_status else "")}


def _exited(status: int) -> str:
    return f"Process exited with status {status}"


def _require_running(record: Record) -> None:
    if record.status != "Running":
        endpoint = f"{record.public_ip}:{record.ssh_port}"
        text = f"failed to establish SSH connection to bastion host: dial tcp {endpoint}: i/o timeout"
        raise CloudError(text)

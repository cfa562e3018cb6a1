# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Whether a host can still prove that it is a member; nothing is made on its disk by asking."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from cladnet.agent.config import AgentConfig
from cladnet.agent.identity import certificate_request
from cladnet.agent.state import StateDirectory
from cladnet.cli import enrolment as command
from cladnet.cli.main import EXIT_NOT_ENROLLED, main
from cladnet.core.identity import SpiffeId
from tests.unit.agent.fake_controller import Authority

NOW = datetime.now(timezone.utc)
WORKING = {"state": "tunneling", "reason": "", "address": "10.77.0.2"}


@pytest.fixture
def config(tmp_path: Path) -> AgentConfig:
    return AgentConfig(
        network="demo",
        host="a1",
        controllers=("198.51.100.11",),
        ca_file=tmp_path / "ca.crt",
        state_dir=tmp_path / "state",
        runtime_dir=tmp_path,
    )


@pytest.fixture
def enrol(config: AgentConfig) -> Callable[..., Authority]:
    def enrol_host(identity: str = "a1") -> Authority:
        authority, state = Authority(), StateDirectory(config.state_dir)
        request = certificate_request(state.identity_key(), SpiffeId("demo", identity))
        state.store_certificate(authority.sign_request(request))
        config.ca_file.write_bytes(authority.pem)
        return authority

    return enrol_host


@pytest.fixture(autouse=True)
def status(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    said = dict(WORKING)
    monkeypatch.setattr(command, "read_status", lambda _config: said)
    return said


def problem(config: AgentConfig, now: datetime = NOW) -> str:
    result = command.enrolment(config, now)
    assert result["valid"] is (result["problem"] == "")
    return str(result["problem"])


def test_a_member_is_one(config: AgentConfig, enrol: Callable[..., Authority]) -> None:
    enrol()
    assert problem(config) == ""


def test_without_certificate_or_key_nothing_is_made(config: AgentConfig) -> None:
    config.state_dir.mkdir()
    (config.state_dir / "identity.crt").write_text("left over")
    assert problem(config) == "there is no certificate with its key"
    assert [path.name for path in config.state_dir.iterdir()] == ["identity.crt"]


def test_a_certificate_ends(config: AgentConfig, enrol: Callable[..., Authority]) -> None:
    enrol()
    assert "expired" in problem(config, NOW + timedelta(days=91))


def test_a_clock_that_is_late_is_no_reason_to_enrol(
    config: AgentConfig, enrol: Callable[..., Authority]
) -> None:
    enrol()
    assert problem(config, NOW - timedelta(days=365)) == ""


def test_a_certificate_of_a_cloned_host_is_void(config: AgentConfig, enrol: Callable[..., Authority]) -> None:
    enrol(identity="a2")
    assert problem(config) == "the certificate is for spiffe://cladnet/demo/a2"


def test_controllers_that_were_made_anew_have_another_authority(
    config: AgentConfig, enrol: Callable[..., Authority]
) -> None:
    enrol()
    config.ca_file.write_bytes(Authority().pem)
    assert "certificate authority" in problem(config)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"state": "released", "reason": "no member of demo", "address": None}, "no member of demo"),
        ({"state": "released", "reason": "taken down", "address": "10.77.0.2"}, ""),
        ({"state": "down", "reason": "not running", "address": "10.77.0.2"}, ""),
    ],
)
def test_removed_is_not_taken_down(
    config: AgentConfig,
    enrol: Callable[..., Authority],
    status: dict[str, Any],
    said: dict[str, Any],
    why: str,
) -> None:
    enrol()
    status.update(said)
    assert problem(config) == why


def test_the_exit_status_tells_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo.toml").write_text(
        f'network = "demo"\nhost = "a1"\ncontrollers = ["198.51.100.11"]\nstate_dir = "{tmp_path}/state"\n'
    )
    assert main(["enrolment", "--config-dir", str(tmp_path), "--json"]) == EXIT_NOT_ENROLLED
    assert json.loads(capsys.readouterr().out)["not_after"] is None
    assert main(["enrolment", "--config-dir", str(tmp_path)]) == EXIT_NOT_ENROLLED
    assert "a1 has to be enrolled again in demo" in capsys.readouterr().out

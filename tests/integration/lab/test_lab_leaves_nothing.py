# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""After ``down`` the machine is as before, whatever happened in the lab, and however ``up`` ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import folders
from lab.deadline import poll_until
from lab.errors import LabError, WrongStateError
from lab.lab import Lab

NAME = "lab-gone"


@pytest.fixture
def before(lab_state: Path) -> dict[str, object]:
    Lab.load("molecule", name=NAME).down()
    return _machine()


def test_down_removes_all_that_a_busy_lab_has_made(before: dict[str, object]) -> None:
    lab = Lab.load("molecule", name=NAME)
    lab.up()
    namespaces = _namespaces_of(lab)
    subprocess.run([*_with_master(lab), "true"], check=True, timeout=20, capture_output=True)
    stranger = subprocess.Popen(["ip", "netns", "exec", f"{NAME}-inet", "sleep", "600"])
    console = subprocess.Popen(lab.console_command("azure-db-1", ["sleep", "600"]))
    lab.partition("aws-web-1")
    lab.kill("gcp-app-1")

    lab.down()

    assert _machine() == before
    assert poll_until(lambda: not namespaces & _namespaces_in_use(), 10), "no process holds a namespace"
    assert stranger.wait(timeout=5) != 0
    assert console.wait(timeout=5) != 0
    assert not list(folders.of_lab(NAME).state.parent.glob(f"{NAME}*"))
    lab.down()
    assert _machine() == before, "down twice is no error"


@pytest.mark.parametrize("last_line", ["network:", "hosts:"])
def test_an_interrupted_up_takes_itself_down(before: dict[str, object], last_line: str) -> None:
    command = [sys.executable, "-m", "lab", "--topology", "molecule", "--name", NAME, "up"]
    with subprocess.Popen(command, cwd=folders.ROOT, stderr=subprocess.PIPE, text=True) as up:
        assert up.stderr is not None
        assert any(last_line in line for line in up.stderr)
        up.send_signal(signal.SIGINT)
        assert up.wait(timeout=20) == 130
    assert _machine() == before


def test_a_killed_up_is_cleared_away_by_the_next(before: dict[str, object]) -> None:
    command = [sys.executable, "-m", "lab", "--topology", "molecule", "--name", NAME, "up"]
    with subprocess.Popen(command, cwd=folders.ROOT, stderr=subprocess.PIPE, text=True) as up:
        assert up.stderr is not None
        assert any("hosts:" in line for line in up.stderr)
        up.kill()
    lab = Lab.load("molecule", name=NAME)
    assert not lab.is_up
    lab.up()
    assert lab.is_up
    lab.down()
    assert _machine() == before


def test_a_failing_up_tells_why_and_leaves_nothing(
    before: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "systemd-nspawn"
    broken.write_text("#!/bin/sh\necho the machine is on fire\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(
        LabError, match="aws-web-1 did not boot; the end of its console:\nthe machine is on fire"
    ):
        Lab.load("molecule", name=NAME).up()
    assert _machine() == before


def test_two_labs_of_one_name_do_not_mix(
    before: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lab = Lab.load("molecule", name=NAME)
    lab.up()
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("CLADNET_LAB_STATE", str(tmp_path))
        with pytest.raises(WrongStateError, match=f"a lab named {NAME} is on this machine already"):
            Lab.load("molecule", name=NAME).up()
    assert lab.is_up
    lab.down()
    assert _machine() == before


def _machine() -> dict[str, object]:
    """What a lab could leave on the machine, and must not change."""
    return {
        "namespaces": {path.name for path in Path("/run/netns").glob(f"{NAME}-*")},
        "mounts": [line for line in _lines("/proc/self/mountinfo") if NAME in line or "cladnet-lab" in line],
        "cgroup mounts": [
            line.split(" - ")[1] for line in _lines("/proc/self/mountinfo") if "cgroup" in line
        ],
        "cgroups": [str(path) for path in folders.unified_cgroup().rglob(f"cladnet-lab-{NAME}*")],
        "files": [str(path) for path in folders.RUNTIME.glob(NAME)],
        "links": _output("ip", "-brief", "link", "show", "type", "veth")
        + _output("ip", "link", "show", "type", "bridge"),
        "nft": _output("nft", "list", "ruleset"),
        "sysctls": _output("sysctl", "net.ipv4.ip_forward", "net.ipv4.ping_group_range"),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def _output(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def _namespaces_of(lab: Lab) -> set[int]:
    networks = {path.stat().st_ino for path in Path("/run/netns").glob(f"{NAME}-*")}
    assert len(networks) == len(lab.topology.hosts) + len(lab.topology.clouds) + 1
    return networks


def _namespaces_in_use() -> set[int]:
    found = set()
    for link in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            found.add(link.stat().st_ino)
        except OSError:
            continue
    return found


def _with_master(lab: Lab) -> list[str]:
    ssh, *rest = lab.login_command("aws-web-1")
    return [ssh, "-o", "ControlMaster=auto", "-o", "ControlPersist=60s", *rest]

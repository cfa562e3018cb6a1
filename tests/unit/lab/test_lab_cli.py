# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The command line: one clear sentence for every mistake, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import cli, commands


@pytest.fixture(autouse=True)
def _no_lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLADNET_LAB_STATE", str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["status"], "lab: lab demo is not up; bring it up first"),
        (["--name", "mine", "heal"], "lab: lab mine is not up"),
        (["exec", "aws-web-1", "--", "true"], "lab demo is not up"),
        (["ssh", "aws-web-1"], "lab demo is not up"),
        (["suspend", "web"], "lab: no host 'web' in lab demo; its hosts are aws-web-1"),
        (["readdress", "web", "192.168.2.9/24"], "lab: no host 'web' in lab demo"),
        (["--topology", "nope", "up"], "lab: no topology nope; there are demo"),
        (["--name", "No!", "up"], "'No!' must be 1 to 15 of a-z"),
    ],
)
def test_mistakes_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert cli.main(arguments) == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["eip", "aws-web-1", "1.2.3"], "1.2.3 is not an IPv4 address"),
        (
            ["readdress", "aws-web-1", "192.168.2.9/99"],
            "192.168.2.9/99 is not an address with its prefix length",
        ),
        (["loss", "much"], "invalid int value: 'much'"),
    ],
)
def test_usage_errors_name_the_argument(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_an_ordinary_user_is_told_to_be_root(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert cli.main(["up"]) == 1
    assert "run it as root" in capsys.readouterr().err


def test_missing_tools_are_told_by_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nowhere")
    assert cli.main(["up"]) == 1
    assert "apt-get install " + " ".join(sorted(set(commands.PACKAGES.values()))) in capsys.readouterr().err

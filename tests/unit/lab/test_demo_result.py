# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the demo says at its end, and what it reads from Ansible's output."""

from __future__ import annotations

import io
from typing import Any

import pytest

from lab.demo import result
from lab.demo.playbook import Recap
from lab.demo.progress import Progress


def host(name: str, **pairs: float | None) -> dict[str, Any]:
    return {
        "host": name,
        "address": "10.48.0.1",
        "public_endpoint": "198.51.100.11:8055",
        "pairs": [{"host": other, "reachable": ms is not None, "rtt_ms": ms} for other, ms in pairs.items()],
    }


def test_only_pairs_of_running_hosts_count_and_silence_is_no_success() -> None:
    report = {"hosts": [host("a", b=1.0, c=2.0, gone=3.0), host("b", a=1.5, c=None)]}
    assert result.pairs(report, ["a", "b", "c"]) == (3, 6)


def test_the_matrix_shows_every_direction() -> None:
    report = {"hosts": [host("a", b=1.234), host("b", a=None), host("c")]}
    rows = [line.split() for line in result.matrix(report)]
    assert rows == [
        ["from", "\\", "to", "a", "b", "c"],
        ["a", ".", "1.23", "unknown"],
        ["b", "NO", ".", "unknown"],
        ["c", "unknown", "unknown", "."],
    ]


def test_the_last_line_is_what_programs_look_for() -> None:
    line = result.closing_line(6, 30, 30, "10.48.0.0/24")
    assert line == "CLADNET demo: 6 hosts, 30/30 pairs reachable, address space 10.48.0.0/24"


@pytest.mark.parametrize(
    ("line", "recap"),
    [
        (
            "aws-web-1                  : ok=46   changed=12   unreachable=0    failed=1    skipped=6",
            Recap("aws-web-1", ok=46, changed=12, unreachable=0, failed=1),
        ),
        ("TASK [Write the units] ****", None),
        ("", None),
    ],
)
def test_recaps_are_read_from_the_output(line: str, recap: Recap | None) -> None:
    assert Recap.of(line) == recap


def test_progress_counts_its_steps_and_keeps_details_from_files() -> None:
    out = io.StringIO()
    progress = Progress(3, done=1, out=out)
    with progress.step("image"):
        progress.detail("half")
    said = out.getvalue().splitlines()
    assert said[0] == "[2/3] image ..."
    assert said[1].startswith("[2/3] image: 0.")
    assert "half" not in out.getvalue()


def test_a_failed_step_is_not_called_done() -> None:
    out = io.StringIO()
    with pytest.raises(ValueError), Progress(1, out=out).step("image"):
        raise ValueError
    assert out.getvalue() == "[1/1] image ...\n"

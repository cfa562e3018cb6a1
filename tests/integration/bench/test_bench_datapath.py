# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""scripts/bench datapath, small: systems come up, figures come out, and nothing is left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.datapath.hosts import remove_leftovers

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_S = 120

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or any(shutil.which(program) is None for program in ("iperf3", "ethtool", "nft")),
    reason="needs root, iperf3, ethtool and nft",
)


def command(output: Path, *options: str) -> list[str]:
    words = [sys.executable, "-m", "bench", "datapath", "--quick", "--no-install", "--output", str(output)]
    return [*words, *options]


def hosts_of(pid: int) -> list[str]:
    """Namespaces that a measuring process has made and not removed."""
    names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in names.splitlines() if line.startswith(f"bench{pid}-")]


def test_both_suites_and_the_limit_are_measured(tmp_path: Path) -> None:
    output = tmp_path / "rows.json"
    options = ["--only", "tcp-1,ping", "--setups", "veth,wire-gro", "--systems", "veth,ours-aes,ours-chacha"]
    process = subprocess.Popen(
        command(output, *options), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    printed, said = process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 0, said
    rows = json.loads(output.read_text())
    found = {(row["work"], row["setup"], row["system"], row["unit"]) for row in rows}
    for system in ("ours-aes", "ours-chacha"):
        for setup in ("veth", "wire-gro"):
            assert ("tcp-1", setup, system, "Gbit/s") in found, said
            assert ("tcp-1", setup, system, "CPU s/GB") in found
        assert ("ping", "veth", system, "us p50") in found
    assert all(row["median"] > 0 for row in rows)
    assert "| idle ping p99, us |" in printed
    assert output.with_suffix(".svg").read_text().startswith("<svg")
    assert hosts_of(process.pid) == []


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    options = ["--only", "tcp-1", "--setups", "wire-gro", "--systems", "veth,ours-aes"]
    process = subprocess.Popen(
        command(tmp_path / "rows.json", *options), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "bench: tcp-1, wire-gro\n"
    process.kill()
    process.communicate(timeout=TIMEOUT_S)
    assert len(hosts_of(process.pid)) == 6
    remove_leftovers()
    assert hosts_of(process.pid) == []


def test_nothing_is_left_behind_by_sigterm(tmp_path: Path) -> None:
    options = ["--only", "tcp-1", "--setups", "wire-gro", "--systems", "veth,ours-aes"]
    process = subprocess.Popen(
        command(tmp_path / "rows.json", *options), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "bench: tcp-1, wire-gro\n"
    assert len(hosts_of(process.pid)) == 6
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 128 + signal.SIGTERM
    assert hosts_of(process.pid) == []

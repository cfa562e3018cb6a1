# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What Prometheus is told, read back by the grammar of its text format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli import STATUS, Agent, configure, peer

from cladnet.cli.main import EXIT_ERROR, main
from cladnet.cli.metrics import format_metrics

LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
SAMPLE = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)\{{({LABEL}(?:,{LABEL})*)\}} (\S+)")
PEERS = [
    peer("b1", "10.77.0.3"),
    peer("c1", "10.77.0.4", last_handshake_age_s=None, path_mtu_bytes=None, session_cipher=None),
]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str) -> Samples:
    """The samples of a text; it must be one that Prometheus takes."""
    samples: Samples = {}
    families: list[str] = []
    for line in text.splitlines():
        if line.startswith("# HELP "):
            families.append(line.split()[2])
            continue
        if line.startswith("# TYPE "):
            assert line.split()[2:] in ([families[-1], "gauge"], [families[-1], "counter"])
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        assert found[1] == families[-1], "the samples of a metric must stand together"
        key = (found[1], frozenset(re.findall(LABEL, found[2])))
        assert key not in samples
        samples[key] = float(line.rsplit(" ", 1)[1])
    assert len(families) == len(set(families))
    return samples


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset({"network": "demo", "host": "a1", **labels}.items())))


def test_every_counter_and_age_has_its_sample() -> None:
    samples = read(format_metrics([{**STATUS, "peers": PEERS, "drops": {"no_route": 2, "replayed": 3}}]))
    expected = {
        ("cladnet_agent_up",): 1,
        ("cladnet_agent_controller_connected",): 1,
        ("cladnet_rule_revision",): 42,
        ("cladnet_peer_receive_bytes_total", "b1"): 2048,
        ("cladnet_peer_transmit_bytes_total", "c1"): 10,
        ("cladnet_peer_handshake_age_seconds", "b1"): 12,
        ("cladnet_peer_handshake_age_seconds", "c1"): None,
        ("cladnet_peer_path_mtu_bytes", "b1"): 1340,
        ("cladnet_peer_path_mtu_bytes", "c1"): None,
    }
    for (name, *of), number in expected.items():
        assert value(samples, name, **({"peer": of[0]} if of else {})) == number, name
    assert value(samples, "cladnet_agent_state", state="tunneling", version="0.1.0") == 1
    assert value(samples, "cladnet_drops_total", reason="no_route") == 2
    assert value(samples, "cladnet_drops_total", reason="replayed") == 3
    assert value(samples, "cladnet_peer_session_cipher", peer="b1", cipher="aes-256-gcm") == 1


def test_large_counters_keep_their_digits() -> None:
    text = format_metrics([{**STATUS, "peers": [peer("b1", "10.77.0.3", rx_bytes=123_456_789_012_345)]}])
    assert " 123456789012345\n" in text


@given(st.text(max_size=20), st.floats(0, 1e9), st.integers(0, 2**63))
def test_any_name_and_number_can_be_read_back(name: str, age_s: float, count_bytes: int) -> None:
    described = peer(name, "10.77.0.3", last_handshake_age_s=age_s, rx_bytes=count_bytes)
    text = format_metrics([{**STATUS, "peers": [described]}])
    lines = [line for line in text.split("\n") if line.startswith("cladnet_peer_")]
    assert all(SAMPLE.fullmatch(line) for line in lines)
    ages = [float(line.rsplit(" ", 1)[1]) for line in lines if "_age_" in line]
    assert ages == [age_s]


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "etc"
    directory.mkdir()
    configure(directory, "demo")
    return directory


@pytest.fixture
def agent(config_dir: Path) -> Iterator[Agent]:
    agent = Agent(config_dir.parent / "demo" / "agent.sock")
    agent.reply = {**STATUS, "peers": PEERS}
    yield agent
    agent.close()


Metrics = Callable[..., tuple[int, Samples]]


@pytest.fixture
def metrics(config_dir: Path, capsys: pytest.CaptureFixture[str]) -> Metrics:
    def run(*arguments: str) -> tuple[int, Samples]:
        status = main(["metrics", "--config-dir", str(config_dir), *arguments])
        return status, read(capsys.readouterr().out)

    return run


def test_a_running_agent_is_asked(agent: Agent, metrics: Metrics) -> None:
    status, samples = metrics()
    assert status == 0
    assert agent.asked == [{"command": "status"}]
    assert value(samples, "cladnet_peer_receive_bytes_total", peer="b1") == 2048


def test_all_networks_of_the_host_are_told_also_those_whose_agent_is_down(
    agent: Agent, config_dir: Path, metrics: Metrics
) -> None:
    configure(config_dir, "prod")
    status, samples = metrics()
    assert status == 0
    assert len(agent.asked) == 1
    up = {
        dict(labels)["network"]: number for (name, labels), number in samples.items() if name.endswith("_up")
    }
    assert up == {"demo": 1, "prod": 0}
    status, samples = metrics("--network", "prod")
    assert {dict(labels)["network"] for _name, labels in samples} == {"prod"}


def test_a_file_is_replaced_as_a_whole_and_others_may_read_it(
    agent: Agent, metrics: Metrics, tmp_path: Path
) -> None:
    file = tmp_path / "cladnet.prom"
    assert metrics("--output", str(file)) == (0, {})
    assert value(read(file.read_text()), "cladnet_agent_up") == 1
    assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.glob("*cladnet.prom*")] == ["cladnet.prom"]
    assert agent.asked == [{"command": "status"}]


def test_what_cannot_be_done_is_an_error(
    agent: Agent, config_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = ["metrics", "--config-dir", str(config_dir), "--output", str(tmp_path / "no" / "file")]
    assert main(nowhere) == EXIT_ERROR
    assert "cannot be written: No such file" in capsys.readouterr().err
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main(["metrics", "--config-dir", str(empty)]) == EXIT_ERROR
    assert "This host has no network" in capsys.readouterr().err


def test_metrics_have_one_format(config_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["metrics", "--config-dir", str(config_dir), "--json"])
    assert "--json" in capsys.readouterr().err

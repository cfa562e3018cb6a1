# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The command as people and playbooks call it, against a socket that answers as an agent does."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from cladnet.agent.state import StateDirectory
from cladnet.cli.main import EXIT_AGENT_DOWN, EXIT_ERROR, EXIT_UNREACHABLE, main
from cladnet.cli.status import format_status
from cladnet.cli.text import age, columns, size
from cladnet.core.endpoint import Endpoint
from cladnet.core.rule_table import NetworkRule, PeerEntry, RuleTable, by_host

STATUS: dict[str, Any] = {
    "network": "demo",
    "host": "a1",
    "version": "0.1.0",
    "state": "tunneling",
    "reason": "",
    "address": "127.0.0.1",
    "cidr": "127.0.0.0/24",
    "controller": "198.51.100.11",
    "controller_error": "",
    "revision": 42,
    "public_endpoint": "198.51.100.1:8055",
    "public_endpoint_source": "stun",
    "device": "cladnet0",
    "mtu": 1420,
    "cipher": "auto",
    "ciphers": ["aes-256-gcm", "chacha20-poly1305"],
    "control": {"desired": "up", "rekeys_requested": 0, "rekeys_done": 0},
    "peers": [],
    "drops": {"no_route": 0, "replay": 3},
}


def peer(host: str, address: str, **changes: object) -> dict[str, Any]:
    return {
        "host": host,
        "address": address,
        "public_key": "",
        "rule_endpoint": "198.51.100.2:8055",
        "endpoint": "198.51.100.2:8055",
        "last_handshake_age_s": 12.0,
        "rx_bytes": 2048,
        "tx_bytes": 10,
        "path_mtu_bytes": 1340,
        "path_mtu_phase": "found",
        "cipher": "aes-256-gcm",
        "session_cipher": "aes-256-gcm",
        "ciphers": ["aes-256-gcm", "chacha20-poly1305"],
        **changes,
    }


class Agent:
    """Answers on the socket of a network with what a test says."""

    def __init__(self, path: Path) -> None:
        self.reply: dict[str, Any] = STATUS
        self.asked: list[dict[str, Any]] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _unused = self._listening.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                self.asked.append(json.loads(lines.readline()))
                connection.sendall(json.dumps(self.reply).encode() + b"\n")


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "etc"
    directory.mkdir()
    configure(directory, "demo")
    return directory


def configure(directory: Path, network: str) -> None:
    run, state = directory.parent / network, directory.parent / network / "state"
    run.mkdir()
    (directory / f"{network}.toml").write_text(
        f'network = "{network}"\nhost = "a1"\ncontrollers = ["198.51.100.11"]\n'
        f'state_dir = "{state}"\nruntime_dir = "{run}"\n'
    )


@pytest.fixture
def agent(config_dir: Path) -> Iterator[Agent]:
    agent = Agent(config_dir.parent / "demo" / "agent.sock")
    yield agent
    agent.close()


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(config_dir: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_command(command: str, *arguments: str) -> tuple[int, str, str]:
        status = main([command, "--config-dir", str(config_dir), *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run_command


def test_status_shows_the_facts_and_the_peers(agent: Agent, run: Run) -> None:
    agent.reply = STATUS | {
        "state": "degraded",
        "reason": "no controller answers",
        "peers": [
            peer("b1", "10.77.0.3"),
            peer(
                "c1",
                "10.77.0.4",
                endpoint=None,
                last_handshake_age_s=None,
                session_cipher=None,
                path_mtu_phase="unknown",
            ),
            peer("d1", "10.77.0.5", session_cipher="chacha20-poly1305"),
        ],
    }
    status, out, _unused = run("status")
    assert status == 0
    for line in [
        "network     demo  127.0.0.0/24",
        "state       degraded",
        "reason      no controller answers",
        "endpoint    198.51.100.1:8055  (from stun)",
        "dropped     replay 3",
        "cipher      auto",
        "b1    10.77.0.3  198.51.100.2:8055  aes-256-gcm        1340  12 s       2.0 KiB   10 B",
        "c1    10.77.0.4  198.51.100.2:8055  aes-256-gcm        -     never      2.0 KiB   10 B",
        "d1    10.77.0.5  198.51.100.2:8055  chacha20-poly1305  1340  12 s       2.0 KiB   10 B",
    ]:
        assert line in out.splitlines()


def test_status_as_json_is_what_the_agent_said(agent: Agent, run: Run) -> None:
    status, out, _unused = run("status", "--json", "--network", "demo")
    assert (status, json.loads(out)) == (0, STATUS)
    assert agent.asked == [{"command": "status"}]


def test_status_of_a_stopped_agent_says_so_and_shows_the_last_rule(config_dir: Path, run: Run) -> None:
    table = RuleTable(
        7,
        42,
        NetworkRule("demo", IPv4Network("10.77.0.0/24")),
        by_host(
            [
                PeerEntry("a1", IPv4Address("10.77.0.2"), bytes(32)),
                PeerEntry("b1", IPv4Address("10.77.0.3"), bytes(32), Endpoint("198.51.100.2", 8055)),
            ]
        ),
    )
    StateDirectory(config_dir.parent / "demo" / "state").store_table(table)
    status, out, _unused = run("status")
    assert status == EXIT_AGENT_DOWN
    assert "systemctl status cladnet-agent@demo" in out
    assert "10.77.0.2" in out
    assert "b1    10.77.0.3  198.51.100.2:8055  chacha20-poly1305  -    never" in out
    status, out, _unused = run("status", "--json")
    assert (json.loads(out)["state"], json.loads(out)["revision"]) == ("down", 42)
    assert set(STATUS) == set(json.loads(out))


def test_socket_of_a_dead_agent_is_no_agent(config_dir: Path, run: Run) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(config_dir.parent / "demo" / "agent.sock"))
    assert run("status")[0] == EXIT_AGENT_DOWN


@pytest.mark.parametrize(
    ("networks", "arguments", "complaint"),
    [
        ([], [], "This host has no network"),
        (["demo", "prod"], [], "several networks: say --network with one of demo, prod"),
        (["demo"], ["--network", "prod"], "no network 'prod' (it has: demo)"),
    ],
)
def test_which_network_is_meant(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    networks: list[str],
    arguments: list[str],
    complaint: str,
) -> None:
    directory = tmp_path / "etc"
    directory.mkdir()
    for network in networks:
        configure(directory, network)
    assert main(["status", "--config-dir", str(directory), *arguments]) == EXIT_ERROR
    captured = capsys.readouterr()
    assert complaint in captured.err
    assert "Traceback" not in captured.err


def test_ping_reaches_who_answers_and_names_who_does_not(agent: Agent, run: Run) -> None:
    agent.reply = STATUS | {"peers": [peer("b1", "127.0.0.2"), peer("c1", "240.0.0.1")]}
    status, out, _unused = run("ping", "--json", "--timeout", "0.6")
    result = json.loads(out)
    assert status == EXIT_UNREACHABLE
    assert (result["host"], result["address"]) == ("a1", "127.0.0.1")
    assert (result["reachable"], result["total"]) == (1, 2)
    by_name = {pair["host"]: pair for pair in result["pairs"]}
    assert by_name["b1"]["reachable"]
    assert 0 < by_name["b1"]["rtt_ms"] < 600
    assert by_name["c1"] == {"host": "c1", "address": "240.0.0.1", "reachable": False, "rtt_ms": None}


def test_ping_ends_at_once_when_all_have_answered(agent: Agent, run: Run) -> None:
    agent.reply = STATUS | {"peers": [peer(f"b{n}", f"127.0.1.{n}") for n in range(1, 40)]}
    status, out, _unused = run("ping", "--timeout", "30")
    assert status == 0
    assert out.splitlines()[-1] == "39 of 39 peers reachable from a1"


def test_ping_of_a_host_without_address_fails(agent: Agent, run: Run) -> None:
    agent.reply = STATUS | {"address": None, "state": "configuring"}
    assert run("ping", "--timeout", "0.2")[0] == EXIT_UNREACHABLE


@pytest.mark.parametrize("timeout", ["0", "-1", "soon", "nan", "1e9"])
def test_ping_wants_a_sensible_timeout(run: Run, timeout: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("ping", f"--timeout={timeout}")
    assert "argument --timeout" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "public endpoint, by the network's rule"),
        ({"endpoint": "198.51.100.9:8055"}, "the rule still says 198.51.100.2:8055"),
        ({"rule_endpoint": None}, "learned from the peer's own authenticated packets"),
        ({"endpoint": None}, "no endpoint is known"),
        ({"last_handshake_age_s": None}, "none yet: UDP"),
        ({"last_handshake_age_s": 600.0}, "idle"),
        ({"last_handshake_age_s": 12.0}, "session    up"),
        ({}, "mtu        1340: found out with probes"),
        ({"path_mtu_bytes": None, "path_mtu_phase": "unknown"}, "mtu        not found out yet"),
        ({"path_mtu_bytes": 1200, "path_mtu_phase": "searching"}, "1200: being found out"),
        (
            {"path_mtu_bytes": 1200, "path_mtu_phase": "unanswered"},
            "1200: assumed, since the peer answers no ping",
        ),
        ({}, "cipher     aes-256-gcm: both CPUs have AES instructions"),
        (
            {"session_cipher": "chacha20-poly1305"},
            "AES instructions (the session still has chacha20-poly1305)",
        ),
        (
            {"cipher": "chacha20-poly1305", "ciphers": ["chacha20-poly1305", "aes-256-gcm"]},
            "chacha20-poly1305: no AES instructions in the CPU of b1",
        ),
        (
            {"cipher": "chacha20-poly1305", "ciphers": ["chacha20-poly1305"]},
            "chacha20-poly1305: b1 is a WireGuard peer without an agent, or has one of release 0.2",
        ),
    ],
)
def test_explain_says_which_endpoint_and_why(
    agent: Agent, run: Run, facts: dict[str, Any], words: str
) -> None:
    agent.reply = STATUS | {"peers": [peer("b1", "10.77.0.3", **facts)]}
    for name in ("b1", "10.77.0.3"):
        status, out, _unused = run("explain", name)
        assert status == 0
        assert words in out


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"cipher": "aes-256-gcm"}, "aes-256-gcm: the network's cipher"),
        ({"ciphers": ["chacha20-poly1305", "aes-256-gcm"]}, "no AES instructions in the CPU of this host"),
    ],
)
def test_explain_says_what_the_network_and_this_host_have_to_do_with_the_cipher(
    agent: Agent, run: Run, facts: dict[str, Any], words: str
) -> None:
    agent.reply = STATUS | facts | {"peers": [peer("b1", "10.77.0.3")]}
    assert words in run("explain", "b1")[1]


def test_agent_of_the_release_before_is_shown_and_explained(agent: Agent, run: Run) -> None:
    of_now = ("cipher", "path_mtu")
    known = {
        key: value
        for key, value in peer("b1", "10.77.0.3").items()
        if not any(word in key for word in of_now)
    }
    agent.reply = {key: value for key, value in STATUS.items() if "cipher" not in key} | {"peers": [known]}
    assert "b1    10.77.0.3  198.51.100.2:8055  -       -    12 s" in run("status")[1]
    assert "cipher     chacha20-poly1305: this agent is of release 0.2" in run("explain", "b1")[1]
    assert "mtu" not in run("explain", "b1")[1]


def test_explain_of_an_unknown_peer_names_the_known_ones(agent: Agent, run: Run) -> None:
    agent.reply = STATUS | {"peers": [peer("b1", "10.77.0.3")]}
    status, _unused, err = run("explain", "b2")
    assert status == EXIT_ERROR
    assert "no peer 'b2' that this host knows (it knows: b1)" in err


def test_leave_passes_on_the_word_of_the_agent(agent: Agent, run: Run) -> None:
    agent.reply = {"left": "demo"}
    assert run("leave", "--network", "demo")[:2] == (0, "this host has left demo\n")
    assert agent.asked == [{"command": "leave"}]
    agent.reply = {"error": {"code": "unavailable", "message": "no controller", "hint": "Try again."}}
    status, _unused, err = run("leave")
    assert (status, err) == (EXIT_ERROR, "cladnet: no controller Try again.\n")


def test_leave_without_agent_is_an_error(run: Run) -> None:
    status, _unused, err = run("leave")
    assert status == EXIT_ERROR
    assert "is not running" in err


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "never"), (0.4, "0 s"), (119, "119 s"), (180, "3 min"), (7199, "120 min"), (18000, "5 h")],
)
def test_age(seconds: float | None, text: str) -> None:
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (3 << 40, "3.0 TiB")],
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert columns(("A", "B"), [("long", "x"), ("s", "")]) == "A     B\nlong  x\ns"


@pytest.mark.parametrize(
    ("control", "row"),
    [
        ({"desired": "up", "rekeys_requested": 2, "rekeys_done": 2}, ""),
        ({"desired": "down", "rekeys_requested": 0, "rekeys_done": 0}, "ordered     down"),
        ({"desired": "up", "rekeys_requested": 2, "rekeys_done": 1}, "ordered     1 of 2 new keys made"),
        (None, ""),
    ],
)
def test_status_shows_what_is_ordered_only_if_that_is_something(control: object, row: str) -> None:
    shown = format_status({**STATUS, "control": control})
    assert (row in shown) if row else ("ordered" not in shown)

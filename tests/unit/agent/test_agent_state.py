# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import stat
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from cladnet.agent.identity import certificate_request
from cladnet.agent.state import StateDirectory
from cladnet.atomic_file import write_atomically
from cladnet.core.errors import InvalidInput, Unavailable
from cladnet.core.identity import SpiffeId
from cladnet.core.rule_table import NetworkRule, PeerEntry, RuleTable, by_host
from tests.unit.agent.fake_controller import Authority

IDENTITY = SpiffeId("demo", "a1")
TABLE = RuleTable(
    2**64 - 1,
    42,
    NetworkRule("demo", IPv4Network("10.77.0.0/24")),
    by_host([PeerEntry("a1", IPv4Address("10.77.0.2"), bytes(32))]),
)


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory(tmp_path / "state")


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "state").iterdir())


def test_keys_are_made_once_kept_and_private(tmp_path: Path, state: StateDirectory) -> None:
    keys = (state.wireguard_key(), state.identity_key())
    again = StateDirectory(tmp_path / "state")
    assert (again.wireguard_key(), again.identity_key()) == keys
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    for path in (tmp_path / "state").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_wireguard_key_is_what_wg_genkey_gives(tmp_path: Path, state: StateDirectory) -> None:
    key = state.wireguard_key()
    assert key[0] & 7 == 0
    assert key[31] & 0xC0 == 0x40
    assert base64.b64decode((tmp_path / "state" / "wireguard.key").read_text()) == key


def test_damaged_wireguard_key_is_named(tmp_path: Path, state: StateDirectory) -> None:
    (tmp_path / "state" / "wireguard.key").write_text("AAAA\n")
    with pytest.raises(InvalidInput, match=r"wireguard\.key holds no WireGuard key"):
        state.wireguard_key()


def test_certificate_of_the_own_key_is_taken(state: StateDirectory) -> None:
    assert state.certificate() is None
    pem = Authority().sign_request(certificate_request(state.identity_key(), IDENTITY))
    state.store_certificate(pem)
    certificate = state.certificate()
    assert certificate is not None
    assert (certificate.pem, certificate.spiffe_id) == (pem, IDENTITY)


@pytest.mark.parametrize("damage", ["garbage", "another key"])
def test_certificate_of_no_use_is_as_good_as_none(
    damage: str, tmp_path: Path, state: StateDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    other = StateDirectory(tmp_path / "other")
    stranger = Authority().sign_request(certificate_request(other.identity_key(), IDENTITY))
    state.store_certificate(b"garbage" if damage == "garbage" else stranger)
    assert state.certificate() is None
    assert "identity.crt is of no use" in caplog.text


def test_table_comes_back_exactly(state: StateDirectory) -> None:
    assert state.load_table() == RuleTable()
    state.store_table(TABLE)
    assert state.load_table() == TABLE


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"format": 1}', b"[" * 100_000])
def test_damaged_table_is_set_aside_and_logged(
    content: bytes, tmp_path: Path, state: StateDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state" / "table.json").write_bytes(content)
    assert state.load_table() == RuleTable()
    assert (tmp_path / "state" / "table.json.damaged").read_bytes() == content
    assert "set aside" in caplog.text
    assert state.load_table() == RuleTable()


def test_full_disk_leaves_the_old_table_and_no_rubbish(
    tmp_path: Path, state: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.store_table(TABLE)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Unavailable, match="cannot be written: No space left"):
        state.store_table(RuleTable())
    assert state.load_table() == TABLE
    assert files(tmp_path) == ["table.json"]


def test_leftover_of_a_crash_is_overwritten_and_made_private(tmp_path: Path) -> None:
    leftover = tmp_path / ".secret.new"
    leftover.write_bytes(b"x" * 1000)
    leftover.chmod(0o644)
    write_atomically(tmp_path / "secret", b"new")
    assert (tmp_path / "secret").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert not leftover.exists()


def test_leaving_removes_membership_and_keeps_the_keys(tmp_path: Path, state: StateDirectory) -> None:
    state.wireguard_key()
    state.identity_key()
    state.store_table(TABLE)
    state.store_certificate(b"x")
    (tmp_path / "state" / "enrolment.token").write_text("t\n")
    assert state.token() == "t"
    state.forget_membership()
    assert files(tmp_path) == ["identity.key", "wireguard.key"]
    assert state.token() == ""

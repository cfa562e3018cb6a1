# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from cladnet.controller.config import ControllerConfig, load_config, parse_config
from cladnet.controller.etcd import errors
from cladnet.controller.main import main
from cladnet.core.errors import CladnetError, InvalidInput, Unavailable

LEAST = {"name": "a1", "advertise": ["198.51.100.11"]}


def test_what_is_left_out_has_a_default() -> None:
    config = parse_config(LEAST)
    assert config == ControllerConfig(name="a1", advertise=("198.51.100.11",))
    assert (str(config.api_listen), str(config.agent_listen)) == ("0.0.0.0:8053", "0.0.0.0:8056")
    assert str(config.stun_listen) == "0.0.0.0:3478"


def test_every_key_is_read() -> None:
    config = parse_config(
        {
            "name": "a1",
            "etcd_endpoints": [
                "192.0.2.1:2379",
                "[2001:db8::1]:2379",
                "unix:/run/cladnet/etcd/client.sock:0",
            ],
            "etcd_ca_file": "/ca",
            "etcd_cert_file": "/cert",
            "etcd_key_file": "/key",
            "state_dir": "/var/lib/x",
            "api_listen": "[::]:1",
            "agent_listen": "127.0.0.1:2",
            "stun_listen": "127.0.0.1:3",
            "advertise": ["198.51.100.11", "2001:db8::5", "c1.example.org"],
        }
    )
    assert config.etcd_tls is not None
    assert config.etcd_tls.key == Path("/key")
    assert len(config.etcd_endpoints) == 3
    assert str(config.api_listen) == "[::]:1"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": None}, "key 'name' is missing"),
        ({"name": 7}, "key 'name': expected a text, found 7"),
        ({"name": "a b"}, "'a b'"),
        ({"advertise": None}, "key 'advertise' is missing"),
        ({"advertise": []}, "key 'advertise': expected a list"),
        ({"advertise": "198.51.100.11"}, "key 'advertise': expected a list"),
        ({"advertise": ["not an address"]}, "not an address"),
        ({"etcd_endpoints": ["http://127.0.0.1:2379"]}, "without http://"),
        ({"etcd_endpoints": ["127.0.0.1"]}, "key 'etcd_endpoints'"),
        ({"etcd_ca_file": "/ca"}, "key 'etcd_cert_file' is missing"),
        ({"state_dir": "relative"}, "key 'state_dir': expected an absolute path"),
        ({"api_listen": "8053"}, "key 'api_listen'"),
        ({"agent_listen": "0.0.0.0:0"}, "key 'agent_listen'"),
        ({"stun_listen": "::3478"}, "key 'stun_listen'"),
        ({"advertize": ["x"]}, "unknown key 'advertize'"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_expected(wrong: dict[str, object], told: str) -> None:
    document = {key: value for key, value in {**LEAST, **wrong}.items() if value is not None}
    with pytest.raises(InvalidInput) as caught:
        parse_config(document)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"), [(b"name = ", "no TOML"), (b"\xff", "no TOML"), (b'name = "a1"', "advertise")]
)
def test_the_file_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "controller.toml"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=told) as caught:
        load_config(file)
    assert str(file) in str(caught.value)


def test_a_bad_configuration_ends_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(tmp_path / "none.toml")]) == 78
    said = capsys.readouterr().err
    assert said.startswith(f"cladnet-controller: {tmp_path}/none.toml does not exist.")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("code", "details", "kind"),
    [
        ("UNAVAILABLE", "connection refused", Unavailable),
        ("DEADLINE_EXCEEDED", "", Unavailable),
        ("UNKNOWN", "etcdserver: no leader", Unavailable),
        ("UNAVAILABLE", "etcdserver: leader changed", Unavailable),
        ("RESOURCE_EXHAUSTED", "etcdserver: too many requests", Unavailable),
        ("RESOURCE_EXHAUSTED", "etcdserver: mvcc: database space exceeded", errors.StoreFull),
        ("INVALID_ARGUMENT", "etcdserver: revision of auth store is old", errors.StaleAuth),
        ("UNAUTHENTICATED", "etcdserver: invalid auth token", errors.StaleAuth),
        ("PERMISSION_DENIED", "etcdserver: permission denied", errors.AccessDenied),
        ("OUT_OF_RANGE", "etcdserver: mvcc: required revision has been compacted", errors.Compacted),
        ("NOT_FOUND", "etcdserver: requested lease not found", errors.LeaseNotFound),
        ("INVALID_ARGUMENT", "etcdserver: key is not provided", CladnetError),
    ],
)
def test_what_etcd_means(code: str, details: str, kind: type[CladnetError]) -> None:
    assert (errors.error_from(grpc.StatusCode[code], details)).__class__ is kind

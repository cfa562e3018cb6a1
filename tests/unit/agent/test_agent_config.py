# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from cladnet.agent.config import AgentConfig, load_config
from cladnet.core.errors import InvalidInput
from cladnet.core.host_report import Cloud

MINIMAL = 'network = "demo"\nhost = "a1"\ncontrollers = ["198.51.100.11"]\n'


def load(tmp_path: Path, text: str) -> AgentConfig:
    path = tmp_path / "demo.toml"
    path.write_text(text)
    return load_config(path)


def test_defaults_are_those_of_the_documentation(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL)
    assert config == AgentConfig(
        network="demo",
        host="a1",
        controllers=("198.51.100.11",),
        ca_file=Path("/etc/cladnet/agents/demo.ca.crt"),
        state_dir=Path("/var/lib/cladnet/agents/demo"),
        runtime_dir=Path("/run/cladnet/agents/demo"),
    )
    assert config.socket_path == Path("/run/cladnet/agents/demo/agent.sock")


def test_everything_can_be_said(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        MINIMAL + 'api_port = 1\nagent_port = 2\nstun_port = 3\nca_file = "/c"\nstate_dir = "/s"\n'
        'runtime_dir = "/r"\ndevice = "cn7"\nlisten_port = 4\nmtu = 1300\nworkers = 3\ncopy_dscp = true\n'
        'public_address = "198.51.100.7"\n'
        '[cloud]\nprovider = "aws"\nregion = "r"\nzone = "z"\nvnet = "v"\nsubnet = "s"\n',
    )
    assert (config.api_port, config.agent_port, config.stun_port, config.listen_port) == (1, 2, 3, 4)
    assert (config.device, config.mtu, config.public_address) == ("cn7", 1300, "198.51.100.7")
    assert config.workers_for(cpus=64) == 3
    assert config.copy_dscp
    assert config.cloud == Cloud("aws", "r", "z", "v", "s")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('host = "a1"\n', "'network' is missing"),
        (MINIMAL.replace("demo", "Demo!"), "'Demo!'"),
        (MINIMAL.replace('"a1"', "7"), "'host': expected a text, found 7"),
        (MINIMAL.replace('["198.51.100.11"]', "[]"), "'controllers': expected a list"),
        (MINIMAL.replace('["198.51.100.11"]', '"198.51.100.11"'), "'controllers': expected a list"),
        (MINIMAL + "listen_port = 0\n", "'listen_port': expected a number from 1 to 65535, found 0"),
        (MINIMAL + "agent_port = true\n", "'agent_port': expected a number"),
        (MINIMAL + 'copy_dscp = "yes"\n', "'copy_dscp': expected true or false"),
        (MINIMAL + "mtu = 100\n", "'mtu': expected 0 (automatic), or 576 to 65535"),
        (MINIMAL + 'device = "a-name-that-is-too-long"\n', "'device': expected a device name"),
        (MINIMAL + 'device = "a/b"\n', "'device': expected a device name"),
        (MINIMAL + 'public_address = "here"\n', "'public_address': expected an IP address"),
        (MINIMAL + 'state_dir = "state"\n', "'state_dir': expected an absolute path"),
        (MINIMAL + 'cloud = "aws"\n', "'cloud': expected a table [cloud]"),
        (MINIMAL + "[cloud]\nprovider = 1\n", "'cloud.provider': expected a text"),
        (MINIMAL + '[cloud]\nplace = "x"\n', "unknown key 'cloud.place'"),
        (MINIMAL + "listenport = 1\n", "unknown key 'listenport'"),
        ("network = \n", "is no TOML file"),
    ],
)
def test_complaint_names_file_key_and_what_is_expected(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, text)
    assert complaint in str(caught.value)
    assert str(tmp_path / "demo.toml") in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nothing\.toml does not exist"):
        load_config(tmp_path / "nothing.toml")


@pytest.mark.parametrize(("cpus", "workers"), [(1, 1), (2, 1), (3, 1), (4, 2), (16, 8), (192, 8)])
def test_workers_by_the_number_of_cpus(tmp_path: Path, cpus: int, workers: int):
    assert load(tmp_path, MINIMAL).workers_for(cpus) == workers

# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At which address a machine is reached, through which bastion, and with which arguments of ssh."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.bastion import Bastion
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.bastions import (
    MOST_OF_A_PLACE,
    Bastions,
    JumpHost,
    bastion_of_all,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.fetch import Fetched
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.host_keys import (
    alias,
    write_known_hosts,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.key_files import KeyFiles
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.overlay import (
    overlay_addresses,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.routes import (
    Route,
    Router,
    needs_bastion,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.ssh_variables import (
    SshVariables,
)


def vm(vm_id: str, public: str = "", *, vnet: str = "v", subnet: str = "s", status: str = "Running") -> Vm:
    return Vm("n", "i", vm_id, status, public, f"10.0.0.{ord(vm_id[0])}", vnet=vnet, subnet=subnet)


TARGET = vm("t-1")
PUBLIC = vm("p-1", "198.51.100.1")
NEIGHBOUR = vm("q-1", "198.51.100.2")
SAME_VNET = vm("r-1", "198.51.100.3", subnet="other")
STRANGER = vm("s-1", "198.51.100.4", vnet="other")
STOPPED = vm("u-1", "198.51.100.5", status="Suspended")


def registered(machine: Vm, *, manual: bool = True) -> Bastion:
    return Bastion("n", "v", "s", machine.path, manual=manual)


@pytest.mark.parametrize(
    ("fetched", "expected"),
    [
        (Fetched([TARGET, STRANGER]), None),
        (Fetched([TARGET, STRANGER, SAME_VNET]), SAME_VNET),
        (Fetched([TARGET, SAME_VNET, NEIGHBOUR]), NEIGHBOUR),
        (Fetched([TARGET, NEIGHBOUR, STRANGER], [registered(STRANGER, manual=False)]), STRANGER),
        (
            Fetched(
                [TARGET, NEIGHBOUR, STRANGER], [registered(STRANGER, manual=False), registered(NEIGHBOUR)]
            ),
            NEIGHBOUR,
        ),
        (Fetched([TARGET], [registered(STRANGER)], [STRANGER]), STRANGER),
        (Fetched([TARGET, STOPPED], [registered(STOPPED)]), None),
        (Fetched([TARGET, SAME_VNET], [registered(vm("gone-1"))]), SAME_VNET),
    ],
)
def test_bastion_of_a_machine(fetched: Fetched, expected: Vm | None) -> None:
    assert Bastions(fetched).of(TARGET) == expected


def test_many_bastions_share_the_machines_and_keep_them() -> None:
    jumps = [vm(f"p-{number}", f"198.51.100.{number}") for number in range(1, 5)]
    targets = [vm(f"t-{number}") for number in range(60)]
    chosen = [Bastions(Fetched([*targets, *jumps])).of(target) for target in targets]
    without_one = [Bastions(Fetched([*targets, *jumps[1:]])).of(target) for target in targets]

    assert set(map(alias, filter(None, chosen))) == set(map(alias, jumps))
    moved = [before for before, after in zip(chosen, without_one, strict=True) if before != after]
    assert moved == [jumps[0]] * len(moved)


def test_a_subnet_is_searched_once_not_for_each_machine() -> None:
    jumps = [vm(f"p-{number}", "198.51.100.1") for number in range(MOST_OF_A_PLACE + 20)]
    bastions = Bastions(Fetched(jumps))

    assert len({bastions.of(vm(f"t-{number}")).id for number in range(400)}) <= MOST_OF_A_PLACE


AUTO = Bastions(Fetched([TARGET, PUBLIC, NEIGHBOUR], [registered(NEIGHBOUR)]))


@pytest.mark.parametrize(
    ("router", "machine", "expected"),
    [
        (Router(), PUBLIC, Route("198.51.100.1")),
        (Router(), TARGET, Route("10.0.0.116", is_public=False)),
        (Router(bastions=AUTO), PUBLIC, Route("198.51.100.1")),
        (Router(bastions=AUTO), TARGET, Route("10.0.0.116", NEIGHBOUR, is_public=False)),
        (Router("private"), PUBLIC, Route("10.0.0.112", is_public=False)),
        (Router("private"), replace(PUBLIC, private_ip=""), Route("198.51.100.1")),
        (Router("private", bastions=AUTO), PUBLIC, Route("10.0.0.112", NEIGHBOUR, is_public=False)),
        (Router("private", bastions=AUTO), NEIGHBOUR, Route("198.51.100.2")),
        (Router(everyone_through=PUBLIC), NEIGHBOUR, Route("198.51.100.2", PUBLIC)),
        (Router("private", everyone_through=PUBLIC), NEIGHBOUR, Route("10.0.0.113", PUBLIC, is_public=False)),
        (Router("private", everyone_through=PUBLIC), PUBLIC, Route("198.51.100.1")),
        (Router("overlay", {"p-1": "172.16.0.1"}), PUBLIC, Route("172.16.0.1")),
        (Router("overlay", {"p-1": "172.16.0.1"}), NEIGHBOUR, Route("198.51.100.2")),
        (Router("overlay", {"t-1": "172.16.0.2"}, PUBLIC), TARGET, Route("172.16.0.2", PUBLIC)),
        (Router("overlay", {}, None, AUTO), TARGET, Route("10.0.0.116", NEIGHBOUR, is_public=False)),
        (Router(), replace(TARGET, private_ip=""), Route("")),
    ],
)
def test_routes(router: Router, machine: Vm, expected: Route) -> None:
    assert router.route(machine.id, machine) == expected


@pytest.mark.parametrize(
    ("machine", "connect_with", "expected"),
    [
        (PUBLIC, "public", False),
        (PUBLIC, "private", True),
        (TARGET, "public", True),
        (TARGET, "overlay", True),
    ],
)
def test_who_needs_a_bastion(machine: Vm, connect_with: str, expected: bool) -> None:
    assert needs_bastion(machine, connect_with) is expected


def test_a_bastion_that_was_not_found_is_noticed() -> None:
    lonely = Router(bastions=Bastions(Fetched([TARGET])))

    assert lonely.lacks_bastion(lonely.route("t-1", TARGET))
    assert not lonely.lacks_bastion(lonely.route("p-1", PUBLIC))
    assert not Router().lacks_bastion(Router().route("t-1", TARGET))


TWIN = replace(PUBLIC, infra="j")


@pytest.mark.parametrize("text", ["p-1.i", "p-1.i.n"])
def test_bastion_of_all_by_id(text: str) -> None:
    assert bastion_of_all(text, [TARGET, PUBLIC, TWIN]) == PUBLIC


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("p-1", "is the id of p-1.i.n, p-1.j.n"),
        ("x-1", "is the id of no VM"),
        ("t-1", "has no public address"),
        ("", "is the id of no VM"),
        ("ssh://", "no address like"),
        ("ssh://-oProxyCommand=x", "no address like"),
        ("ssh://-x@host", "no address like"),
        ("ssh://me:secret@host", "no address like"),
        ("ssh://a b", "no address like"),
        ("ssh://host:port", "no address like"),
        ("ssh://host/path", "no address like"),
        ("ssh://$(id)@host", "no address like"),
    ],
)
def test_bastions_that_are_none(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        bastion_of_all(text, [TARGET, PUBLIC, TWIN])
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ssh://jump", JumpHost("jump")),
        ("ssh://ops@jump.example:2222", JumpHost("jump.example", "ops", 2222)),
        ("ssh://[2001:db8::1]", JumpHost("2001:db8::1")),
    ],
)
def test_jump_hosts(text: str, expected: JumpHost) -> None:
    assert bastion_of_all(text, []) == expected


# --- variables of ssh ---

KEY = "ecdsa-sha2-nistp256 AAAAE2VjZHNh="


def variables(
    machine: Vm, route: Route, directory: Path, fetched: Fetched | None = None
) -> dict[str, object]:
    files = KeyFiles(directory)
    known = write_known_hosts(fetched, files) if fetched else {}
    return SshVariables(files, "", known).of(machine, route)


def test_a_public_machine_needs_no_arguments(tmp_path: Path) -> None:
    machine = replace(PUBLIC, key_file="n.k.pem", ssh_user="ubuntu", ssh_port=2222)

    assert variables(machine, Route("198.51.100.1"), tmp_path) == {
        "ansible_host": "198.51.100.1",
        "ansible_port": 2222,
        "ansible_user": "ubuntu",
        "ansible_ssh_private_key_file": str(tmp_path / "n.k.pem"),
    }


def test_user_of_all(tmp_path: Path) -> None:
    assert SshVariables(KeyFiles(tmp_path), "root", {}).of(PUBLIC, Route("x"))["ansible_user"] == "root"
    assert variables(PUBLIC, Route("x"), tmp_path)["ansible_user"] == "cb-user"


def test_machines_with_one_private_address_share_nothing(tmp_path: Path) -> None:
    twin = replace(TARGET, infra="j")
    route = Route(TARGET.private_ip, is_public=False)
    one, other = variables(TARGET, route, tmp_path), variables(twin, route, tmp_path)

    assert one["ansible_host"] == other["ansible_host"]
    assert one["ansible_control_path"] != other["ansible_control_path"]
    assert str(one["ansible_control_path"]).startswith("%(directory)s/")
    assert one["ansible_ssh_common_args"] == "-o HostKeyAlias=t-1.i.n"


def proxy_words(found: dict[str, object]) -> list[str]:
    """The words of the bastion's command, as the shell gets them after ssh replaced its tokens."""
    options = shlex.split(str(found["ansible_ssh_common_args"]))
    (command,) = [option for option in options if option.startswith("ProxyCommand=")]
    tokens = {"%h": "10.0.0.9", "%p": "22", "%%": "%"}
    return shlex.split(re.sub("%.", lambda token: tokens[token[0]], command.removeprefix("ProxyCommand=")))


def test_bastion_has_its_own_login(tmp_path: Path) -> None:
    jump = replace(PUBLIC, key_file="n.jump.pem", ssh_user="ops", ssh_port=2222)
    found = variables(TARGET, Route("10.0.0.9", jump, is_public=False), tmp_path)
    words = proxy_words(found)

    assert words[0] == "ssh"
    assert words[-3:] == ["198.51.100.1", "-W", "[10.0.0.9]:22"]
    assert words[words.index("-i") + 1] == str(tmp_path / "n.jump.pem")
    assert words[words.index("-l") + 1] == "ops"
    assert words[words.index("-p") + 1] == "2222"
    assert {"BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=accept-new"} <= set(words)
    assert found["ansible_ssh_retries"] == 3


def test_jump_host_of_others(tmp_path: Path) -> None:
    words = proxy_words(variables(TARGET, Route("10.0.0.9", JumpHost("jump", "ops", 2222)), tmp_path))

    assert words[-7:] == ["-p", "2222", "-l", "ops", "jump", "-W", "[10.0.0.9]:22"]


def test_known_host_keys_are_asked_for_by_name(tmp_path: Path) -> None:
    jump = replace(PUBLIC, ssh_host_key=KEY, uid="tb1")
    target = replace(TARGET, ssh_host_key="ssh-rsa AAAA", uid="x y\nz")
    found = variables(
        target, Route("10.0.0.9", jump, is_public=False), tmp_path, Fetched([jump, target, NEIGHBOUR])
    )
    options = shlex.split(str(found["ansible_ssh_common_args"]))
    words = proxy_words(found)

    assert (tmp_path / "n.i.known_hosts").read_text() == f"p-1.i.n.tb1 {KEY}\nt-1.i.n ssh-rsa AAAA\n"
    assert options[1:8:2] == [
        "HostKeyAlias=t-1.i.n",
        "HostKeyAlgorithms=rsa-sha2-512,rsa-sha2-256",
        f'UserKnownHostsFile="{tmp_path / "n.i.known_hosts"}"',
        "StrictHostKeyChecking=yes",
    ]
    assert {"HostKeyAlias=p-1.i.n.tb1", "StrictHostKeyChecking=yes"} <= set(words)
    assert "HostKeyAlgorithms=ecdsa-sha2-nistp256" in words


def test_odd_directories_stay_one_word(tmp_path: Path) -> None:
    odd = tmp_path / "a dir; touch pwned $(id) 100%h 'q'"
    jump = replace(PUBLIC, key_file="k.pem")
    words = proxy_words(variables(TARGET, Route("10.0.0.9", jump, is_public=False), odd))

    assert words[words.index("-i") + 1] == str(odd / "k.pem").replace("%", "%%")


def test_jump_hosts_of_other_infras_do_not_spoil_their_files(tmp_path: Path) -> None:
    jump = replace(PUBLIC, infra="j", ssh_host_key=KEY)
    known = write_known_hosts(Fetched([], [], [jump]), KeyFiles(tmp_path))

    assert known == {jump.path: "n.j.p-1.known_hosts"}
    assert [file.name for file in tmp_path.iterdir()] == ["n.j.p-1.known_hosts"]


def test_nothing_is_written_where_no_key_is_known(tmp_path: Path) -> None:
    assert write_known_hosts(Fetched([TARGET]), KeyFiles(tmp_path / "keys")) == {}
    assert not (tmp_path / "keys").exists()


# --- addresses in the overlay ---


def test_overlay_addresses_of_a_report(tmp_path: Path) -> None:
    hosts = [{"host": "a", "address": "172.16.0.1"}, {"host": "b", "address": None}, {"host": "c"}]
    hosts.append({"host": "d", "address": "172.16.0.4/24"})
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"hosts": hosts, "other": 1}))

    assert overlay_addresses(file) == {"a": "172.16.0.1", "d": "172.16.0.4"}
    assert overlay_addresses(tmp_path / "none.json") == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "{",
        '{"hosts": 1}',
        '{"hosts": [1]}',
        '{"hosts": [{"address": "172.16.0.1"}]}',
        '{"hosts": [{"host": "a", "address": "-oProxyCommand=x"}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_report(tmp_path: Path, text: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(text)

    with pytest.raises(InvalidInput, match=r"no report of a CLADNet.*cladnet_report"):
        overlay_addresses(file)


def test_report_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read: Is a directory"):
        overlay_addresses(tmp_path)

# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests lead to which machines, bastions and keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput, NotFound
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.bastion import Bastion
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.fetch import (
    AUTO,
    MANY_INFRAS,
    STORED,
    Fetched,
    Selection,
    fetch,
    restore_key_files,
    with_keys,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.key_files import KeyFiles
from ansible_collections.cloud_barista.cladnet.tests.unit.plugins.tumblebug_script import (
    NO_ROUTE,
    Script,
    message,
    reply,
)


def fetched(script: Script, selection: Selection, warn: Callable[[str], None] = pytest.fail) -> Fetched:
    return fetch(script.client(), selection, warn)


def test_requests_to_limited_routes_keep_below_two_per_second() -> None:
    infras = [f"i{number}" for number in range(7)]
    script = Script({"/ns/n/infra?option=id": [reply({"output": infras})]})
    script.replies |= {f"/ns/n/infra/{name}": [reply({"node": [{"id": "g-1"}]})] for name in infras}

    fetched(script, Selection(era="infra", namespaces=("n",)))

    times = script.asked_at_s[1:]
    assert all(later - earlier > 1 for earlier, later in zip(times, times[2:], strict=False))
    assert times[-1] < 3.5


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["a/one/g-1", "a/two/g-1", "b/one/g-1"]),
        (Selection(namespaces=("b", "b")), ["b/one/g-1"]),
        (Selection(infras=("one",)), ["a/one/g-1", "b/one/g-1"]),
        (Selection(infras=("a/one", "two")), ["a/one/g-1", "a/two/g-1"]),
    ],
)
def test_selection(selection: Selection, expected: list[str]) -> None:
    found = fetched(two_namespaces(), selection)

    assert ["/".join(vm.path) for vm in found.vms] == expected


def test_selection_of_an_infra_that_does_not_exist() -> None:
    with pytest.raises(NotFound, match=r"no infra three\. There are: a/two, a/one, b/one"):
        fetched(two_namespaces(), Selection(infras=("one", "three")))


def test_nothing_is_said_aloud() -> None:
    said: list[str] = []
    nothing = Script({"/ns?option=id": [reply({"output": None})]})
    empty = Script({"/ns/n/mci?option=id": [reply({"output": ["i"]})], "/ns/n/mci/i": [reply({"vm": None})]})
    bare = Script({"/ns/n/mci?option=id": [reply({"output": None})]})

    assert fetched(nothing, Selection(), said.append) == Fetched()
    for script in (empty, bare):
        assert fetched(script, Selection(era="mci", namespaces=("n", "n")), said.append).vms == []
    assert [text.split(" has ")[1] for text in said] == [
        "no namespace, so there are no hosts.",
        "no VMs in infra n/i.",
        "no VMs in namespace n.",
    ]


def two_namespaces() -> Script:
    machines = reply({"node": [{"id": "g-1"}]})
    return Script(
        {
            "/ns?option=id": [reply({"output": ["a", "b"]})],
            "/ns/a/infra?option=id": [reply({"output": ["two", "one"]})],
            "/ns/b/infra?option=id": [reply({"output": ["one"]})],
            "/ns/a/infra/one": [machines],
            "/ns/a/infra/two": [machines],
            "/ns/b/infra/one": [machines],
        }
    )


def many_infras(stored: object) -> Script:
    """More infras than are asked one by one, and the list of all nodes."""
    ids = [f"i{number}" for number in range(MANY_INFRAS + 1)]
    script = Script({"/ns/n/infra?option=id": [reply({"output": ids})]})
    script.replies["/ns/n/resources/node"] = [stored]
    script.replies |= {f"/ns/n/infra/{name}": [reply({"node": [{"id": "live-1"}]})] for name in ids}
    return script


NODES = reply({"node": [{"id": "stored-1", "infraId": "i1"}, {"id": "stored-1", "infraId": "gone"}]})


@pytest.mark.parametrize(
    ("how", "stored", "names", "requests", "warnings"),
    [
        (AUTO, NODES, {"stored-1"}, 2, 1),
        (STORED, NODES, {"stored-1"}, 2, 0),
        ("live", NODES, {"live-1"}, MANY_INFRAS + 2, 0),
        (AUTO, NO_ROUTE, {"live-1"}, MANY_INFRAS + 3, 0),
    ],
)
def test_many_infras(how: str, stored: object, names: set[str], requests: int, warnings: int) -> None:
    script, said = many_infras(stored), []

    vms = fetched(script, Selection(era="infra", namespaces=("n",), fetch=how), said.append).vms

    assert {vm.id for vm in vms} == names
    assert len(script.asked) == requests
    assert len(said) == warnings
    assert not said or "labels that were changed later may be missing" in said[0]


def test_stored_machines_where_there_are_none() -> None:
    with pytest.raises(InvalidInput, match=r"no list of all nodes.*fetch to live or auto"):
        fetched(many_infras(NO_ROUTE), Selection(era="infra", namespaces=("n",), fetch=STORED))


def test_few_infras_are_always_asked() -> None:
    assert len(fetched(two_namespaces(), Selection(fetch=AUTO)).vms) == 3


VNET = {
    "id": "v",
    "subnetInfoList": [
        {
            "id": "s",
            "bastionNodes": [
                {"infraId": "one", "nodeId": "g-1"},
                {"infraId": "two", "nodeId": "jump-1"},
                {"infraId": "two", "nodeId": "gone-1"},
            ],
        }
    ],
}


def with_bastions() -> Script:
    """Infra one is selected; its subnet's bastions are in both infras, and one is gone."""
    return Script(
        {
            "/ns/n/infra?option=id": [reply({"output": ["one", "two"]})],
            "/ns/n/infra/one": [reply({"node": [{"id": "g-1", "publicIP": "198.51.100.1"}, {"id": "g-2"}]})],
            "/ns/n/resources/vNet": [reply({"vNet": [VNET]})],
            "/ns/n/infra/two/node/jump-1": [reply({"id": "jump-1", "sshKeyId": "key"})],
            "/ns/n/infra/two/node/gone-1": [message("no Node found (ID: gone-1)", 500)],
            "/ns/n/resources/sshKey/key": [reply({"privateKey": "PRIVATE", "username": "ops"})],
        }
    )


def needs(vm: Vm) -> bool:
    return not vm.public_ip


ONE = Selection(era="infra", namespaces=("n",), infras=("one",), needs_bastion=needs)


def test_bastions_are_fetched_with_their_machines(tmp_path: Path) -> None:
    said: list[str] = []
    script = with_bastions()

    found = with_keys(fetched(script, ONE, said.append), script.client(), KeyFiles(tmp_path), said.append)

    assert [bastion.path[2] for bastion in found.bastions] == ["g-1", "jump-1", "gone-1"]
    (jump,) = found.jump_hosts
    assert (jump.path, jump.ssh_user, jump.key_file) == (("n", "two", "jump-1"), "ops", "n.key.pem")
    assert (tmp_path / "n.key.pem").read_text() == "PRIVATE\n"
    assert len(said) == 1
    assert "no Node found (ID: gone-1)" in said[0]


@pytest.mark.parametrize("asks_for", [None, lambda vm: False])
def test_bastions_are_not_fetched_where_nobody_needs_them(asks_for: Callable[[Vm], bool] | None) -> None:
    script = with_bastions()
    selection = Selection(era="infra", namespaces=("n",), infras=("one",), needs_bastion=asks_for)

    assert fetched(script, selection).bastions == []
    assert not any("vNet" in path for path in script.asked)


def test_what_was_fetched_survives_the_cache() -> None:
    found = Fetched(
        [Vm("n", "i", "g-1", labels={"a": "b"}, ssh_port=2222)],
        [Bastion("n", "v", "s", ("n", "i", "g-1"), manual=False)],
        [Vm("n", "j", "jump-1")],
    )

    assert Fetched.from_json(found.to_json()) == found


def test_key_files_that_are_gone_come_back(tmp_path: Path) -> None:
    script = with_bastions()
    vms = [Vm("n", "i", f"g-{number}", ssh_key="key", key_file="n.key.pem") for number in range(3)]
    for _time in range(2):
        restore_key_files(vms, script.client(), KeyFiles(tmp_path))

    assert (tmp_path / "n.key.pem").read_text() == "PRIVATE\n"
    assert script.asked == ["/ns/n/resources/sshKey/key"]

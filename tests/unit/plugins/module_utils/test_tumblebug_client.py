# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked, how often, and what is said when it fails."""

from __future__ import annotations

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import (
    CladnetError,
    InvalidInput,
    NotFound,
    Unauthorized,
    Unavailable,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.bastion import Bastion
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.client import SshKey
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.transport import (
    Reply,
    base_url,
)
from ansible_collections.cloud_barista.cladnet.tests.unit.plugins.tumblebug_script import (
    NO_ROUTE,
    Script,
    message,
    reply,
)


@pytest.mark.parametrize(
    ("replies", "era"),
    [
        ({"infra": reply({"output": None})}, "infra"),
        ({"infra": NO_ROUTE, "mci": reply({"output": ["a"]})}, "mci"),
        ({"infra": NO_ROUTE, "mci": NO_ROUTE, "mcis": reply({"idList": []})}, "mcis"),
        ({"infra": message("Not valid namespace", 404)}, "infra"),
    ],
)
def test_era_is_that_of_the_path_that_exists(replies: dict[str, Reply], era: str) -> None:
    script = Script({f"/ns/ns01/{word}?option=id": [answer] for word, answer in replies.items()})

    assert script.client().detect_era("ns01") == era


def test_no_era() -> None:
    script = Script({f"/ns/ns01/{word}?option=id": [NO_ROUTE] for word in ("infra", "mci", "mcis")})

    with pytest.raises(NotFound, match=r"none of the paths /infra, /mci, /mcis.*TUMBLEBUG_URL"):
        script.client().detect_era("ns01")


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({"output": ["a", "b"]}, ["a", "b"]),
        ({"output": None}, []),
        ({"idList": ["a"]}, ["a"]),
        ({"ns": [{"id": "a", "name": "A"}]}, ["a"]),
    ],
)
def test_lists_of_ids(body: object, ids: list[str]) -> None:
    assert Script({"/ns?option=id": [reply(body)]}).client().namespaces() == ids


ADDRESS_LATE = [
    reply({"node": [{"id": "g-1", "status": "Running", "publicIP": ""}]}),
    reply({"node": [{"id": "g-1", "status": "Running", "publicIP": "198.51.100.7"}]}),
]


def test_running_machine_without_public_address_is_asked_for_once_more() -> None:
    (vm,) = Script({"/ns/n/infra/i": ADDRESS_LATE}).client().vms("infra", "n", "i")

    assert vm.public_ip == "198.51.100.7"


@pytest.mark.parametrize("machines", [None, []])
def test_infra_without_machines(machines: object) -> None:
    assert Script({"/ns/n/mci/i": [reply({"vm": machines})]}).client().vms("mci", "n", "i") == []


@pytest.mark.parametrize(
    ("body", "user"),
    [
        ({"privateKey": "K", "verifiedUsername": "v", "username": "u"}, "v"),
        ({"privateKey": "K", "verifiedUsername": "", "username": "u"}, "u"),
        ({"privateKey": "K"}, ""),
    ],
)
def test_ssh_key(body: object, user: str) -> None:
    script = Script({"/ns/n/resources/sshKey/a+b": [reply(body)]})  # a plus sign must not be encoded

    assert script.client().ssh_key("n", "a+b") == SshKey(user, "K")


def test_secret_is_not_in_the_representation() -> None:
    assert "TOP" not in repr(SshKey("u", "TOP"))


@pytest.mark.parametrize("status", [429, 503])
def test_busy_server_is_asked_again(status: int) -> None:
    busy = message("rate limit exceeded", status)
    script = Script({"/ns?option=id": [busy, busy, reply({"output": ["n"]})]})

    assert script.client().namespaces() == ["n"]
    assert script.asked_at_s == [0, 1, 3]


def test_patience_ends() -> None:
    script = Script({"/ns?option=id": [message("rate limit exceeded", 429)]})

    with pytest.raises(Unavailable, match=r"busy: it still answers 429 \(rate limit exceeded\).*after 20 s"):
        script.client().namespaces()
    assert script.now_s <= 20


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (message("Unauthorized", 401), Unauthorized, ["401", "TUMBLEBUG_PASSWORD"]),
        (message("Not valid namespace", 404), NotFound, ["no namespace n", "Not valid namespace"]),
        (message("The mci i does not exist.", 500), NotFound, ["does not exist"]),
        (message("Not found [/ns/n/mci/i]", 400), NotFound, ["Not found [/ns/n/mci/i]"]),
        (NO_ROUTE, Unavailable, ["404", "option era"]),
        (message("spider is down", 500), Unavailable, ["500", "spider is down"]),
        (
            Reply(302, b"", "https://tb/login"),
            InvalidInput,
            ["redirects to https://tb/login", "TUMBLEBUG_URL"],
        ),
        (Reply(502, b"<html>Bad gateway</html>"), Unavailable, ["502", "<html>Bad gateway"]),
        (Reply(200, b"<html>login</html>"), Unavailable, ["not CB-Tumblebug's", "<html>login", "login page"]),
        (Reply(200, b'{"output": ["a'), Unavailable, ["no JSON object", '{"output": ["a']),
        (Reply(200, b"[" * 100_000), Unavailable, ["no JSON object"]),
        (Reply(200, b"\xff\xfe"), Unavailable, ["no JSON object"]),
        (message("Failed to list namespaces.", 200), Unavailable, ["no list of ids", "Failed to list"]),
        (reply({"output": [{}]}), Unavailable, ["no id"]),
        (reply({"output": "abc"}), Unavailable, ["no list of ids"]),
        (reply({"output": 3}), Unavailable, ["no list of ids"]),
        (reply({"output": ["a/../b"]}), Unavailable, ["'a/../b'", "no id"]),
    ],
)
def test_errors(answer: Reply, error: type[CladnetError], words: list[str]) -> None:
    script = Script({"/ns/n/mci?option=id": [answer]})

    with pytest.raises(error) as caught:
        script.client().infras("mci", "n")
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("body", [{}, {"vm": "x"}, {"node": []}])
def test_infra_without_list_of_machines(body: object) -> None:
    with pytest.raises(Unavailable, match="no list 'vm'"):
        Script({"/ns/n/mci/i": [reply(body)]}).client().vms("mci", "n", "i")


@pytest.mark.parametrize(
    "url", ["http://tb:1323", "http://tb:1323/", "http://tb:1323/tumblebug", "http://tb:1323/tumblebug/"]
)
def test_base_url(url: str) -> None:
    assert base_url(url) == "http://tb:1323/tumblebug"


@pytest.mark.parametrize("url", ["", "tb:1323", "ftp://tb", "http://", "http://tb:port", "http://[::1"])
def test_base_url_of_no_server(url: str) -> None:
    with pytest.raises(InvalidInput, match="not the address of a server"):
        base_url(url)


@pytest.mark.parametrize("url", ["http://me:secret@tb:1323", "ftp://me:secret@tb", "http://tb/?token=secret"])
def test_base_url_keeps_secrets_out_of_messages(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        base_url(url)
    assert "secret" not in str(caught.value)


def test_stored_machines_of_a_namespace() -> None:
    nodes = [{"id": "g-1", "infraId": "a", "sshPort": 2222}, {"id": "g-1", "infraId": "b"}]
    script = Script({"/ns/n/resources/node": [reply({"node": nodes})]})

    found = script.client().stored_vms("n")

    assert [(vm.path, vm.ssh_port) for vm in found] == [(("n", "a", "g-1"), 2222), (("n", "b", "g-1"), 22)]


def test_older_releases_store_no_list_of_machines() -> None:
    assert Script({"/ns/n/resources/node": [NO_ROUTE]}).client().stored_vms("n") is None


@pytest.mark.parametrize("body", [{}, {"node": 1}, {"node": [{"id": "g-1"}]}, {"node": ["g-1"]}])
def test_damaged_list_of_stored_machines(body: object) -> None:
    with pytest.raises(Unavailable):
        Script({"/ns/n/resources/node": [reply(body)]}).client().stored_vms("n")


def test_one_machine() -> None:
    script = Script({"/ns/n/mci/i/vm/g-1": [reply({"id": "g-1", "publicIP": "198.51.100.7"})]})

    assert script.client().vm("mci", ("n", "i", "g-1")).public_ip == "198.51.100.7"


@pytest.mark.parametrize(
    ("subnet", "expected"),
    [
        (
            {"Id": "s", "BastionNodes": [{"mcisId": "i", "vmId": "b"}]},
            [Bastion("n", "v", "s", ("n", "i", "b"))],
        ),
        (
            {"id": "s", "bastionNodes": [{"mciId": "i", "vmId": "b"}]},
            [Bastion("n", "v", "s", ("n", "i", "b"))],
        ),
        (
            {"id": "s", "bastionNodes": [{"nsId": "m", "infraId": "i", "nodeId": "b", "assigned": "auto"}]},
            [Bastion("n", "v", "s", ("m", "i", "b"), manual=False)],
        ),
        ({"id": "s", "bastionNodes": None}, []),
        ({"id": "s", "bastionNodes": [{"infraId": "i"}, {}, None]}, []),
        ("s", []),
    ],
)
def test_bastions_of_any_era(subnet: object, expected: list[Bastion]) -> None:
    body = {"vNet": [{"id": "v", "subnetInfoList": [subnet]}, {"id": "w", "subnetInfoList": None}]}

    assert Script({"/ns/n/resources/vNet": [reply(body)]}).client().bastions("n") == expected


def test_no_vnets() -> None:
    assert Script({"/ns/n/resources/vNet": [reply({"vNet": None})]}).client().bastions("n") == []

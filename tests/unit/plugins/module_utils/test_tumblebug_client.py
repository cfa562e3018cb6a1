# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked, how often, and what is said when it fails."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import (
    CladnetError,
    InvalidInput,
    NotFound,
    Unauthorized,
    Unavailable,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.client import Client, SshKey
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.transport import (
    Reply,
    base_url,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.fetch import (
    Selection,
    fetch_vms,
)


def reply(body: object, status: int = 200, location: str = "") -> Reply:
    return Reply(status, body if isinstance(body, bytes) else json.dumps(body).encode(), location)


def message(text: str, status: int) -> Reply:
    return reply({"message": text}, status)


NO_ROUTE = message("Not Found", 404)


@dataclass
class Script:
    """A transport that replies as written, and the clock of its client."""

    replies: dict[str, Sequence[Reply]]
    base: str = "http://tb/tumblebug"
    now_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    asked_at_s: list[float] = field(default_factory=list)

    def get(self, path: str) -> Reply:
        self.asked.append(path)
        self.asked_at_s.append(self.now_s)
        written = self.replies[path]
        return written[min(self.asked.count(path), len(written)) - 1]

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def client(self) -> Client:
        return Client(self, now=lambda: self.now_s, sleep=self.sleep, patience_s=20)


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


def test_requests_to_limited_routes_keep_below_two_per_second() -> None:
    infras = [f"i{number}" for number in range(7)]
    script = Script({"/ns/n/infra?option=id": [reply({"output": infras})]})
    script.replies |= {f"/ns/n/infra/{name}": [reply({"node": []})] for name in infras}

    fetch_vms(script.client(), Selection(era="infra", namespaces=("n",)))

    times = script.asked_at_s[1:]
    assert all(later - earlier > 1 for earlier, later in zip(times, times[2:], strict=False))
    assert times[-1] < 3.5


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
    ("selection", "expected"),
    [
        (Selection(), ["a/one/g-1", "a/two/g-1", "b/one/g-1"]),
        (Selection(namespaces=("b",)), ["b/one/g-1"]),
        (Selection(infras=("one",)), ["a/one/g-1", "b/one/g-1"]),
        (Selection(infras=("a/one", "two")), ["a/one/g-1", "a/two/g-1"]),
    ],
)
def test_selection(selection: Selection, expected: list[str]) -> None:
    vms = fetch_vms(two_namespaces().client(), selection)

    assert [f"{vm.namespace}/{vm.infra}/{vm.id}" for vm in vms] == expected


def test_selection_of_an_infra_that_does_not_exist() -> None:
    with pytest.raises(NotFound, match=r"no infra three\. There are: a/two, a/one, b/one"):
        fetch_vms(two_namespaces().client(), Selection(infras=("one", "three")))


def test_no_namespaces() -> None:
    assert fetch_vms(Script({"/ns?option=id": [reply({"output": None})]}).client(), Selection()) == []


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

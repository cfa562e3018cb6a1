# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on a network: who should reach whom, what is wrong, and the page that shows it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.cloud_barista.cladnet.plugins.filter.network_report import report as report_filter
from ansible_collections.cloud_barista.cladnet.plugins.filter.network_report_page import page as page_filter
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._report.findings import overlapping
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._report.page import report_page
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._report.report import network_report
from hypothesis import given, settings
from hypothesis import strategies as st

HOSTS = ("a", "b", "c")
CIDR = "10.112.0.0/24"
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def address(host: str) -> str:
    return f"10.112.0.{ord(host[0]) - ord('a') + 1}"


def said(host: str, *, silent: tuple[str, ...] = (), peers: tuple[str, ...] = HOSTS, **changes: Any) -> dict:
    """What a host says that reaches everybody but the silent ones."""
    others = [name for name in peers if name != host]
    status = {
        "host": host,
        "version": "0.2.0",
        "state": "tunneling",
        "reason": "",
        "address": address(host),
        "cidr": CIDR,
        "controller": "198.51.100.11",
        "public_endpoint": "198.51.100.1:8055",
        "mtu": 1420,
        "peers": [
            {"host": name, "address": address(name), "endpoint": "198.51.100.2:8055",
             "rule_endpoint": "198.51.100.2:8055", "last_handshake_age_s": 12.5}
            for name in others
        ],
        **changes,
    }  # fmt: skip
    pairs = [
        {"host": name, "address": address(name), "reachable": name not in silent,
         "rtt_ms": None if name in silent else 1.25}
        for name in others
    ]  # fmt: skip
    ping = {"host": host, "address": address(host), "pairs": pairs}
    return {
        "host": host,
        "enrolled": True,
        "unreachable": False,
        "error": "",
        "release": "0.2.0-abc",
        "status": json.dumps(status),
        "ping": json.dumps(ping),
    }


def known(**changes: dict[str, Any]) -> dict:
    """What a controller knows; changes are those of peers, by host."""
    peers = [
        {"host": host, "address": address(host), "public_key": f"key {host}", "occupied_networks": [],
         "cloud": {"provider": "aws"}, **changes.get(host, {})}
        for host in {**dict.fromkeys(HOSTS), **changes}
    ]  # fmt: skip
    return {"networks": [{"name": "demo", "cidr": CIDR, "description": "for a test"}], "peers": peers}


def health(status: int = 200, **changes: Any) -> dict:
    etcd = {"reachable": status == 200, "cluster_id": "1f", "revision": 7}
    document = {"status": "ok", "name": "a", "version": "0.2.0", "etcd": etcd}
    return {"item": "a", "status": status, "json": document, **changes}


def report(*answers: dict, **changes: Any) -> dict:
    given = {
        "network": "demo",
        "time": "2026-03-14T03:00:00Z",
        "inventory": {host: host for host in HOSTS},
        "asked": HOSTS,
        "known": known(),
        "health": [health()],
    }
    return network_report(answers or tuple(map(said, HOSTS)), **(given | changes))


def kinds(document: dict) -> set[tuple[str, str, str]]:
    return {(each["severity"], each["kind"], each["host"]) for each in document["findings"]}


def test_nothing_is_wrong_with_a_healthy_network() -> None:
    document = report()
    assert document["ok"] is True
    assert document["findings"] == []
    assert (document["pairs"], document["reachable"], document["unreachable"]) == (6, 6, [])
    assert document["cidr"] == CIDR
    assert document["versions"]["agent_version"] == {"0.2.0": ["a", "b", "c"]}
    assert document["controllers"][0]["etcd"] == {"reachable": True, "cluster_id": "1f", "revision": 7}
    assert document["summary"]["text"] == "6 of 6 pairs reach each other over the network demo."
    pair = document["hosts"][0]["pairs"][0]
    assert (pair["host"], pair["endpoint"], pair["path"]) == ("b", "198.51.100.2:8055", "rule")


def test_a_host_that_is_not_reached_is_named_once_with_what_to_do() -> None:
    document = report(said("a", silent=("c",)), said("b", silent=("c",)), said("c"))
    assert document["unreachable"] == ["a to c", "b to c"]
    assert kinds(document) == {("error", "unreachable", "c")}
    (finding,) = document["findings"]
    assert finding["what"] == "is not reached from a, b"
    assert "UDP 8055" in finding["remedy"]
    assert "cladnet explain c" in finding["remedy"]
    assert "Not reached: a to c, b to c." in document["summary"]["text"]


def test_a_member_that_a_host_does_not_know_is_not_reached_either() -> None:
    document = report(said("a", peers=("a", "b")), said("b"), said("c"))
    assert document["unreachable"] == ["a to c"]
    assert (document["pairs"], document["reachable"]) == (6, 5)
    assert [pair["path"] for pair in document["hosts"][0]["pairs"]] == ["rule", "unknown"]


def test_a_suspended_vm_and_a_plain_wireguard_peer_are_no_errors() -> None:
    members = ("a", "b", "c", "laptop")
    document = report(
        *(said(host, peers=members, silent=("c", "laptop")) for host in ("a", "b")),
        inventory={"a": "a", "b": "b"},
        asked=("a", "b"),
        known=known(laptop={"managed": False}),
    )
    assert document["ok"] is True
    assert (document["pairs"], document["reachable"]) == (2, 2)
    assert kinds(document) == {("warning", "not_in_inventory", "c")}
    assert document["not_in_inventory"] == ["c"]


def test_a_host_that_was_taken_down_on_purpose_is_not_expected() -> None:
    answers = (
        said("a", silent=("c",)),
        said("b", silent=("c",)),
        said("c", silent=("a", "b"), state="released"),
    )
    assert report(*answers, known=known(c={"control": {"desired": "down"}}))["ok"] is True
    assert report(*answers)["ok"] is False


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {"host": "c", "unreachable": True, "error": "", "release": "", "status": "", "ping": ""},
            ("error", "no_answer", "c"),
        ),
        (
            {"host": "c", "unreachable": False, "error": "", "release": "", "status": "", "ping": ""},
            ("error", "not_installed", "c"),
        ),
        (
            said("c", state="failed", reason="this host occupies 10.112.0.0/25"),
            ("error", "state", "c"),
        ),
        (said("c", state="degraded", reason="no controller answers"), ("warning", "state", "c")),
        (said("c", version="0.1.0"), ("warning", "versions", "")),
    ],
)
def test_what_hosts_say_becomes_a_finding(answer: dict, expected: tuple[str, str, str]) -> None:
    document = report(said("a"), said("b"), answer)
    assert expected in kinds(document)
    assert document["ok"] is (expected[0] == "warning")


def test_what_ssh_says_is_one_line() -> None:
    said_by_ssh = "Task failed: Failed to connect:\r\nConnection timed out\r"
    silent = {"host": "c", "unreachable": True, "error": said_by_ssh}
    (finding, *_others) = report(said("a"), said("b"), silent)["findings"]
    assert finding["what"] == "did not answer Ansible: Failed to connect: Connection timed out"


def test_a_host_that_fell_out_of_the_play_is_missed() -> None:
    document = report(said("a"), said("b"))
    assert document["no_answer"] == ["c"]
    assert document["ok"] is False


def test_a_host_that_is_only_installed_is_none_of_the_networks_business() -> None:
    image = {**said("c", state="down"), "enrolled": False}
    assert report(
        said("a", peers=("a", "b")), said("b", peers=("a", "b")), image, known=known(c={"managed": False})
    )["ok"]


def test_conflicts_come_from_what_controllers_know() -> None:
    document = report(
        known=known(
            b={"occupied_networks": ["10.112.0.128/25", "fd00::/8", "192.168.0.0/24"]},
            c={"public_key": "key a", "address": address("a")},
        )
    )
    assert [(each["kind"], each["host"]) for each in document["conflicts"]] == [
        ("overlap", "b"),
        ("duplicate", "a"),
        ("duplicate", "a"),
    ]
    assert "10.112.0.128/25" in document["conflicts"][0]["what"]
    assert document["ok"] is False


def test_members_and_inventory_are_compared() -> None:
    document = report(
        said("a", peers=("a", "b")),
        said("b", peers=("a", "b")),
        said("c", peers=("a", "b")),
        known={**known(), "peers": [peer for peer in known()["peers"] if peer["host"] != "c"]},
    )
    assert document["not_in_network"] == ["c"]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([health(503)], ("error", "controller", "a")),
        ([{"item": "a", "unreachable": True, "msg": "timed out"}], ("error", "controller", "a")),
        ([health(), health(item="b", json={"etcd": {"cluster_id": "2e"}})], ("error", "controller", "")),
        ([], ("warning", "controller", "")),
    ],
)
def test_controllers_are_judged(answers: list[dict], kind: tuple[str, str, str]) -> None:
    assert kind in kinds(report(health=answers))


def test_without_any_controller_pairs_are_still_reported() -> None:
    document = report(known={"skipped": True}, health=[{"item": "a", "status": -1, "msg": "refused"}])
    assert (document["cidr"], document["pairs"], document["reachable"]) == (CIDR, 6, 6)
    assert kinds(document) == {("error", "controller", "a")}


def test_the_limit_is_not_the_network() -> None:
    document = report(said("b"), asked=("b",))
    assert document["ok"] is True
    assert (document["pairs"], document["summary"]["hosts"]) == (2, 1)


def test_names_in_the_inventory_may_differ_from_those_in_the_network() -> None:
    document = report(
        inventory={f"{host}.example": host for host in HOSTS}, asked=[f"{host}.example" for host in HOSTS]
    )
    assert document["ok"] is True


def test_a_text_is_not_endless() -> None:
    everybody = tuple(f"h{number:03}" for number in range(100))
    document = report(
        inventory=dict(zip(everybody, everybody, strict=True)), asked=everybody, known={}, health=[health()]
    )
    assert len(document["no_answer"]) == 100
    assert "There are 80 more" in document["summary"]["text"]


@pytest.mark.parametrize("garbage", ["", "not json", "[1]", '{"peers": null}', "null"])
def test_a_host_may_say_anything(garbage: str) -> None:
    document = report(said("a"), said("b"), {**said("c"), "status": garbage, "ping": garbage})
    assert document["ok"] is False
    assert report_page(document)


def test_what_is_no_network_overlaps_nothing() -> None:
    assert overlapping("unknown", ["10.0.0.0/8"]) == []
    assert overlapping(CIDR, ["nonsense", "10.112.0.77", "10.112.1.0/24", "::/0"]) == ["10.112.0.77"]


@pytest.mark.parametrize("wrong", [lambda: report_filter([{}], network="demo"), lambda: page_filter({})])
def test_filters_say_what_they_want(wrong: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"cloud_barista\.cladnet"):
        wrong()


class Page(HTMLParser):
    """Collects tags, attributes and text; asserts that elements are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_shows_everything_and_needs_nothing() -> None:
    page = Page(report_page(report(said("a", silent=("c",)), said("b"), said("c"))))
    shown = " ".join(page.text)
    for text in (
        CIDR,
        "5 of 6 pairs",
        "is not reached from a",
        "1.25",
        "198.51.100.2:8055",
        "0.2.0-abc",
        "rule",
    ):
        assert text in shown
    assert not {"script", "img", "link", "iframe", "object"} & set(page.tags)
    assert {name for _tag, name, _value in page.attributes} <= {
        "charset",
        "name",
        "content",
        "http-equiv",
        "class",
        "lang",
    }
    assert not re.search(r"url\(|@import|https?:", report_page(report()))


@given(st.text(), st.text())
@settings(max_examples=40, deadline=None)
def test_whatever_a_host_says_is_text(reason: str, label: str) -> None:
    hostile = f"<script>alert('{reason}')</script>\"'&{label}"
    document = report(
        said("a", state="failed", reason=hostile, version=hostile, public_endpoint=hostile),
        said("b"),
        said("c"),
        known=known(a={"cloud": {"provider": hostile, "region": hostile}}),
        network="demo",
    )
    page = Page(report_page({**document, "description": hostile, "network": hostile}))
    assert "script" not in page.tags
    assert {value for _tag, name, value in page.attributes if name == "class"} <= {
        "scroll", "verdict good", "verdict bad", "good", "bad", "warn", "faint", "number", "number faint",
    }  # fmt: skip


def test_a_big_network_leaves_the_matrix_out() -> None:
    everybody = tuple(f"h{number:03}" for number in range(61))
    document = report(
        *(said(host, peers=everybody) for host in everybody),
        inventory=dict(zip(everybody, everybody, strict=True)),
        asked=everybody,
        known={},
    )
    assert "Left out, for there are 61 hosts" in report_page(document)

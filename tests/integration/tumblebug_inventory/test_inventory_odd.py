# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Odd data and odd servers: a correct inventory or one clear sentence, and never silently nothing."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

import pytest

from lab.tumblebug.answers import Answer, Request
from lab.tumblebug.era import ERAS, INFRA
from lab.tumblebug.estate import Namespace
from lab.tumblebug.server import running
from tests.integration.tumblebug_inventory.ansible_inventory import Ansible, Result, serving
from tests.integration.tumblebug_inventory.test_inventory_errors import assert_says
from tests.unit.lab.tumblebug.tumblebug_bench import estate, infra, machine
from tests.unit.plugins.https_server import https_server

NODE = {"id": "g-1", "status": "Running", "publicIP": "198.51.100.7"}


@dataclass
class Documents:
    """Answers with these documents, by path; everything else does not exist."""

    bodies: Mapping[str, object]
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        self.asked.append(request.path)
        if request.path not in self.bodies:
            return Answer({"message": "Not Found"}, 404)
        return Answer(self.bodies[request.path])


@contextmanager
def documents(*nodes: object, **infras: object) -> Iterator[str]:
    """One namespace with an infra of these nodes, or several infras; gives the URL."""
    infras = infras or {"i": {"node": list(nodes)}}
    bodies = {"/ns": {"output": ["n"]}, "/ns/n/infra": {"output": list(infras)}}
    bodies |= {f"/ns/n/infra/{name}": body for name, body in infras.items()}
    with running(Documents(bodies)) as url:
        yield url


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"sshPort": ""}, {"ansible_port": 22}),
        ({"sshPort": 0}, {"ansible_port": 22}),
        ({"sshPort": None}, {"ansible_port": 22}),
        ({"sshPort": "2222"}, {"ansible_port": 2222}),
        ({"label": None}, {"tumblebug_labels": {}}),
        ({"label": ""}, {"tumblebug_labels": {}}),
        ({"label": {"부서": "개발"}}, {"tumblebug_labels": {"부서": "개발"}}),
        ({"label": {"count": 3, "none": None}}, {"tumblebug_labels": {"count": "3", "none": ""}}),
        ({"connectionConfig": {"providerName": "NewCloud"}}, {"tumblebug_provider": "newcloud"}),
        ({"connectionConfig": None, "location": None}, {"tumblebug_provider": ""}),
        ({"description": "한글 ümläut 🙂"}, {"tumblebug_description": "한글 ümläut 🙂"}),
        ({"region": {"region": "us", "zone": "N/A"}}, {"tumblebug_region": "us", "tumblebug_zone": ""}),
        ({"region": {"Region": "us", "Zone": "a"}}, {"tumblebug_zone": "a"}),
        ({"publicIP": "2001:DB8::7"}, {"ansible_host": "2001:db8::7"}),
        ({"sshHostKeyInfo": {"keyType": "x\n*", "hostKey": 1}}, {"tumblebug_ssh_host_key": ""}),
        ({"futureKey": {"a": [1]}}, {"ansible_host": "198.51.100.7"}),
    ],
    ids=str,
)
def test_odd_machines(ansible: Ansible, fields: dict, expected: dict) -> None:
    with documents(NODE | fields) as url:
        found = ansible.inventory(url=url)

    host = found.hostvars["g-1"]
    assert {key: host[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (None, "a machine of n/i that itself is None, which is not an object"),
        ([], "which is not an object"),
        ({}, "the id of a machine of n/i is '', which is no id"),
        ({"id": "../x"}, "which is no id"),
        (NODE | {"publicIP": "-oProxyCommand=id"}, "machine g-1 of n/i that publicIP is '-oProxyCommand=id'"),
        (NODE | {"sshPort": "ssh"}, "that sshPort is 'ssh', which is not a port"),
        (NODE | {"sshPort": 70000}, "that sshPort is '70000', which is not a port"),
        (NODE | {"label": [1]}, "that label is [1], which is not text"),
        (NODE | {"region": "us"}, "which is not an object"),
        (NODE | {"status": {}}, "that status is {}, which is not text"),
    ],
    ids=str,
)
def test_damaged_machines(ansible: Ansible, node: object, words: str) -> None:
    with documents(node) as url:
        assert_says(ansible.inventory(url=url), words)


def test_two_machines_with_one_id_in_one_infra(ansible: Ansible) -> None:
    with documents(NODE, NODE) as url:
        assert_says(ansible.inventory(url=url), "VMs n/i/g-1 and n/i/g-1 would both be the host")


def test_ten_thousand_machines(ansible: Ansible) -> None:
    nodes = [
        NODE | {"id": f"g{number % 50}-{number}", "publicIP": f"10.{number >> 8}.{number & 255}.7"}
        for number in range(10_000)
    ]
    with documents(*nodes) as url:
        found = ansible.inventory(url=url, cladnet_agents="all")

    assert len(found.json["cladnet_agents"]["hosts"]) == len(found.hostvars) == 10_000


@pytest.mark.parametrize(("real", "forced"), list(permutations(ERAS, 2)))
def test_wrong_era(ansible: Ansible, real: str, forced: str) -> None:
    with serving(ERAS[real], estate()) as served:
        assert_says(ansible.inventory(url=served.url, era=forced), "answers 404", "Is the option era right?")


def assert_empty(result: Result, *words: str) -> None:
    assert result.hostvars == {}
    assert all(word in result.words for word in words), result.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"namespaces": ["empty"]}, "CB-Tumblebug has no VMs in namespace empty."),
        ({"statuses": ["Suspended"]}, "Of 3 VMs none becomes a host: statuses (Suspended) leaves out 3."),
        ({"labels": "tier=none"}, "Of 3 VMs none becomes a host: labels (tier=none) leaves out 3."),
        ({"filter": "labels.tier == 'none'"}, "filter (labels.tier == 'none') leaves out 3."),
    ],
)
def test_nothing_is_never_silent(ansible: Ansible, options: dict[str, object], words: str) -> None:
    with serving(INFRA, estate()) as served:
        assert_empty(ansible.inventory(**({"url": served.url} | options)), words)


def test_no_namespaces(ansible: Ansible) -> None:
    with serving(INFRA, {}) as served:
        assert_empty(ansible.inventory(url=served.url), "CB-Tumblebug has no namespace")


def test_infra_without_machines(ansible: Ansible) -> None:
    with documents(i={"node": None}) as url:
        assert_empty(ansible.inventory(url=url), "CB-Tumblebug has no VMs in infra n/i.")


def test_variables_of_the_environment_that_are_empty_select_nothing_away(ansible: Ansible) -> None:
    ansible.environment = {"TUMBLEBUG_NAMESPACES": "", "TUMBLEBUG_INFRAS": " ", "TUMBLEBUG_LABELS": ""}
    with serving(INFRA, estate()) as served:
        assert len(ansible.inventory(url=served.url).hostvars) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"namespcaes": ["ns01"]}, ["sets namespcaes, which is no option", "Is it namespaces?"]),
        ({"tags": "x"}, ["sets tags, which is no option", "ansible-doc -t inventory"]),
        ({"labels": "tier in web"}, ["labels holds 'tier in web'", "key in (a,b)"]),
        ({"filter": "tier =="}, ["filter is no JMESPath expression"]),
        ({"hostname": "web"}, ["would both be the host web", "option hostname"]),
        ({"hostname": "{{ tumblebug_labels.tier | default('') }}"}, ["is '', which no host can have"]),
        ({"hostname": "{{ nothing }}"}, ["hostname cannot be rendered for VM default/mix/g1-1", "undefined"]),
        ({"bastion": "none-1"}, ["bastion is 'none-1', which is the id of no VM"]),
        ({"bastion": "ssh://me:s3cret@jump"}, ["bastion is no address like ssh://user@host:port"]),
        ({"connect_with": "overlay"}, ["overlay_report is not set", "cladnet_report"]),
        ({"connect_with": "overlay", "overlay_report": "/dev/null"}, ["/dev/null is no report of a CLADNet"]),
        ({"hostvars_prefix": "tb-"}, ["hostvars_prefix is 'tb-'"]),
        ({"cladnet_controllers": "all", "cladnet_controllers_count": 2}, ["is 2", "odd number"]),
        ({"cladnet_controllers": "all", "cladnet_controllers_count": 5}, ["is 5", "only 3 VMs"]),
        ({"cladnet_controllers_count": 3}, ["cladnet_controllers is none"]),
        ({"fetch": "stored", "era": "mci"}, ["answers 404"]),
        ({"connect_with": "publicly"}, ["connect_with", "publicly"]),
        ({"timeout": "soon"}, ["timeout", "soon"]),
    ],
    ids=str,
)
def test_options_that_cannot_be(ansible: Ansible, options: dict[str, object], words: list[str]) -> None:
    with serving(INFRA, estate()) as served:
        assert_says(ansible.inventory(**({"url": served.url} | options)), *words)


def test_two_sources_never_make_one_host_of_two_machines(ansible: Ansible) -> None:
    one = {"a": Namespace("a", {"i": infra("i", [machine("g-1")])})}
    two = {"b": Namespace("b", {"i": infra("i", [machine("g-1")])})}
    with serving(INFRA, one) as first, serving(INFRA, two) as second:
        files = []
        for served in (first, second):
            ansible.write(url=served.url)
            files += ["-i", str(ansible.file.rename(ansible.folder / f"{len(files)}.tumblebug.yml"))]
        result = ansible.run(*files, "--list")
        same = ansible.run(*files[:2], *files[:2], "--list")

    assert_says(result, "Another inventory source has a VM that is the host g-1, too: a/i/g-1", "hostname")
    assert sorted(same.hostvars) == ["g-1"]


# --- servers ---


@contextmanager
def connections(treat: Callable[[socket.socket], None]) -> Iterator[str]:
    """Accepts connections and treats each so; gives the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, treat), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _accept(listener: socket.socket, treat: Callable[[socket.socket], None]) -> None:
    open_connections = []
    while True:
        try:
            connection, _client = listener.accept()
        except OSError:
            break
        open_connections.append(connection)
        treat(connection)
    for connection in open_connections:
        connection.close()


def reset(connection: socket.socket) -> None:
    """Reads the request and sends a reset."""
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def be_silent(connection: socket.socket) -> None:
    """Says nothing."""


def stop_half_way(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"output"')


def talk_nonsense(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    connection.close()


@pytest.mark.parametrize(
    ("treat", "words"),
    [
        (reset, "reset by peer"),
        (be_silent, "timed out"),
        (stop_half_way, "timed out"),
        (talk_nonsense, "SSH-2.0"),
    ],
)
def test_servers_that_misbehave(ansible: Ansible, treat: Callable[[socket.socket], None], words: str) -> None:
    with connections(treat) as url:
        result = ansible.inventory(url=url, timeout=1)

    assert_says(result, f"CB-Tumblebug at {url}/tumblebug does not answer", words, "TUMBLEBUG_URL")


def test_busy_for_ever(ansible: Ansible) -> None:
    class Busy:
        def answer(self, _request: Request) -> Answer:
            return Answer({"message": "rate limit exceeded"}, 429)

    with running(Busy()) as url:
        result = ansible.inventory(url=url, retry_timeout=2)

    assert_says(result, "still answers 429 (rate limit exceeded)", "after 2 s", "cache the inventory")


def test_certificates(ansible: Ansible, tmp_path: Path) -> None:
    with https_server(tmp_path) as server:
        server.answers["GET", "/tumblebug/ns?option=id"] = (200, {"output": None})
        unknown = ansible.inventory(url=server.url)
        trusted = ansible.inventory(url=server.url, ca_path=str(server.ca_path), token="s3cret")
        careless = ansible.inventory(url=server.url, validate_certs=False)

    assert_says(unknown, "CERTIFICATE_VERIFY_FAILED", "does not answer")
    for result in (trusted, careless):
        assert_empty(result, "CB-Tumblebug has no namespace")
    assert [request["authorization"][:6] for request in server.requests] == ["Bearer", "Basic "]


# --- where addresses and caches come from ---


def test_addresses_in_the_overlay(ansible: Ansible) -> None:
    report = ansible.folder / "report.json"
    options = {"connect_with": "overlay", "overlay_report": str(report)}
    with serving(INFRA, estate()) as served:
        before = ansible.inventory(url=served.url, **options)
        report.write_text('{"hosts": [{"host": "g1-1", "address": "172.16.0.1"}, {"host": "new"}]}')
        after = ansible.inventory(url=served.url, **options)

    assert before.hostvars["g1-1"]["ansible_host"] == "198.51.100.10"
    assert "tells no overlay address" in before.words
    assert [after.hostvars[name]["ansible_host"] for name in ("g1-1", "g1-2")] == [
        "172.16.0.1",
        "198.51.100.11",
    ]


CHANGES = [
    {"bastion": "none"},
    {"connect_with": "private"},
    {"fetch": "stored"},
    {"fetch": "live"},
    {"ssh_keys": False},
    {"era": "infra"},
    {"namespaces": ["default"]},
    {"infras": ["mix"]},
    {"username": "default", "url": "same"},
]
"""Each decides what is fetched, but for the last, which changes nothing."""


def test_a_change_of_what_is_fetched_is_never_answered_from_the_cache(ansible: Ansible) -> None:
    cache = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(ansible.cache),
    }
    asked = []
    with serving(INFRA, estate()) as served:
        ansible.inventory(url=served.url, **cache)
        for change in CHANGES:
            before = len(served.asked)
            ansible.inventory(**(cache | change | {"url": served.url}))
            asked.append(len(served.asked) > before)

    assert asked == [True] * (len(CHANGES) - 1) + [False]


def test_what_only_selects_names_and_connects_is_answered_from_the_cache(ansible: Ansible) -> None:
    options = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(ansible.cache),
    }
    choices = {
        "labels": "tier=web",
        "filter": "provider == 'aws'",
        "hostname": "{{ tumblebug_id }}.{{ tumblebug_provider }}",
        "cladnet_agents": "all",
        "cladnet_controllers": "all",
        "group_by": ["region"],
    }
    with serving(INFRA, estate()) as served:
        ansible.inventory(url=served.url, **options)
        before = len(served.asked)
        found = ansible.inventory(url=served.url, **options, **choices)

    assert len(served.asked) == before
    assert sorted(found.hostvars) == ["g1-1.aws"]
    assert found.json["cladnet_controllers"]["hosts"] == ["g1-1.aws"]


def test_hosts_behind_bastions_are_plain_json_cold_and_from_the_cache(ansible: Ansible) -> None:
    cache = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(ansible.cache),
    }
    with serving(INFRA, estate()) as served:
        cold, warm = (
            ansible.inventory(url=served.url, connect_with="private", **cache) for _time in range(2)
        )

    assert cold.json == warm.json
    assert "__ansible_unsafe" not in cold.stdout
    assert "ProxyCommand" in cold.hostvars["g1-1"]["ansible_ssh_common_args"]
    assert "such as for g2-1. Set bastion to none" in cold.words

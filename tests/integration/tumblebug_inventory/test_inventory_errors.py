# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a user reads when the inventory cannot be had: exit status, one sentence, no traceback, no secret."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from lab.tumblebug.answers import Answer, Request
from lab.tumblebug.era import INFRA, MCI
from lab.tumblebug.estate import Namespace
from lab.tumblebug.server import running
from tests.integration.tumblebug_inventory.ansible_inventory import Ansible, Result, serving
from tests.unit.lab.tumblebug.tumblebug_bench import Clock, estate, infra, machine


def assert_says(result: Result, *words: str) -> None:
    assert result.status != 0, result.stdout
    assert all(word in result.words for word in words), result.stderr
    assert "Traceback" not in result.stderr
    assert "s3cret" not in result.stderr + result.stdout


def test_unreachable(ansible: Ansible) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        result = ansible.inventory(url=url)

    assert_says(
        result, f"CB-Tumblebug at {url}/tumblebug does not answer", "Connection refused", "TUMBLEBUG_URL"
    )


def test_wrong_password(ansible: Ansible) -> None:
    with serving(INFRA, estate()) as served:
        result = ansible.inventory(url=served.url, password="s3cret")

    assert_says(result, "does not accept the login (401 Unauthorized)", "TUMBLEBUG_PASSWORD")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"namespaces": ["none"]}, ["has no namespace none: Not valid namespace"]),
        ({"infras": ["none"]}, ["has no infra none", "There are: default/mix"]),
        ({"era": "mci"}, ["answers 404", "Is the option era right?"]),
        ({"url": "tb:1323"}, ["url is 'tb:1323'", "http://host:1323"]),
        ({"url": "http://me:s3cret@127.0.0.1:1"}, ["options username and password"]),
        (
            {"ssh_key_directory": "/dev/null/keys"},
            ["cannot be written to /dev/null/keys", "ssh_key_directory"],
        ),
    ],
)
def test_wrong_options(ansible: Ansible, options: dict[str, object], words: list[str]) -> None:
    with serving(INFRA, estate()) as served:
        result = ansible.inventory(**({"url": served.url} | options))

    assert_says(result, *words)


def test_no_url(ansible: Ansible) -> None:
    assert_says(ansible.inventory(), "url")


def test_rate_limit_is_kept_to(ansible: Ansible) -> None:
    """Five infras, with the real clock of the server's limiter: no request is refused."""
    many = {f"i{n}": infra(f"i{n}", [machine(f"g{n}-1")]) for n in range(5)}
    with serving(MCI, {"ns01": Namespace("ns01", many)}, clock=RealClock()) as served:
        found = ansible.inventory(url=served.url)

    assert len(found.hostvars) == 5
    assert sum(path.startswith("/ns/ns01/mci/") for path in served.asked) == 5


class RealClock(Clock):
    """The time that passes."""

    def __call__(self) -> float:
        return time.monotonic()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            Answer({"message": "rate limit exceeded"}, 429),
            ["busy", "429 (rate limit exceeded)", "retry_timeout"],
        ),
        (Answer({"message": "no"}, 503), ["busy", "503"]),
        (Answer(None, 302, {"Location": "https://elsewhere/"}), ["redirects to https://elsewhere/"]),
        (Answer("a text"), ["is not CB-Tumblebug's", "no JSON object"]),
        (Answer({"message": "Failed to list namespaces."}), ["no list of ids", "Failed to list namespaces."]),
    ],
)
def test_answers_of_something_else(ansible: Ansible, answer: Answer, words: list[str]) -> None:
    with running(Always(answer)) as url:
        result = ansible.inventory(url=url, retry_timeout=0)

    assert_says(result, *words)


class Always:
    """Answers everything alike."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def answer(self, _request: Request) -> Answer:
        return self._answer


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"Content-Length: 26\r\n\r\n<html>Please log in</html>", ["is not CB-Tumblebug's", "login page"]),
        (b'Content-Length: 17\r\n\r\n{"output": ["ns01', ["is not CB-Tumblebug's", "no JSON object"]),
        (b"Content-Length: 1000\r\n\r\n{", ["does not answer", "IncompleteRead"]),
    ],
    ids=["html", "cut", "broken off"],
)
def test_answers_that_are_no_json(ansible: Ansible, payload: bytes, words: list[str]) -> None:
    with replying(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + payload) as url:
        result = ansible.inventory(url=url)

    assert_says(result, *words)


@contextmanager
def replying(reply: bytes) -> Iterator[str]:
    """Sends these bytes to every connection, whatever it asks; gives the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_reply_to_each, args=(listener, reply), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _reply_to_each(listener: socket.socket, reply: bytes) -> None:
    with suppress(OSError):  # the listener is closed at the end
        while True:
            connection, _client = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)


def test_running_machine_without_address(ansible: Ansible) -> None:
    with serving(MCI, estate(), unaddressed=frozenset({"i-g1-1"})) as served:
        failed = ansible.inventory(url=served.url)
        skipped = ansible.inventory(url=served.url, without_address="skip")

    assert_says(failed, "VM g1-1 of infra default/mix is running but has no address", "set without_address")
    assert sorted(skipped.hostvars) == ["g1-2", "g2-1"]
    assert "VM g1-1 of infra default/mix is running but has no address" in skipped.words


def test_group_names_that_fall_together(ansible: Ansible) -> None:
    both = {
        "a": Namespace("a", {"b-c": infra("b-c", [machine("one-1")])}),
        "a-b": Namespace("a-b", {"c": infra("c", [machine("two-1")])}),
    }
    with serving(INFRA, both) as served:
        found = ansible.inventory(url=served.url, group_by=["infra"])

    assert found.json["tumblebug_infra_a_b_c"]["hosts"] == ["one-1", "two-1"]
    assert "Group tumblebug_infra_a_b_c holds the hosts of several: infra a/b-c, infra a-b/c" in found.words

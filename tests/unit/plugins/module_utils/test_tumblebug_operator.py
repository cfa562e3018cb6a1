# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders go out once, over real sockets, and what comes back is told apart."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import (
    Conflict,
    InvalidInput,
    NotFound,
    Unauthorized,
    Unavailable,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.dialect import dialect_of
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.operator import (
    Operator,
    Place,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.transport import (
    Connection,
    NoReply,
    OpenUrlTransport,
    Reply,
)
from ansible_collections.cloud_barista.cladnet.tests.unit.plugins.https_server import HttpsServer

PLACE = Place(dialect_of("infra"), "ns01", "shop")


@dataclass
class Script:
    """A transport that replies as written, and the clock of its client."""

    replies: list[Reply]
    base: str = "http://tb/tumblebug"
    now_s: float = 0.0
    sent: list[str] = field(default_factory=list)

    def get(self, path: str) -> Reply:
        return self.send("GET", path)

    def send(self, method: str, path: str, body: object = None, *, timeout_s: float | None = None) -> Reply:
        self.sent.append(f"{method} {path}")
        return self.replies[min(len(self.sent), len(self.replies)) - 1]

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def operator(self) -> Operator:
        return Operator(self, now=lambda: self.now_s, sleep=self.sleep, patience_s=20)


def answering(*replies: tuple[int, object]) -> Script:
    return Script([Reply(status, json.dumps(body).encode()) for status, body in replies])


@pytest.mark.parametrize("status", [200, 201, 202])
def test_order(status: int) -> None:
    script = answering((status, {"id": "x"}))
    assert script.operator().order("POST", "/ns", "make it", body={}) == {"id": "x"}
    assert script.sent == ["POST /ns"]


def test_order_that_came_too_often_is_sent_again() -> None:
    script = answering((429, {"message": "rate limit exceeded"}), (200, {}))
    assert script.operator().order("POST", "/ns", "make it") == {}
    assert len(script.sent) == 2


def test_order_that_always_comes_too_often() -> None:
    script = answering((429, {"message": "rate limit exceeded"}))
    with pytest.raises(Unavailable, match=r"is busy.*try again later"):
        script.operator().order("POST", "/ns", "make it")
    assert script.now_s <= 20


@pytest.mark.parametrize(
    ("status", "message", "error", "words"),
    [
        (502, "Bad Gateway", NoReply, "was asked to make it.*502"),
        (503, "down", NoReply, "503"),
        (504, "late", NoReply, "504"),
        (401, "Unauthorized", Unauthorized, "does not accept the login"),
        (302, "", InvalidInput, "redirects"),
        (
            500,
            "The spec x does not exist.",
            NotFound,
            r"refuses to make it \(500\): The spec x does not exist\.",
        ),
        (400, "The infra shop already exists.", Conflict, "already exists"),
        (404, "Not Found", Conflict, "Is the option era right"),
    ],
)
def test_refused_orders_are_not_repeated(
    status: int, message: str, error: type[Exception], words: str
) -> None:
    script = answering((status, {"message": message}))
    with pytest.raises(error, match=words):
        script.operator().order("POST", "/ns", "make it")
    assert len(script.sent) == 1


def test_missing_infra_and_missing_namespace() -> None:
    assert answering((500, {"message": "The infra shop does not exist."})).operator().infra(PLACE) is None
    status = answering((400, {"message": "Not found [/ns/ns01/infra/shop]"}))
    assert status.operator().infra_status(PLACE) is None
    with pytest.raises(NotFound, match=r"no namespace ns01.*create_namespace"):
        answering((404, {"message": "Not valid namespace"})).operator().infra(PLACE)


@pytest.mark.parametrize("body", [[], "x", {"node": "x"}, {"message": "?"}])
def test_answers_that_are_no_infra(body: object) -> None:
    with pytest.raises(Unavailable, match="is not CB-Tumblebug's"):
        answering((200, body)).operator().infra(PLACE)


def test_dialect_is_looked_up_only_where_it_matters() -> None:
    script = answering((200, {"paths": {"/recommendSpec": {}}}))
    assert script.operator().dialect("infra").era == "infra"
    assert script.operator().dialect("mcis").era == "mcis"
    assert script.sent == []
    assert script.operator().dialect("mci").groups_key == "subGroups"
    assert script.sent == ["GET /api/doc.json"]


@pytest.mark.parametrize("reply", [(404, {"message": "Not Found"}), (200, "x"), (200, {"paths": None})])
def test_dialect_without_a_document(reply: tuple[int, object]) -> None:
    assert answering(reply).operator().dialect("mci") == dialect_of("mci")


def test_requests_that_are_remembered() -> None:
    entry = {"status": "Handling"}
    assert answering((200, {"requests": [entry, "x"]})).operator().requests("Handling", "/p") == [entry]
    assert answering((200, {"requests": None})).operator().requests("Handling", "/p") == []
    assert answering((404, {"message": "Not Found"})).operator().requests("Handling", "/p") is None


def test_paths() -> None:
    old = Place(dialect_of("mcis"), "ns01", "shop")
    assert PLACE.vm_path("web-1") == "/ns/ns01/infra/shop/node/web-1"
    assert old.group_path("web") == "/ns/ns01/mcis/shop/subgroup/web"
    assert old.control_path("suspend", "web-1") == "/ns/ns01/control/mcis/shop/vm/web-1?action=suspend"
    assert PLACE.control_path("refine") == "/ns/ns01/control/infra/shop?action=refine"
    assert old.command_path == "/ns/ns01/cmd/mcis/shop"


# --- the transport, over sockets ---


def transport(url: str, **options: object) -> OpenUrlTransport:
    return OpenUrlTransport(url, Connection(username="me", password="s3cret", **options))  # type: ignore[arg-type]


def test_request_with_a_body(server: HttpsServer) -> None:
    server.answers["POST", "/tumblebug/ns"] = (201, {"id": "x"})
    reply = transport(server.url, ca_path=str(server.ca_path)).send("POST", "/ns", {"name": "x"})
    assert (reply.status, json.loads(reply.body)) == (201, {"id": "x"})
    (request,) = server.requests
    assert request["body"] == {"name": "x"}
    assert request["authorization"].startswith("Basic ")


def test_what_could_not_be_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(Unavailable, match="Connection refused") as raised:
            transport(url).send("POST", "/ns", {})
    assert not isinstance(raised.value, NoReply)


def test_untrusted_server_has_got_nothing(server: HttpsServer) -> None:
    with pytest.raises(Unavailable, match="certificate") as raised:
        transport(server.url).send("POST", "/ns", {})
    assert not isinstance(raised.value, NoReply)
    assert server.requests == []


@contextmanager
def listening(reply: bytes | None) -> Iterator[str]:
    """A server that reads a request, sends these bytes and hangs up; with None it says nothing for long."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve_one, args=(listener, reply), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _serve_one(listener: socket.socket, reply: bytes | None) -> None:
    with suppress(OSError):
        connection, _client = listener.accept()
        with connection:
            connection.recv(65536)
            if reply is None:
                listener.accept()  # until the test is over
            else:
                connection.sendall(reply)


@pytest.mark.parametrize(
    "reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"nonsense\r\n\r\n", None]
)
def test_lost_replies(reply: bytes | None) -> None:
    began_s = time.monotonic()
    with listening(reply) as url, pytest.raises(NoReply):
        transport(url).send("POST", "/ns", {}, timeout_s=0.3)
    assert time.monotonic() - began_s < 3

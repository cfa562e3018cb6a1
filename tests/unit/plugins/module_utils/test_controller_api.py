# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The client of the REST API against a real HTTPS server: what it sends, what becomes of failures."""

from __future__ import annotations

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._controller_api import (
    Connection,
    ControllerApi,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import (
    Conflict,
    Exhausted,
    InvalidInput,
    NotFound,
    Unauthorized,
    Unavailable,
)

DEMO = {"name": "demo", "cidr": "10.112.0.0/24", "peers": 0}


@pytest.fixture
def api(server) -> ControllerApi:
    return ControllerApi(Connection(server.url, "secret", ca_path=str(server.ca_path)))


def refusal(code: str, message: str = "no", hint: str = "") -> dict:
    return {"error": {"code": code, "message": message, "hint": hint}}


def test_requests(server, api) -> None:
    server.answers = {
        ("GET", "/v1/networks"): (200, {"networks": [DEMO]}),
        ("GET", "/v1/networks/demo"): (200, DEMO),
        ("POST", "/v1/networks"): (201, DEMO),
        ("PATCH", "/v1/networks/demo"): (200, DEMO),
        ("DELETE", "/v1/networks/demo?force=true"): (204, b""),
        ("DELETE", "/v1/networks/demo"): (204, b""),
        ("GET", "/v1/networks/demo/peers"): (200, {"peers": [{"host": "a1"}]}),
        ("POST", "/v1/networks/demo/enrolments"): (201, {"token": "t", "expires_in_s": 600}),
    }
    assert api.networks() == [DEMO]
    assert api.network("demo") == DEMO
    assert api.create_network({"name": "demo"}) == DEMO
    assert api.update_network("demo", {"mtu": 1300}) == DEMO
    api.delete_network("demo", force=True)
    api.delete_network("demo", force=False)
    assert api.peers("demo") == [{"host": "a1"}]
    assert api.create_enrolment_token("demo", "a1")["token"] == "t"
    assert {request["authorization"] for request in server.requests} == {"Bearer secret"}
    assert [request["body"] for request in server.requests if request["body"]] == [
        {"name": "demo"},
        {"mtu": 1300},
        {"host": "a1"},
    ]


def test_names_cannot_leave_their_place_in_the_path(server, api) -> None:
    server.answers["GET", "/v1/networks/..%2Fhealth%3Fx"] = (404, refusal("not_found"))
    assert api.network("../health?x") is None


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_input", InvalidInput),
        (401, "unauthorized", Unauthorized),
        (404, "not_found", NotFound),
        (409, "conflict", Conflict),
        (503, "unavailable", Unavailable),
        (507, "exhausted", Exhausted),
    ],
)
def test_refusal_is_the_error_that_the_controller_meant(server, api, status, code, kind) -> None:
    server.answers["POST", "/v1/networks"] = (status, refusal(code, "Because.", "Do this."))
    with pytest.raises(kind) as raised:
        api.create_network({})
    assert (raised.value.message, raised.value.hint) == ("Because.", "Do this.")


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (401, b"", Unauthorized),
        (403, b"<html>", Unauthorized),
        (404, b"<html>", Unavailable),
        (409, b"[]", Conflict),
        (500, b"Internal Server Error", Unavailable),
        (422, {"error": {"code": "strange"}}, Unavailable),
        (302, b"", Unavailable),
    ],
)
def test_refusal_without_an_explanation_is_told_by_its_status(server, api, status, content, kind) -> None:
    server.answers["GET", "/v1/networks"] = (status, content)
    with pytest.raises(kind, match=f"HTTP {status}"):
        api.networks()


def test_fault_of_the_controller_keeps_its_words(server, api) -> None:
    server.answers["GET", "/v1/networks"] = (
        500,
        refusal("internal", "The controller failed.", "See its log."),
    )
    with pytest.raises(Unavailable, match=r"The controller failed\. See its log\."):
        api.networks()


def test_404_of_something_else_is_not_taken_for_a_network_that_is_absent(server, api) -> None:
    server.answers["GET", "/v1/networks/demo"] = (404, b"<html>")
    with pytest.raises(Unavailable):
        api.network("demo")


def test_unauthorized_says_where_the_token_is(server, api) -> None:
    server.answers["GET", "/v1/networks"] = (401, refusal("unauthorized", "Unknown token."))
    with pytest.raises(Unauthorized, match=r"Unknown token\. Give api_token or api_token_file.*admin\.token"):
        api.networks()


@pytest.mark.parametrize("content", [b"<html>", b"[1]", {"other": []}, {"networks": "x"}])
def test_answer_of_something_else_is_told(server, api, content) -> None:
    server.answers["GET", "/v1/networks"] = (200, content)
    with pytest.raises(Unavailable, match="is no cladnet controller"):
        api.networks()


def test_certificate_that_is_not_trusted(server) -> None:
    with pytest.raises(
        Unavailable, match=r"The certificate of .* is not trusted: self.signed certificate\. Give ca_path"
    ):
        ControllerApi(Connection(server.url, "secret")).networks()
    assert server.requests == []


def test_certificate_of_another_name(server) -> None:
    url = server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(Unavailable, match=r"is not trusted: .*localhost"):
        ControllerApi(Connection(url, "secret", ca_path=str(server.ca_path))).networks()
    assert server.requests == []


def test_unchecked_certificate_if_asked_for(server) -> None:
    server.answers["GET", "/v1/networks"] = (200, {"networks": []})
    assert ControllerApi(Connection(server.url, "secret", validate_certs=False)).networks() == []


def test_nobody_there(server) -> None:
    url = "https://127.0.0.1:1"
    with pytest.raises(Unavailable, match=rf"No controller answers at {url}: .*refused.*systemctl status"):
        ControllerApi(Connection(url, "secret")).networks()


def test_proxy_and_netrc_of_the_environment_do_not_get_in_between(server, api, tmp_path, monkeypatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password other\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.answers["GET", "/v1/networks"] = (200, {"networks": []})
    assert api.networks() == []
    assert server.requests[0]["authorization"] == "Bearer secret"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8053", "127.0.0.1:8053", "https://", "", "ftp://x"])
def test_url_that_would_carry_the_token_in_clear_or_nowhere(url) -> None:
    with pytest.raises(InvalidInput, match="api_url is"):
        Connection(url, "secret")


def params(**changes) -> dict:
    defaults = {"api_url": "https://127.0.0.1:8053/", "api_token": None, "api_token_file": None}
    return {**defaults, "ca_path": None, "validate_certs": True, "timeout": 30, **changes}


def test_options(tmp_path) -> None:
    path = tmp_path / "token"
    path.write_text("from-file\n")
    connection = Connection.from_params(params(api_token_file=str(path)))
    assert (connection.url, connection.token) == ("https://127.0.0.1:8053", "from-file")
    assert Connection.from_params(params(api_token="given", api_token_file=str(path))).token == "given"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff"])
def test_token_file_that_is_of_no_use_is_named(tmp_path, content) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput, match=str(path)):
        Connection.from_params(params(api_token_file=str(path)))


def test_missing_ca_file_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"/nowhere/ca\.crt"):
        Connection.from_params(params(api_token="t", ca_path="/nowhere/ca.crt"))

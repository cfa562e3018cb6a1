# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.errors import InvalidInput
from cladnet.core.identity import SpiffeId, check_host_name, check_network_name

network_names = st.from_regex(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)
host_names = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9._-]{0,62}[a-zA-Z0-9])?", fullmatch=True)


@given(network_names, host_names)
def test_an_identity_survives_its_uri(network: str, host: str) -> None:
    identity = SpiffeId(network, host)
    assert SpiffeId.parse(str(identity)) == identity


@pytest.mark.parametrize("name", ["a", "demo", "net-1", "a" * 32])
def test_network_names_that_are_allowed(name: str) -> None:
    assert check_network_name(name) == name


@pytest.mark.parametrize("name", ["", "1net", "-a", "a-", "Net", "a_b", "a/b", "a.b", "a" * 33, "a\n", "ä"])
def test_network_names_that_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be the name of a network"):
        check_network_name(name)


@pytest.mark.parametrize("name", ["a", "1", "A1", "ip-10-0-0-1.ec2.internal", "under_score", "h" * 64])
def test_host_names_that_are_allowed(name: str) -> None:
    assert check_host_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", "-a", "a-", "a/b", "a b", "h" * 65, "a\n", "a\x00", "ü"])
def test_host_names_that_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be the name of a host"):
        check_host_name(name)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "demo/a1",
        "spiffe://cladnet/demo",
        "spiffe://cladnet/demo/a1/x",
        "spiffe://cladnet//a1",
        "spiffe://other/demo/a1",
        "https://cladnet/demo/a1",
        "xspiffe://cladnet/demo/a1",
        "spiffe://cladnet/demo/a1 ",
        "spiffe://cladnet/demo/..",
    ],
)
def test_what_is_no_identity(uri: str) -> None:
    with pytest.raises(InvalidInput):
        SpiffeId.parse(uri)

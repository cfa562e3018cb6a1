# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Endpoints: one spelling for one place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("198.51.100.11:8055", "198.51.100.11", 8055),
        ("[2001:db8::1]:8055", "2001:db8::1", 8055),
        ("[2001:DB8:0:0::1]:1", "2001:db8::1", 1),
        ("[::ffff:198.51.100.11]:65535", "198.51.100.11", 65535),
        ("[fe80::1%eth0]:8055", "fe80::1%eth0", 8055),
    ],
)
def test_parse(text: str, address: str, port: int):
    assert Endpoint.parse(text) == Endpoint(address, port)
    assert Endpoint.parse(text).address == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "198.51.100.11",
        "198.51.100.11:",
        "198.51.100.11:0",
        "198.51.100.11:65536",
        "198.51.100.11:-1",
        "198.51.100.11: 8055",
        "198.51.100.11:\uff18055",
        "198.51.100.011:8055",
        "[198.51.100.11]:8055",
        "2001:db8::1:8055",
        "[2001:db8::1]",
        "vm1.example.com:8055",
    ],
)
def test_parse_names_what_is_wrong(text: str):
    with pytest.raises(InvalidInput) as error:
        Endpoint.parse(text)
    assert str(error.value)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), st.integers(1, 65535))
def test_text_and_back(address: object, port: int):
    endpoint = Endpoint(str(address), port)
    assert Endpoint.parse(str(endpoint)) == endpoint

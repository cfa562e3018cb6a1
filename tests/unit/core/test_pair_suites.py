# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.errors import InvalidInput
from cladnet.core.network import AUTO_CIPHER, CIPHERS
from cladnet.core.pair_suites import DEFAULT_SUITES, is_spoken, known_suites, suites_of_pair
from cladnet.core.wireguard.suite import AES_256_GCM, CHACHA20_POLY1305, SUITES, Suite

FAST = (AES_256_GCM, CHACHA20_POLY1305)  # an agent on a CPU with AES instructions
SLOW = (CHACHA20_POLY1305, AES_256_GCM)  # an agent on one without
PLAIN = DEFAULT_SUITES  # a WireGuard peer without an agent, or with one of an earlier release
hosts = st.sampled_from([FAST, SLOW, PLAIN])


def test_the_options_are_auto_and_the_suites() -> None:
    assert (AUTO_CIPHER, *(suite.name for suite in SUITES)) == CIPHERS


@pytest.mark.parametrize(
    ("ours", "theirs", "suites"),
    [
        (FAST, FAST, FAST),
        (FAST, SLOW, SLOW),
        (SLOW, FAST, SLOW),
        (SLOW, SLOW, SLOW),
        (FAST, PLAIN, SLOW),
        (PLAIN, FAST, PLAIN),
    ],
)
def test_auto_takes_aes_where_both_are_fast_with_it(
    ours: tuple[Suite, ...], theirs: tuple[Suite, ...], suites: tuple[Suite, ...]
) -> None:
    assert suites_of_pair(AUTO_CIPHER, ours, theirs) == suites


@given(hosts, hosts)
def test_with_auto_both_choose_the_same_and_accept_what_the_other_may_still_choose(
    ours: tuple[Suite, ...], theirs: tuple[Suite, ...]
) -> None:
    """The other may have a table in which we were another host: an older agent, or on another machine."""
    here, there = suites_of_pair(AUTO_CIPHER, ours, theirs), suites_of_pair(AUTO_CIPHER, theirs, ours)
    assert here[0] == there[0]
    assert here[0] in ours
    assert here[0] in theirs
    assert set(here) == set(ours)


@given(st.sampled_from([suite.name for suite in SUITES]), hosts, hosts)
def test_a_named_suite_is_the_only_one(
    cipher: str, ours: tuple[Suite, ...], theirs: tuple[Suite, ...]
) -> None:
    assert [suite.name for suite in suites_of_pair(cipher, ours, theirs)] == [cipher]


def test_another_option_is_refused() -> None:
    with pytest.raises(InvalidInput, match="rot13"):
        suites_of_pair("rot13", FAST, FAST)


@pytest.mark.parametrize(
    ("cipher", "suites", "expected"),
    [
        ("auto", PLAIN, True),
        ("chacha20-poly1305", PLAIN, True),
        ("aes-256-gcm", PLAIN, False),
        ("aes-256-gcm", SLOW, True),
        ("aes-256-gcm", FAST, True),
        ("chacha20-poly1305", FAST, True),
    ],
)
def test_who_can_be_in_a_network(cipher: str, suites: tuple[Suite, ...], expected: bool) -> None:
    assert is_spoken(cipher, suites) is expected


@pytest.mark.parametrize(
    ("names", "suites"),
    [
        (["aes-256-gcm", "chacha20-poly1305"], FAST),
        (["chacha20-poly1305", "chacha20-poly1305"], PLAIN),
        (["of-a-later-release", "aes-256-gcm"], (AES_256_GCM,)),
        (["of-a-later-release"], PLAIN),
        ([], PLAIN),
    ],
)
def test_names_that_are_not_known_are_left_out(names: list[str], suites: tuple[Suite, ...]) -> None:
    assert known_suites(names) == suites

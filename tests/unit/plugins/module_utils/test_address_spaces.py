# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which private spaces are free and which one is recommended: tables, old defects, properties."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Network, collapse_addresses, ip_interface, ip_network
from time import monotonic

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._address_spaces import (
    available_address_spaces,
    overlaps,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import Exhausted, InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._known_ranges import KNOWN_RANGES
from hypothesis import given, settings
from hypothesis import strategies as st

PRIVATE = [ip_network("10.0.0.0/8"), ip_network("172.16.0.0/12"), ip_network("192.168.0.0/16")]
ALL_PRIVATE = [str(network) for network in PRIVATE]


def networks(texts):
    return [ip_network(text) for text in texts]


def free_networks(spaces):
    return networks([*spaces.space10s, *spaces.space172s, *spaces.space192s])


def occupied_networks(cidrs):
    return [ip_interface(cidr).network for cidr in cidrs if ":" not in cidr]


# --- the defects of the original ---


def test_recommendation_does_not_overlap_a_host_network_as_the_original_did() -> None:
    """It removed the prefix lengths in use and offered 192.168.0.0/29, inside the first network."""
    cidrs = ["192.168.0.5/24", "10.0.1.4/16", "172.31.5.9/20"]
    spaces = available_address_spaces(cidrs, hosts=5)
    assert not overlaps(spaces.recommended, cidrs)
    assert all(not overlaps(str(free), cidrs) for free in free_networks(spaces))


def test_192_list_is_filtered_by_192_networks_and_not_by_172_ones() -> None:
    spaces = available_address_spaces(["172.16.0.0/12", "192.168.0.0/17"])
    assert spaces.space172s == []
    assert spaces.space192s == ["192.168.128.0/17"]


@pytest.mark.parametrize(
    "cidr", ["", "10.0.0.0/33", "10.0.0/8", "banana", "10.0.0.0/8/8", "10.256.0.0/16", None, 7]
)
def test_malformed_cidr_is_named_instead_of_a_crash(cidr) -> None:
    with pytest.raises(InvalidInput) as raised:
        available_address_spaces(["10.1.0.0/16", cidr])
    assert repr(cidr) in str(raised.value)


def test_size_follows_the_hosts_and_not_the_number_of_networks() -> None:
    one, many = ["10.1.0.0/16"], [f"10.1.{octet}.0/24" for octet in range(256)]
    assert available_address_spaces(one, hosts=300) == available_address_spaces(many, hosts=300)


# --- the lists ---


@pytest.mark.parametrize(
    ("cidrs", "expected"),
    [
        ([], ALL_PRIVATE),
        (["8.8.8.0/24", "100.64.0.0/10", "169.254.1.1/16"], ALL_PRIVATE),
        (["0.0.0.0/0", "::/0", "fd00::1/64", "fe80::1%eth0/64"], ALL_PRIVATE),
        (["10.0.0.0/7", "172.16.0.0/12"], ["192.168.0.0/16"]),
        (["10.0.0.0/255.128.0.0"], ["10.128.0.0/9", "172.16.0.0/12", "192.168.0.0/16"]),
        (["10.127.255.255", "10.0.0.0/8", "172.16.0.0/13", "192.168.0.0/16"], ["172.24.0.0/13"]),
        (["10.128.0.0/9", "10.64.0.5/10", "172.16.0.0/12", "192.168.0.0/16"], ["10.0.0.0/10"]),
    ],
)
def test_free_blocks(cidrs, expected) -> None:
    spaces = available_address_spaces(cidrs, hosts=5)
    assert [*spaces.space10s, *spaces.space172s, *spaces.space192s] == expected


def test_a_lone_address_occupies_no_more_than_itself() -> None:
    spaces = available_address_spaces(["192.168.0.0/17", "192.168.128.0/18", "192.168.192.1/32"])
    assert spaces.space192s[0] == "192.168.192.0/32"
    assert sum(network.num_addresses for network in networks(spaces.space192s)) == 2**14 - 1


def test_free_networks_of_one_prefix_are_counted_and_bounded() -> None:
    spaces = available_address_spaces(["10.0.0.0/9"], list_prefix=30, limit=3)
    assert spaces.free_networks == ["10.128.0.0/30", "10.128.0.4/30", "10.128.0.8/30"]
    assert spaces.free_networks_total == 2**21 + 2**18 + 2**14


def test_every_free_23() -> None:
    spaces = available_address_spaces(
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.2.1"], list_prefix=23, limit=1000
    )
    assert spaces.free_networks == [f"192.168.{octet}.0/23" for octet in range(0, 256, 2) if octet != 2]
    assert spaces.free_networks_total == 127


# --- the recommendation ---


@pytest.mark.parametrize(
    ("options", "prefix"),
    [
        ({}, 24),
        ({"hosts": 1}, 24),
        ({"hosts": 127}, 24),  # 254 with growth
        ({"hosts": 128}, 23),
        ({"hosts": 254, "growth": 1}, 24),
        ({"hosts": 255, "growth": 1.0}, 23),
        ({"hosts": 100, "growth": 2.54}, 24),
        ({"hosts": 1000, "growth": 4}, 20),
        ({"hosts": 5, "prefix": 29}, 29),
        ({"hosts": 2, "prefix": 30}, 30),
        ({"prefix": 16}, 16),
    ],
)
def test_recommended_size(options, prefix) -> None:
    assert ip_network(available_address_spaces([], **options).recommended).prefixlen == prefix


@pytest.mark.parametrize(
    ("cidrs", "expected"),
    [
        ([], "10.112.0.0/24"),  # of the four widest default-free blocks (/12) the highest
        (["10.112.9.0/24"], "10.48.0.0/24"),  # that block is no longer the widest
        (["10.112.0.0/12"], "10.48.0.0/24"),
        (["10.0.0.0/14"], "10.16.0.0/24"),  # splits the smallest free block of those equally far
        (["10.0.0.0/8"], "172.16.0.0/24"),  # only Alibaba takes it, and Docker leaves it out
        (["10.0.0.0/8", "172.16.0.0/16"], "192.168.128.0/24"),
        (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], None),
    ],
)
def test_recommended_network(cidrs, expected) -> None:
    if expected is None:
        with pytest.raises(Exhausted, match="every RFC 1918 address is occupied"):
            available_address_spaces(cidrs)
    else:
        assert available_address_spaces(cidrs, hosts=6).recommended == expected


def test_keeps_clear_of_all_known_defaults_while_there_is_room() -> None:
    spaces = available_address_spaces(["10.112.0.0/12", "10.48.3.0/24"], hosts=500)
    assert not overlaps(spaces.recommended, [known.cidr for known in KNOWN_RANGES])
    assert "apart from all occupied networks and all common defaults" in spaces.reason


def test_reason_names_the_default_that_could_not_be_avoided() -> None:
    occupied = ["10.0.0.0/9", "10.192.0.0/10", "192.168.0.0/16", "172.16.0.0/12"]
    spaces = available_address_spaces(occupied, hosts=6, prefix=10)
    assert spaces.recommended == "10.128.0.0/10"
    assert "10.152.183.0/24 (MicroK8s services) and 1 more" in spaces.reason


@pytest.mark.parametrize("prefix", [8, 12, 16, 24])
def test_reason_is_short_enough_for_the_description_of_a_network(prefix) -> None:
    for cidrs in ([], ["10.0.0.0/8"], ["10.0.0.0/8", "172.16.0.0/12"]):
        with suppress(Exhausted):
            assert len(available_address_spaces(cidrs, hosts=6, prefix=prefix).reason) < 450


def test_takes_less_than_a_24_before_it_gives_up() -> None:
    cidrs = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/17", "192.168.128.0/18", "192.168.192.0/19"]
    cidrs += [
        "192.168.224.0/20",
        "192.168.240.0/21",
        "192.168.248.0/22",
        "192.168.252.0/23",
        "192.168.254.0/24",
    ]
    spaces = available_address_spaces([*cidrs, "192.168.255.128/25"], hosts=6)
    assert spaces.recommended == "192.168.255.0/28"


def test_a_hundred_thousand_networks_take_seconds() -> None:
    cidrs = [
        f"10.{number >> 12 & 255}.{number >> 4 & 255}.{number % 16 * 16}/30" for number in range(100_000)
    ]
    started = monotonic()
    assert len(available_address_spaces(cidrs).space10s) > 100_000
    assert monotonic() - started < 5


def test_avoided_ranges_are_out_of_everything() -> None:
    spaces = available_address_spaces([], avoid=["10.0.0.0/8", "172.16.0.0/16"], list_prefix=16, limit=99)
    assert spaces.space10s == []
    assert "172.16.0.0/16" not in spaces.free_networks
    assert not overlaps(spaces.recommended, ["10.0.0.0/8", "172.16.0.0/16"])


def test_nothing_fits_names_the_largest_that_would() -> None:
    with pytest.raises(
        Exhausted, match=r"a /15 for 50000 hosts: the largest that would fit is 192\.168\.128\.0/17"
    ):
        available_address_spaces(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/17"], hosts=50000)


def test_more_hosts_than_private_space_is_exhausted_and_no_crash() -> None:
    with pytest.raises(Exhausted, match=r"largest that would fit is 10\.0\.0\.0/8 \(16777214 hosts\)"):
        available_address_spaces([], hosts=10**9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hosts": 0}, "0 hosts"),
        ({"growth": 0.5}, "factor 0.5"),
        ({"growth": float("nan")}, "factor nan"),
        ({"growth": float("inf")}, "factor inf"),
        ({"prefix": 7}, "prefix is 7"),
        ({"prefix": 31}, "prefix is 31"),
        ({"prefix": 28, "hosts": 15}, "/28 holds 14 hosts, not 15"),
        ({"list_prefix": 33}, "list_prefix is 33"),
        ({"list_prefix": 24, "limit": -1}, "limit is -1"),
    ],
)
def test_numbers_out_of_range(options, message) -> None:
    with pytest.raises(InvalidInput, match=message):
        available_address_spaces([], **options)


@pytest.mark.parametrize(
    ("cidr", "others", "expected"),
    [
        ("10.1.0.0/24", ["10.1.0.255", "10.1.1.0/24", "10.0.0.0/8"], ["10.1.0.255", "10.0.0.0/8"]),
        ("10.1.0.0/24", ["0.0.0.0/0", "fd00::/8", "10.0.255.255/24"], []),
        ("fd00::/8", ["fd00::/8"], []),
    ],
)
def test_overlaps(cidr, others, expected) -> None:
    assert overlaps(cidr, others) == expected


def test_known_ranges_are_networks_with_a_reason() -> None:
    for known in KNOWN_RANGES:
        assert any(ip_network(known.cidr).subnet_of(private) for private in PRIVATE)
        assert known.taken_by


# --- properties ---


def private_address(private: IPv4Network) -> st.SearchStrategy[int]:
    return st.integers(int(private.network_address), int(private.broadcast_address))


def cidr_text(address: int, prefix: int) -> str:
    return ".".join(str(octet) for octet in address.to_bytes(4, "big")) + f"/{prefix}"


PRIVATE_CIDRS = st.builds(
    cidr_text, st.sampled_from(PRIVATE).flatmap(private_address), st.integers(9, 32) | st.integers(20, 32)
)
ANY_CIDRS = st.builds(cidr_text, st.integers(0, 2**32 - 1), st.integers(1, 32))
HOST_CIDRS = st.lists(PRIVATE_CIDRS | PRIVATE_CIDRS | ANY_CIDRS, max_size=40)


def spaces_or_none(cidrs, **options):
    try:
        return available_address_spaces(cidrs, hosts=2, growth=1, prefix=30, **options)
    except Exhausted:
        return None


@settings(max_examples=150)
@given(HOST_CIDRS)
def test_free_and_occupied_are_the_whole_private_space_and_disjoint(cidrs) -> None:
    spaces = spaces_or_none(cidrs)
    if spaces is None:
        return
    occupied = list(collapse_addresses(occupied_networks(cidrs)))
    inside = sum(
        min(one.num_addresses, two.num_addresses) for one in occupied for two in PRIVATE if one.overlaps(two)
    )
    free = free_networks(spaces)
    assert not any(one.overlaps(two) for one in free for two in occupied)
    assert sum(network.num_addresses for network in free) + inside == sum(
        two.num_addresses for two in PRIVATE
    )


@settings(max_examples=150)
@given(HOST_CIDRS)
def test_free_blocks_are_maximal_sorted_and_disjoint(cidrs) -> None:
    spaces = spaces_or_none(cidrs)
    if spaces is not None:
        free = free_networks(spaces)
        assert free == list(collapse_addresses(free))


@settings(max_examples=100)
@given(HOST_CIDRS, st.integers(1, 3000), st.floats(1, 8))
def test_recommended_is_free_and_large_enough(cidrs, hosts, growth) -> None:
    try:
        spaces = available_address_spaces(cidrs, hosts=hosts, growth=growth)
    except Exhausted:
        assert not any(block.num_addresses >= hosts * growth + 2 for block in free_networks_of(cidrs))
        return
    recommended = ip_network(spaces.recommended)
    assert recommended.num_addresses - 2 >= int(hosts * growth)
    assert any(recommended.subnet_of(free) for free in free_networks(spaces))
    assert not overlaps(spaces.recommended, cidrs)


def free_networks_of(cidrs):
    spaces = spaces_or_none(cidrs)
    return free_networks(spaces) if spaces else []


@settings(max_examples=100)
@given(HOST_CIDRS.filter(bool), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(cidrs, random) -> None:
    again = [*cidrs, *random.choices(cidrs, k=5)]
    random.shuffle(again)
    assert spaces_or_none(cidrs, list_prefix=28) == spaces_or_none(again, list_prefix=28)


@settings(max_examples=50)
@given(HOST_CIDRS, st.integers(8, 30))
def test_listed_networks_are_exactly_the_free_ones(cidrs, prefix) -> None:
    spaces = spaces_or_none(cidrs, list_prefix=prefix, limit=64)
    if spaces is None:
        return
    large = [free for free in free_networks(spaces) if free.prefixlen <= prefix]
    assert spaces.free_networks_total == sum(2 ** (prefix - free.prefixlen) for free in large)
    assert len(spaces.free_networks) == min(64, spaces.free_networks_total)
    for network in networks(spaces.free_networks):
        assert network.prefixlen == prefix
        assert any(network.subnet_of(free) for free in large)

# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which private IPv4 address spaces are free on all hosts, and which of them is best for an overlay network.

The arithmetic is exact and on integers: occupied ranges are sorted, merged and subtracted from the private
blocks of RFC 1918, and what is left is cut into the largest CIDR blocks it holds. O(n log n) in the number of
networks.
"""

from __future__ import annotations

import typing as t
from bisect import bisect_right
from dataclasses import dataclass
from ipaddress import ip_interface
from itertools import chain, islice
from math import ceil, isfinite
from socket import AF_INET, inet_ntoa, inet_pton  # text to bytes and back, three times as fast as ipaddress

from ._errors import Exhausted, InvalidInput
from ._known_ranges import KNOWN_RANGES

Range = tuple[int, int]  # first address, first address behind it
Block = tuple[int, int]  # first address, number of addresses: a power of two that divides the first address

ALL_ADDRESSES = 2**32
RESERVED_ADDRESSES = 2  # network and broadcast
MIN_PREFIX, MAX_PREFIX = 8, 30
# Private space is plentiful, and a network that has hosts cannot be resized: nobody is better off with less.
ROOMY_SIZE = 2 ** (32 - 24)
DEFAULT_HOSTS = 100
DEFAULT_GROWTH = 2.0
DEFAULT_LIMIT = 256

_SIZES = {"": 1, **{str(prefix): 2 ** (32 - prefix) for prefix in range(33)}}


@dataclass(frozen=True)
class AddressSpaces:
    """What ``available_address_spaces`` found. All networks are text in CIDR notation, in ascending order."""

    recommended: str
    reason: str
    """One sentence: why the recommended one."""
    space10s: list[str]
    """The maximal free blocks of 10.0.0.0/8: no two of them could be written as one."""
    space172s: list[str]
    space192s: list[str]
    free_networks: list[str]
    """Free networks of the prefix length that was asked for, the first ``limit`` of them."""
    free_networks_total: int


def available_address_spaces(
    cidrs: t.Iterable[str],
    *,
    hosts: int = DEFAULT_HOSTS,
    growth: float = DEFAULT_GROWTH,
    prefix: int | None = None,
    avoid: t.Iterable[str] = (),
    list_prefix: int | None = None,
    limit: int = DEFAULT_LIMIT,
) -> AddressSpaces:
    """Returns the private IPv4 space that no given network overlaps, and the best network in it.

    :param cidrs: occupied networks or addresses; host bits may be set. IPv6 is checked and has no effect, and
        so has a default route.
    :param hosts: how many hosts the network gets now.
    :param growth: how many times as many it must be able to hold later, at least 1.
    :param prefix: wanted prefix length, instead of one computed from ``hosts`` and ``growth``.
    :param avoid: further networks to keep out of, occupied or not.
    :param list_prefix: also list the free networks of this prefix length.
    :param limit: how many of these at most.
    :raises InvalidInput: a CIDR is none, or a number is out of its range.
    :raises Exhausted: nothing free is large enough.
    """
    sizes = _wanted_sizes(hosts, growth, prefix)
    occupied = _merged(_ranges(chain(cidrs, avoid)))
    free10s, free172s, free192s = ([*_free_blocks(occupied, private)] for private in PRIVATE_RANGES)
    free = [*free10s, *free172s, *free192s]
    recommended, reason = _recommendation(occupied, free, sizes, hosts)
    listed, total = _free_networks(free, list_prefix, limit)
    return AddressSpaces(
        recommended=_text(recommended),
        reason=reason,
        space10s=[_text(block) for block in free10s],
        space172s=[_text(block) for block in free172s],
        space192s=[_text(block) for block in free192s],
        free_networks=listed,
        free_networks_total=total,
    )


def overlaps(cidr: str, cidrs: t.Iterable[str]) -> list[str]:
    """Returns those of ``cidrs`` that share an address with ``cidr``, as they were given.

    :raises InvalidInput: something given is no CIDR.
    """
    own = _range(cidr)
    if own is None:
        return []
    return [other for other in cidrs if _share(own, _range(other))]


def _share(one: Range, other: Range | None) -> bool:
    return other is not None and one[0] < other[1] and other[0] < one[1]


def _range(text: str) -> Range | None:
    """Parses a network or address; None is one that occupies no private IPv4 space (IPv6, default route)."""
    try:
        address, _slash, length = text.partition("/")
        size = _SIZES[length]
        first = int.from_bytes(inet_pton(AF_INET, address), "big") & -size
    except (AttributeError, KeyError, OSError, ValueError):
        return _uncommon_range(text)
    return None if size == ALL_ADDRESSES else (first, first + size)


def _uncommon_range(text: object) -> Range | None:
    """Parses IPv6 and netmasks; IPv6 is only checked."""
    try:
        if not isinstance(text, str):
            raise ValueError  # noqa: TRY004, TRY301  (an integer would be taken for an address)
        network = ip_interface(text).network
    except ValueError as exc:
        raise InvalidInput(
            f"{text!r} is not a network in CIDR notation.",
            hint="Give it like 10.1.0.0/16, 10.1.2.3 or fd00::/64.",
        ) from exc
    if network.version == 6 or network.prefixlen == 0:
        return None
    first = int(network.network_address)
    return first, first + network.num_addresses


def _ranges(cidrs: t.Iterable[str]) -> set[Range]:
    found = {_range(text) for text in cidrs}
    return {ranged for ranged in found if ranged is not None}


def _merged(ranges: t.Iterable[Range]) -> list[Range]:
    """Sorts ranges and joins those that overlap or touch."""
    merged: list[Range] = []
    first = end = -1
    for start, stop in sorted(ranges):
        if start > end:
            merged.append((first, end))
            first, end = start, stop
        elif stop > end:
            end = stop
    merged.append((first, end))
    return merged[1:]


def _free_blocks(occupied: t.Sequence[Range], within: Range, min_size: int = 1) -> t.Iterator[Block]:
    """Cuts what merged ranges leave of ``within`` into the largest blocks, in ascending order."""
    first, end = within
    for start, stop in occupied[max(bisect_right(occupied, (first,)) - 1, 0) :]:
        if start >= end:
            break
        if start - first >= min_size:
            yield from _blocks(first, start)
        first = max(first, stop)
    yield from _blocks(first, end)


def _blocks(first: int, end: int) -> t.Iterator[Block]:
    while first < end:
        size = min(first & -first, 1 << ((end - first).bit_length() - 1))
        yield first, size
        first += size


def _wanted_sizes(hosts: int, growth: float, prefix: int | None) -> list[int]:
    """Returns how many addresses the network shall have: best first."""
    if hosts < 1:
        raise InvalidInput(f"A network for {hosts} hosts makes no sense.", hint="Give hosts as 1 or more.")
    if not (isfinite(growth) and growth >= 1):
        raise InvalidInput(f"A network cannot grow by the factor {growth}.", hint="Give growth as 1 or more.")
    if prefix is not None:
        return [_size_of_prefix(prefix, hosts)]
    required = ceil(round(hosts * growth, 6)) + RESERVED_ADDRESSES
    size = max(1 << (required - 1).bit_length(), 1 << (32 - MAX_PREFIX))
    return sorted({size, max(size, ROOMY_SIZE)}, reverse=True)


def _size_of_prefix(prefix: int, hosts: int) -> int:
    _check_prefix(prefix, "prefix")
    size: int = 1 << (32 - prefix)
    if size - RESERVED_ADDRESSES < hosts:
        raise InvalidInput(
            f"A /{prefix} holds {size - RESERVED_ADDRESSES} hosts, not {hosts}.",
            hint="Give a shorter prefix, or leave it out.",
        )
    return size


def _check_prefix(prefix: int, name: str) -> None:
    if not MIN_PREFIX <= prefix <= MAX_PREFIX:
        raise InvalidInput(
            f"{name} is {prefix}, but private IPv4 networks have a length of {MIN_PREFIX} to {MAX_PREFIX}.",
            hint="Give a number in between, without a slash.",
        )


def _recommendation(
    occupied: list[Range], free: list[Block], sizes: list[int], hosts: int
) -> tuple[Block, str]:
    """Returns the best network and why it is the best."""
    for kept_clear in (KNOWN, KNOWN_PARTS, ()):
        taken = _merged([*occupied, *kept_clear])
        blocks = (_free_blocks(taken, private, sizes[-1]) for private in PRIVATE_RANGES)
        apart = list(chain.from_iterable(blocks))
        for size in sizes:
            home = _most_distant(apart, free, size)
            if home:
                network = (home[0], size)
                return network, _reason(network, home, hosts)
    raise _nothing_fits(free, sizes[-1], hosts)


def _most_distant(apart: list[Block], free: list[Block], size: int) -> Block | None:
    """Returns the block of ``apart`` to take a network of ``size`` addresses from the start of.

    The sibling of a maximal free block holds something taken. So the larger the block, the larger the network
    that a neighbour would have to grow into before it collides: that is the distance. Among blocks of one
    distance the one in the smallest free block wins (it splits the least), then the highest: people number
    their networks from below.
    """
    widest = max((block[1] for block in apart), default=0)
    if widest < size:
        return None

    def preference(block: Block) -> tuple[int, int]:
        _start, split_size = free[bisect_right(free, (block[0], ALL_ADDRESSES)) - 1]
        return split_size, -block[0]

    return min((block for block in apart if block[1] == widest), key=preference)


def _reason(network: Block, home: Block, hosts: int) -> str:
    room = network[1] - RESERVED_ADDRESSES
    fits = (
        f"{_text(network)} has room for {room} hosts ({hosts} asked for) and lies in {_text(home)}, the"
        " widest private space that"
    )
    inside = (network[0], network[0] + network[1])
    known = [known for known in KNOWN_RANGES if _share(inside, _range(known.cidr))]
    if not known:
        return f"{fits} is apart from all occupied networks and all common defaults of clouds and containers."
    more = f" and {len(known) - 1} more" if len(known) > 1 else ""
    return (
        f"{fits} no occupied network overlaps. Nothing of this size is free apart from the common defaults:"
        f" it overlaps {known[-1].cidr} ({known[-1].taken_by}){more}, so keep these away from the hosts."
    )


def _nothing_fits(free: list[Block], size: int, hosts: int) -> Exhausted:
    wanted = f"a {_prefix_text(size)} for {hosts} hosts"
    if not free:
        return Exhausted(
            f"No private address space is free for {wanted}: every RFC 1918 address is occupied.",
            hint="Look for a host that reports a whole block such as 10.0.0.0/8.",
        )
    largest = max(free, key=lambda block: block[1])
    return Exhausted(
        f"No private address space is free for {wanted}: the largest that would fit is {_text(largest)}"
        f" ({max(largest[1] - RESERVED_ADDRESSES, 0)} hosts).",
        hint="Ask for fewer hosts, less growth or a longer prefix, or free a network on the hosts.",
    )


def _free_networks(free: t.Iterable[Block], prefix: int | None, limit: int) -> tuple[list[str], int]:
    """Returns the first free networks of one prefix length, and how many there are in all."""
    if prefix is None:
        return [], 0
    _check_prefix(prefix, "list_prefix")
    if limit < 0:
        raise InvalidInput(f"limit is {limit}.", hint="Give 0 or more.")
    size = 1 << (32 - prefix)
    large = [block for block in free if block[1] >= size]
    networks = ((first, size) for start, length in large for first in range(start, start + length, size))
    return [_text(network) for network in islice(networks, limit)], sum(
        length // size for _start, length in large
    )


def _text(block: Block) -> str:
    return inet_ntoa(block[0].to_bytes(4, "big")) + _prefix_text(block[1])


def _prefix_text(size: int) -> str:
    return f"/{33 - size.bit_length()}"


PRIVATE_RANGES = sorted(_ranges(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]))
KNOWN = _ranges(known.cidr for known in KNOWN_RANGES)
KNOWN_PARTS = KNOWN.difference(PRIVATE_RANGES)  # all but those that leave nothing of a whole block

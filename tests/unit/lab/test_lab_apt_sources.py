# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Only the Debian archive of the machine's apt sources gets into the image."""

from __future__ import annotations

import pytest

from lab import apt_sources
from lab.apt_sources import Source

DEBIAN = Source(("http://mirror.example/debian",), ("bookworm", "bookworm-updates"), ("main",))

CASES = {
    "deb822": (
        "# a comment\nTypes: deb deb-src\nURIs: http://mirror.example/debian\n"
        "Suites: bookworm\n bookworm-updates\nComponents: main contrib\n",
        [DEBIAN],
    ),
    "deb822 with Debian's key": (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n"
        "Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
        [Source(*(DEBIAN.uris, DEBIAN.suites, DEBIAN.components), apt_sources.DEBIAN_KEYRING)],
    ),
    "one line": (
        "deb http://mirror.example/debian bookworm main # here\n"
        "#deb http://no.example/debian bookworm main\n",
        [Source(DEBIAN.uris, ("bookworm",), ("main",))],
    ),
    "one line with options": (
        "deb [arch=amd64] http://mirror.example/debian-security bookworm-security main contrib\n",
        [Source(("http://mirror.example/debian-security",), ("bookworm-security",), ("main",))],
    ),
    "two stanzas, one disabled": (
        "Types: deb\nURIs: http://a.example\nSuites: bookworm\nComponents: main\nEnabled: no\n\n"
        "Types: deb\nURIs: http://b.example\nSuites: bookworm\nComponents: main\n",
        [Source(("http://b.example",), ("bookworm",), ("main",))],
    ),
    "source packages": ("deb-src http://mirror.example/debian bookworm main\n", []),
    "another release": ("deb http://mirror.example/debian trixie main\n", []),
    "another vendor's suite": ("deb http://vendor.example/apt sdk-bookworm main\n", []),
    "another vendor's component": ("deb http://vendor.example/debian bookworm stable\n", []),
    "another vendor's key": (
        "deb [signed-by=/etc/apt/keyrings/v.gpg] http://vendor.example bookworm main\n",
        [],
    ),
    "another vendor's key in deb822": (
        "Types: deb\nURIs: http://vendor.example\nSuites: bookworm\n"
        "Components: main\nSigned-By: /etc/v.gpg\n",
        [],
    ),
    "empty": ("", []),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_picks_debian_only(text: str, expected: list[Source]) -> None:
    assert apt_sources.debian_only(apt_sources.parse(text), "bookworm") == expected


def test_what_is_rendered_reads_back_and_trusts_debian_alone() -> None:
    other = Source(("http://mirror.example/debian-security",), ("bookworm-security",), ("main",))
    again = apt_sources.parse(apt_sources.render([DEBIAN, other]))
    assert [source.uris for source in again] == [DEBIAN.uris, other.uris]
    assert {source.signed_by for source in again} == {apt_sources.DEBIAN_KEYRING}

# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Picks the Debian archive out of the machine's own apt sources: no other vendor gets into an image.

Reads both formats of sources.list(5). Pure: text in, text out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ONE_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)"
)


@dataclass(frozen=True, slots=True)
class Source:
    """One place that apt takes binary packages from."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


def parse(text: str) -> list[Source]:
    """The enabled binary sources of a .list or .sources file."""
    stanzas = re.split(r"\n\s*\n", text)
    deb822 = [source for stanza in stanzas for source in _stanza(stanza)]
    return deb822 or [source for line in text.splitlines() for source in _line(line)]


def debian_only(sources: Iterable[Source], codename: str) -> list[Source]:
    """Those of the Debian archive: a suite of the release, component main, no key of another vendor."""
    suites = {codename, f"{codename}-updates", f"{codename}-security"}
    return [
        Source(source.uris, tuple(wanted), ("main",), source.signed_by)
        for source in sources
        if (wanted := [suite for suite in source.suites if suite in suites])
        and "main" in source.components
        and ("debian-archive" in source.signed_by or not source.signed_by)
    ]


def render(sources: Iterable[Source]) -> str:
    """As a .sources file that trusts the key of the Debian archive alone."""
    return "\n".join(
        f"Types: deb\nURIs: {' '.join(source.uris)}\nSuites: {' '.join(source.suites)}\n"
        f"Components: {' '.join(source.components)}\nSigned-By: {DEBIAN_KEYRING}\n"
        for source in sources
    )


def _stanza(text: str) -> list[Source]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    unfolded = re.sub(r"\n[ \t]+", " ", "\n".join(lines))
    pairs = (line.split(":", 1) for line in unfolded.splitlines() if re.match(r"[A-Za-z-]+:", line))
    fields = {key.lower(): value.split() for key, value in pairs}
    enabled = fields.get("enabled", ["yes"]) != ["no"]
    if not enabled or "deb" not in fields.get("types", []):
        return []
    uris, suites, components = (tuple(fields.get(key, ())) for key in ("uris", "suites", "components"))
    return [Source(uris, suites, components, " ".join(fields.get("signed-by", ())))]


def _line(text: str) -> list[Source]:
    match = ONE_LINE.fullmatch(text.split("#", 1)[0].strip())
    if not match:
        return []
    options = dict(option.split("=", 1) for option in (match["options"] or "").split() if "=" in option)
    components = tuple(match["components"].split())
    return [Source((match["uri"],), (match["suite"],), components, options.get("signed-by", ""))]

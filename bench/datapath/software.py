# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Other people's software that we compare with: how it comes onto this machine, and which version it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.datapath.hosts import BenchError, run
from bench.datapath.saying import say

ROOT = Path(__file__).resolve().parents[2]
BINARIES = ROOT / "build" / "bench" / "bin"
_INSTALL_TIMEOUT_S = 900.0
_OLDER_VERSIONS_TRIED = 5


class Software(Protocol):
    """Something that has to be installed."""

    def install(self, *, newest: bool = False) -> None:
        """Brings it onto this machine if it is missing or not the newest; raises BenchError."""

    def missing(self) -> str:
        """What is missing, for people; empty if it is there."""

    def path(self, program: str) -> str:
        """Where a program of it is."""

    def version(self) -> str:
        """Which one it is, for people."""


@dataclass(frozen=True)
class DebianPackage:
    """A package of the distribution.

    Args:
        name: of the package.
        programs: what of it is called.
    """

    name: str
    programs: tuple[str, ...]

    def install(self, *, newest: bool = False) -> None:
        """Installs the package unless its programs are there; the newest is the distribution's."""
        del newest
        if self.missing():
            _installing("apt-get", "install", "--yes", "--no-install-recommends", self.name)

    def missing(self) -> str:
        return " and ".join(program for program in self.programs if shutil.which(program) is None)

    def path(self, program: str) -> str:
        return program

    def version(self) -> str:
        """As dpkg says."""
        return run("dpkg-query", "--show", "--showformat", "${Package} ${Version}", self.name)


@dataclass(frozen=True)
class GoModule:
    """A Go module, built here in the newest version that can be built.

    Args:
        module: its path.
        commands: paths of its commands below the module; "" is the module itself.
    """

    module: str
    commands: tuple[str, ...]

    def install(self, *, newest: bool = False) -> None:
        """Builds the newest version; an older one if that one needs a newer Go, for example."""
        if newest or self.missing():
            self._build_first_of(["latest"])
        if self.missing():
            self._build_first_of(older_versions(run("go", "list", "-m", "-versions", self.module)))

    def _build_first_of(self, versions: list[str]) -> None:
        for version in versions:
            words = [f"{self.module}{command}@{version}" for command in self.commands]
            try:
                _installing("go", "install", *words, GOBIN=str(self._folder))
            except BenchError as exc:
                say(str(exc))
            else:
                return

    def missing(self) -> str:
        names = [self.path(_program_of(self.module + command)) for command in self.commands]
        return " and ".join(name for name in names if not Path(name).exists())

    def path(self, program: str) -> str:
        return str(self._folder / program)

    def version(self) -> str:
        """As the program itself has recorded it."""
        recorded = run("go", "version", "-m", self.path(_program_of(self.module + self.commands[0])))
        found = re.search(r"^\s+mod\s+(\S+)\s+(\S+)", recorded, re.MULTILINE)
        return " ".join(found.groups()) if found else self.module

    @property
    def _folder(self) -> Path:
        return BINARIES / _program_of(self.module)


def older_versions(listed: str) -> list[str]:
    """The newest versions but the last in what ``go list -m -versions`` says, newest first."""
    return listed.split()[1:][::-1][1 : 1 + _OLDER_VERSIONS_TRIED]


def _program_of(package: str) -> str:
    return package.rpartition("/")[2]


def _installing(*argv: str, **environment: str) -> None:
    say(" ".join(argv))
    environment = dict(os.environ) | environment | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        result = subprocess.run(
            argv, env=environment, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise BenchError(f"{argv[0]}: {exc}") from exc
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if not line.startswith("go: downloading")]
        raise BenchError(f"{argv[0]}: {' '.join(lines)[-300:]}")


IPERF = DebianPackage("iperf3", ("iperf3",))
WIREGUARD_TOOLS = DebianPackage("wireguard-tools", ("wg",))
WIREGUARD_GO = DebianPackage("wireguard-go", ("wireguard-go",))
WIREGUARD_GO_NEWEST = GoModule("golang.zx2c4.com/wireguard", ("",))
NEBULA = DebianPackage("nebula", ("nebula", "nebula-cert"))
NEBULA_NEWEST = GoModule("github.com/slackhq/nebula", ("/cmd/nebula", "/cmd/nebula-cert"))
OPENVPN = DebianPackage("openvpn", ("openvpn",))
FASTD = DebianPackage("fastd", ("fastd",))
TINC = DebianPackage("tinc", ("tincd",))

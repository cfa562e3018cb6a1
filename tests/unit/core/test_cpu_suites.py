# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.agent.cpu import suites_of_this_cpu
from cladnet.core.cpu_suites import suites_for_cpu
from cladnet.core.wireguard.suite import AES_256_GCM, CHACHA20_POLY1305, SUITES

XEON = "vendor_id\t: GenuineIntel\nflags\t\t: fpu vme sse2 pclmulqdq ssse3 aes avx\n"
OLD_XEON = "vendor_id\t: GenuineIntel\nflags\t\t: fpu vme sse2 ssse3\n"
GRAVITON = "processor\t: 0\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32\nCPU part\t: 0xd0c\n"
PI_4 = "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\nModel\t\t: Raspberry Pi 4\n"
POWER = "processor\t: 0\ncpu\t\t: POWER9 (architected), altivec supported\n"


@pytest.mark.parametrize("cpuinfo", [XEON, GRAVITON, f"{XEON}\n{XEON}", f"{GRAVITON}\n{GRAVITON}"])
def test_aes_is_first_where_the_cpu_has_instructions_for_it(cpuinfo: str) -> None:
    assert suites_for_cpu(cpuinfo) == (AES_256_GCM, CHACHA20_POLY1305)


@pytest.mark.parametrize(
    "cpuinfo",
    [
        OLD_XEON,
        PI_4,
        POWER,
        "",
        "flags\t\t: aes\n",
        "flags\t\t: pclmulqdq\n",
        "Features\t: aes\n",
        "flags\t\t: aes pmull\n",
        "flags\t\t: vaes pclmulqdqx\n",
        "model name\t: aes pclmulqdq\n",
        "flags aes pclmulqdq",
        f"{GRAVITON}\n{PI_4}",
    ],
    ids=repr,
)
def test_chacha20_is_first_on_all_others(cpuinfo: str) -> None:
    assert suites_for_cpu(cpuinfo) == (CHACHA20_POLY1305, AES_256_GCM)


@given(st.text())
def test_any_text_gives_all_suites(cpuinfo: str) -> None:
    assert set(suites_for_cpu(cpuinfo)) == set(SUITES)


def test_this_cpu_is_read_from_the_kernel(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    assert suites_of_this_cpu(cpuinfo)[0] == CHACHA20_POLY1305
    cpuinfo.write_bytes(XEON.encode() + b"\xff")
    assert suites_of_this_cpu(cpuinfo)[0] == AES_256_GCM
    assert set(suites_of_this_cpu()) == set(SUITES)

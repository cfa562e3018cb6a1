# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which cryptographic suites suit a CPU, by what Linux says about it. Pure."""

from __future__ import annotations

from cladnet.core.wireguard.suite import AES_256_GCM, CHACHA20_POLY1305, Suite

# GCM is a cipher and a hash; each has its instruction. By the name of the line that lists them.
_FLAGS_OF_GCM = {"flags": {"aes", "pclmulqdq"}, "Features": {"aes", "pmull"}}


def suites_for_cpu(cpuinfo: str) -> tuple[Suite, ...]:
    """All suites that an agent speaks, the fastest on this CPU first.

    Args:
        cpuinfo: the text of /proc/cpuinfo, on x86 or ARM; of any other CPU nothing is known.

    Source: proc_cpuinfo(5); Linux, arch/x86/include/asm/cpufeatures.h and arch/arm64/kernel/cpuinfo.c.
    """
    if _has_gcm_instructions(cpuinfo):
        return AES_256_GCM, CHACHA20_POLY1305
    return CHACHA20_POLY1305, AES_256_GCM


def _has_gcm_instructions(cpuinfo: str) -> bool:
    """Whether every core has them: nobody knows on which one the agent runs next."""
    cores = [
        _FLAGS_OF_GCM[name.strip()] <= set(flags.split())
        for name, _unused, flags in (line.partition(":") for line in cpuinfo.splitlines())
        if name.strip() in _FLAGS_OF_GCM
    ]
    return bool(cores) and all(cores)

# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""TUN devices as the kernel makes them: queues, what they take at once, and names that are taken."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from contextlib import closing

import pytest

from cladnet.core.errors import Conflict
from cladnet.datapath import tun
from cladnet.datapath.tun import TunDevice

NAME = f"cladq{os.getpid()}"


def link(name: str) -> dict[str, int]:
    shown = subprocess.run(
        ["ip", "-d", "-j", "link", "show", name], check=True, capture_output=True, text=True, timeout=10
    )
    return dict(json.loads(shown.stdout)[0])


@pytest.mark.parametrize(
    ("mtu", "size_bytes"),
    [(1280, 60800 + 321), (1420, 62140 + 321), (8921, 62207 + 321), (65475, 65535)],
)
def test_takes_at_once_what_fits_into_one_send(tun_driver: None, mtu: int, size_bytes: int):
    with closing(TunDevice.open(NAME, mtu)):
        shown = link(NAME)
        assert (shown["gso_max_segs"], shown["gso_max_size"]) == (64, size_bytes)


@pytest.mark.parametrize("queues", [1, 4])
def test_nobody_else_gets_the_device(tun_driver: None, queues: int):
    with closing(TunDevice.open(NAME, 1420, queues)) as device:
        assert len(device.queues) == queues
        for others in (1, 4):
            with pytest.raises(Conflict, match=NAME):
                TunDevice.open(NAME, 1420, others)
        assert device.exists()
        subprocess.run(["ip", "link", "delete", NAME], check=True, timeout=10)
        assert not device.exists()


@pytest.mark.parametrize(
    ("known", "has_uso", "said"),
    [
        (tun._ALL_OFFLOADS, True, []),
        (tun._TCP_OFFLOADS, False, ["UDP segmentation"]),
        (0, False, ["no segmentation"]),
    ],
)
def test_does_without_what_the_kernel_does_not_know(
    tun_driver: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    known: int,
    has_uso: bool,
    said: list[str],
):
    """Older kernels refuse the flags that they do not know."""
    real = tun.fcntl.ioctl

    def ioctl(descriptor: int, request: int, argument: int | bytes | bytearray) -> object:
        if request == tun._TUNSETOFFLOAD and isinstance(argument, int) and argument & ~known:
            raise OSError(22, "Invalid argument")
        return real(descriptor, request, argument)

    monkeypatch.setattr("cladnet.datapath.tun.fcntl.ioctl", ioctl)
    with caplog.at_level(logging.WARNING), closing(TunDevice.open(NAME, 1420)) as device:
        assert device.has_uso is has_uso
    assert len(caplog.records) == len(said)
    assert all(words in caplog.text for words in said)

# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Errors that come with every packet are reported once, and again after a while."""

from __future__ import annotations

import errno
import os

import pytest

from cladnet.datapath.error_log import REPEAT_AFTER_S, ErrorLog


def error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def test_one_kind_is_reported_once(caplog: pytest.LogCaptureFixture):
    log = ErrorLog()
    for number in range(1000):
        log.report("sending to", f"192.0.2.{number % 200}:1", error(errno.ENETUNREACH), number / 1000)
    assert caplog.messages == ["sending to 192.0.2.0:1 failed: Network is unreachable"]


def test_each_kind_is_reported(caplog: pytest.LogCaptureFixture):
    log = ErrorLog()
    log.report("sending to", "here", error(errno.ENETUNREACH), 0.0)
    log.report("sending to", "here", error(errno.ENOBUFS), 0.0)
    log.report("writing to", "clad0", error(errno.ENOBUFS), 0.0)
    assert len(caplog.messages) == 3


def test_what_lasts_is_reported_again_with_its_number(caplog: pytest.LogCaptureFixture):
    log = ErrorLog()
    for now_s in (0.0, 1.0, 2.0, REPEAT_AFTER_S):
        log.report("writing to", "clad0", error(errno.EIO), now_s)
    assert len(caplog.messages) == 2
    assert caplog.messages[1].endswith("Input/output error (2 more of these since the last report)")

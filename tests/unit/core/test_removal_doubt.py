# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from cladnet.core.removal_doubt import RemovalDoubt
from cladnet.core.snapshot_hold import CONFIRMATION_S


def test_refusal_is_believed_when_it_lasts() -> None:
    doubt = RemovalDoubt()
    assert not doubt.refused(now_s=10)
    assert not doubt.refused(now_s=10 + CONFIRMATION_S - 1)
    assert doubt.refused(now_s=10 + CONFIRMATION_S)


def test_one_controller_that_accepts_clears_the_doubt() -> None:
    doubt = RemovalDoubt()
    doubt.refused(now_s=10)
    doubt.accepted()
    assert not doubt.refused(now_s=10 + CONFIRMATION_S)


def test_refusal_is_believed_at_once_after_the_removal_was_named() -> None:
    doubt = RemovalDoubt()
    doubt.named()
    assert doubt.refused(now_s=10)
    doubt.accepted()
    assert not doubt.refused(now_s=11)

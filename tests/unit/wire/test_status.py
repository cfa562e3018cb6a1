# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import grpc
import pytest

from cladnet.core import errors
from cladnet.wire.status import code_of, error_of

KINDS = [
    errors.InvalidInput,
    errors.NotFound,
    errors.Conflict,
    errors.Unauthorized,
    errors.Unavailable,
    errors.Exhausted,
]


@pytest.mark.parametrize("kind", KINDS)
def test_each_error_comes_back_as_itself(kind: type[errors.CladnetError]) -> None:
    there = kind("a1 has no address.", hint="Enlarge the network.")
    back = error_of(code_of(there), str(there))
    assert back.__class__ is kind
    assert str(back) == "a1 has no address. Enlarge the network."


def test_every_kind_has_a_code_of_its_own() -> None:
    tree = errors.CladnetError.__subclasses__()
    assert set(KINDS) == {kind for kind in tree if kind.__module__ == errors.CladnetError.__module__}
    assert len({code_of(kind("x")) for kind in KINDS}) == len(KINDS)


def test_a_kind_of_a_kind_keeps_the_code() -> None:
    class Ambiguous(errors.Unavailable):
        pass

    assert code_of(Ambiguous("x")) is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.Unavailable),
        (grpc.StatusCode.CANCELLED, errors.Unavailable),
        (grpc.StatusCode.OK, errors.Unavailable),
        (grpc.StatusCode.UNAUTHENTICATED, errors.Unauthorized),
        (grpc.StatusCode.INTERNAL, errors.CladnetError),
    ],
)
def test_statuses_that_are_not_ours(code: grpc.StatusCode, kind: type[errors.CladnetError]) -> None:
    error = error_of(code, None)
    assert error.__class__ is kind
    assert code.name in str(error)

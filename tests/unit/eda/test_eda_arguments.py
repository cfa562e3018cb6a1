# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Arguments of event sources."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.arguments import Arguments
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput

KNOWN = ("x", "y")


def arguments(value: Any) -> Arguments:
    return Arguments({"x": value}, KNOWN)


def test_unknown_argument_is_named_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"no argument z\. There are: x, y"):
        Arguments({"z": 1}, KNOWN)


def test_arguments_of_ansible_rulebook_itself_are_let_through() -> None:
    Arguments({"feedback": True, "eda_feedback_queue": object()}, KNOWN)


@pytest.mark.parametrize(("value", "expected"), [("a", "a"), (" a ", "a"), ("", "d"), (None, "d")])
def test_text(value: Any, expected: str) -> None:
    assert arguments(value).text("x", "d") == expected


def test_required_text() -> None:
    assert arguments("a").required_text("x", "Give it.") == "a"
    with pytest.raises(InvalidInput, match=r"x is missing\. Give it\."):
        arguments(" ").required_text("x", "Give it.")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a", " b "], ("a", "b")),
        ("a, b,", ("a", "b")),
        ([], ()),
        (None, ("d",)),
        ("", ("d",)),
    ],
)
def test_texts(value: Any, expected: tuple[str, ...]) -> None:
    assert arguments(value).texts("x", ("d",)) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(15, 15.0), ("15", 15.0), (10.5, 10.5), (None, 30.0), ("", 30.0)]
)
def test_number(value: Any, expected: float) -> None:
    assert arguments(value).number("x", 30, least=10) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (False, False), ("yes", True), ("False", False), ("0", False), (None, True), ("", True)],
)
def test_flag(value: Any, expected: bool) -> None:
    assert arguments(value).flag("x", default=True) is expected


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("text", ["a"]),
        ("text", True),
        ("text", 1e5),
        ("texts", 5),
        ("texts", [5]),
        ("texts", {"a": 1}),
        ("number", 9),
        ("number", "soon"),
        ("number", True),
        ("number", float("nan")),
        ("number", float("inf")),
        ("number", [10]),
        ("flag", "maybe"),
        ("flag", 5),
        ("chosen", "c"),
    ],
)
def test_wrong_value_is_an_error_that_names_the_argument(read: str, value: Any) -> None:
    reads = {
        "text": lambda given: given.text("x"),
        "texts": lambda given: given.texts("x"),
        "number": lambda given: given.number("x", 30, least=10),
        "flag": lambda given: given.flag("x", default=True),
        "chosen": lambda given: given.chosen("x", ("a", "b")),
    }
    with pytest.raises(InvalidInput, match=r"^x "):
        reads[read](arguments(value))

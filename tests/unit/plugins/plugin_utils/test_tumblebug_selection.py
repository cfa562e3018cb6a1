# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which machines become hosts: labels, expressions, statuses."""

from __future__ import annotations

import sys
from contextlib import suppress

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.labels import parse_selector
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.options import check_options
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.selection import (
    criteria,
    select,
    why_nothing,
)
from hypothesis import given, settings
from hypothesis import strategies as st

LABELS = {"stage": "prod", "tier": "web", "app.io/part": "a b", "empty": "", "이름": "값"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("  ", True),
        ("stage=prod", True),
        ("stage==prod", True),
        ("stage = prod , tier = web", True),
        ("stage=prod,tier=db", False),
        ("stage=test", False),
        ("stage!=test", True),
        ("stage!=prod", False),
        ("missing!=x", True),
        ("missing=x", False),
        ("missing=", False),
        ("empty=", True),
        ("stage", True),
        ("missing", False),
        ("!missing", True),
        ("! stage", False),
        ("stage in (prod,test)", True),
        ("stage in ( test , prod ),tier", True),
        ("stage in (test)", False),
        ("missing in (a,b)", False),
        ("stage notin (test, dev)", True),
        ("stage notin (prod)", False),
        ("missing notin (a)", True),
        ("app.io/part=a b", True),
        ("이름=값", True),
    ],
)
def test_selectors(text: str, expected: bool) -> None:
    assert parse_selector(text, "labels")(LABELS) is expected


@pytest.mark.parametrize(
    "text", [",", "a,,b", "=x", "a in b", "a in (b", "a b", "a=b=c", "a in (b)c", "a>3", "!a=b", "a,"]
)
def test_what_is_no_selector(text: str) -> None:
    with pytest.raises(
        InvalidInput, match=r"cladnet_agents holds .* no selector of labels\. Write key=value"
    ):
        parse_selector(text, "cladnet_agents")


keys = st.sampled_from(["a", "b", "c"])


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(keys, keys), keys, st.lists(keys, min_size=1))
def test_operators_and_their_contraries(labels: dict[str, str], key: str, values: list[str]) -> None:
    some = ",".join(values)
    for positive, negative in [
        (f"{key}={values[0]}", f"{key}!={values[0]}"),
        (f"{key} in ({some})", f"{key} notin ({some})"),
        (key, f"!{key}"),
    ]:
        assert parse_selector(positive, "x")(labels) is not parse_selector(negative, "x")(labels)


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="ab=!,() in", max_size=20))
def test_any_text_is_a_selector_or_an_error(text: str) -> None:
    with suppress(InvalidInput):
        parse_selector(text, "labels")({"a": "b"})


VMS = [
    Vm("n", "i", "g-1", status="Running", provider="aws", labels={"stage": "prod"}, ssh_port=2222),
    Vm("n", "i", "g-2", status="Suspended", provider="gcp"),
    Vm("n", "i", "g-3", status="Running", provider="gcp", key_file="secret.pem"),
]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({}, ["g-1", "g-2", "g-3"]),
        ({"statuses": ["Running"]}, ["g-1", "g-3"]),
        ({"labels": "stage"}, ["g-1"]),
        ({"expression": "provider == 'gcp'"}, ["g-2", "g-3"]),
        ({"expression": "labels.stage"}, ["g-1"]),
        ({"expression": "ssh_port > `22`"}, ["g-1"]),
        ({"expression": "ssh_port"}, ["g-1", "g-2", "g-3"]),
        ({"expression": "labels"}, ["g-1"]),
        ({"expression": "id"}, ["g-1", "g-2", "g-3"]),
        ({"expression": "key_file"}, []),
        ({"expression": "!(labels.stage)", "statuses": ["Running"]}, ["g-3"]),
    ],
)
def test_conditions(options: dict[str, object], ids: list[str]) -> None:
    conditions = criteria(**{"statuses": [], "labels": "", "expression": ""} | options)

    assert [vm.id for vm in select(VMS, conditions)] == ids


def test_all_conditions_but_one() -> None:
    conditions = criteria(statuses=["Running"], labels="", expression="provider == 'gcp'")

    assert [vm.id for vm in select(VMS, conditions, but="statuses")] == ["g-2", "g-3"]


def test_why_nothing_is_selected() -> None:
    conditions = criteria(statuses=["Running"], labels="stage=test", expression="id")

    assert why_nothing(VMS, conditions) == (
        "Of 3 VMs none becomes a host: statuses (Running) leaves out 1, labels (stage=test) leaves out 2."
    )


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("provider ==", "filter is no JMESPath expression"),
        ("nothing(id)", "filter cannot be applied to VM n/i/g-1: Unknown function"),
        ("contains(labels.other, 'a')", "filter cannot be applied to VM n/i/g-1"),
    ],
)
def test_wrong_expressions(expression: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        select(VMS, criteria(statuses=[], labels="", expression=expression))
    assert "\n" not in str(caught.value)


def test_library_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jmespath", None)

    with pytest.raises(InvalidInput, match=r"needs the Python library jmespath.*Install it"):
        criteria(statuses=[], labels="", expression="id")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["label"], "a.yml sets label, .* Is it labels"),
        (["xyz"], "sets xyz, .* ansible-doc"),
        ([3], "sets 3"),
    ],
)
def test_options_that_do_not_exist(given: list, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        check_options(["labels", *given], ["labels", "filter"], "a.yml")


def test_options_that_exist() -> None:
    check_options(["labels"], ["labels", "filter"], "a.yml")

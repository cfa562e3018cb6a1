# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Whatever a client sends, the simulator answers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.tumblebug.answers import Request
from lab.tumblebug.era import ERAS, Era
from lab.tumblebug.routes import routes
from tests.unit.lab.tumblebug.tumblebug_bench import AUTHORIZED, Bench, new_group, new_infra

ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PARAMETERS = {"ns": "default", "infra": "mix", "machine": "g1-1", "group": "g1", "bastion": "g1-1"}


def damaged(era: Era) -> st.SearchStrategy[object]:
    """Bodies of creations of which one field is something else."""
    good = new_infra(era, "web", new_group(era, "g1", 1))
    group = good[era.dynamic_groups][0]
    whole = st.sampled_from(sorted(good)).flatmap(lambda key: ODD.map(lambda odd: good | {key: odd}))
    inner = st.sampled_from(sorted(group)).flatmap(
        lambda key: ODD.map(lambda odd: good | {era.dynamic_groups: [group | {key: odd}]})
    )
    return whole | inner | ODD


@pytest.mark.parametrize("era", ERAS.values(), ids=ERAS)
def test_every_post_is_answered(era: Era) -> None:
    posts = [route.template for route in routes(era) if route.method in ("POST", "PUT")]

    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(posts), damaged(era))
    def answered(template: str, body: object) -> None:
        bench = Bench(era, transition_s=0)
        path = template.format_map(PARAMETERS | {"type": era.node, "uid": "x", "key": "k"})
        answer = bench.ask(path, method="POST" if "{bastion}" not in path else "PUT", send=body)
        assert answer.status in (200, 400, 404, 500)
        if answer.status >= 400:
            assert answer.body["message"]

    answered()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[]", b'"x"', b"null", b'{"name": "a', b"[" * 5000]
)
@pytest.mark.parametrize("era", ERAS.values(), ids=ERAS)
def test_what_is_no_object(era: Era, body: bytes) -> None:
    path = f"/ns/default/{era.dynamic}"
    answer = Bench(era).api.answer(Request("POST", path, headers=AUTHORIZED, body=body))

    assert answer.status == era.client_error_code
    assert answer.body["message"]

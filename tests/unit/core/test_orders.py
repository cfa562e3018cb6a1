# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.orders import Action, Orders, are_settled, ordered

orders = st.builds(Orders, st.booleans(), st.integers(0, 5))


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        (Orders(), Action.UP, Orders()),
        (Orders(), Action.DOWN, Orders(is_down=True)),
        (Orders(is_down=True, rekeys_requested=2), Action.UP, Orders(rekeys_requested=2)),
        (Orders(is_down=True), Action.REKEY, Orders(is_down=True, rekeys_requested=1)),
        (Orders(rekeys_requested=1), Action.REKEY, Orders(rekeys_requested=2)),
    ],
)
def test_one_more_order(before: Orders, action: Action, after: Orders) -> None:
    assert ordered(before, action) == after


@given(before=orders, action=st.sampled_from([Action.UP, Action.DOWN]))
def test_a_state_ordered_twice_is_ordered_once(before: Orders, action: Action) -> None:
    once = ordered(before, action)
    assert ordered(once, action) == once


@given(before=orders, rekeys_done=st.integers(0, 9))
def test_a_new_key_is_always_one_that_is_still_to_be_made(before: Orders, rekeys_done: int) -> None:
    after = ordered(before, Action.REKEY, rekeys_done=rekeys_done)
    assert after.rekeys_requested > max(rekeys_done, before.rekeys_requested)
    assert not are_settled(after, is_down=after.is_down, rekeys_done=rekeys_done)


def test_settled_is_who_has_done_everything() -> None:
    assert are_settled(Orders(), is_down=False, rekeys_done=0)
    assert are_settled(Orders(is_down=True, rekeys_requested=2), is_down=True, rekeys_done=2)
    assert not are_settled(Orders(is_down=True), is_down=False, rekeys_done=0)
    assert not are_settled(Orders(), is_down=True, rekeys_done=0)
    assert not are_settled(Orders(rekeys_requested=1), is_down=False, rekeys_done=0)

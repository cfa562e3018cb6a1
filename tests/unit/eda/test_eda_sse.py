# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Server-sent events taken out of bytes."""

from __future__ import annotations

import pytest
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils import sse
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import Unavailable
from hypothesis import given
from hypothesis import strategies as st


def message(kind: str, data: str, event_id: str = "") -> sse.Message:
    return sse.Message(kind, data, event_id)


@pytest.mark.parametrize(
    ("stream", "messages"),
    [
        (b"data: a\n\n", [message("message", "a")]),
        (b"event: x\ndata: a\nid: 7-1\n\n", [message("x", "a", "7-1")]),
        (b"data:a\ndata: b\n\n", [message("message", "a\nb")]),
        (b"data\n\n", [message("message", "")]),
        (b"event: x\n\n", []),
        (b"event: x\n\ndata: a\n\n", [message("message", "a")]),
        (b"id: 1\ndata: a\n\ndata: b\n\n", [message("message", "a", "1"), message("message", "b", "1")]),
        (b"id: 1\0\ndata: a\n\n", [message("message", "a")]),
        (b": alive\n\n", []),
        (b"retry: 5\nfoo: 1\n\n", []),
        (b"\xef\xbb\xbfdata: a\n\n", [message("message", "a")]),
        (b"data: \xff\n\n", [message("message", "\N{REPLACEMENT CHARACTER}")]),
        (b"data: a:b\n\n", [message("message", "a:b")]),
        (b"data: a", []),
    ],
)
def test_stream_is_taken_apart(stream: bytes, messages: list[sse.Message]) -> None:
    assert sse.Parser().feed(stream) == messages


def test_id_of_the_connection_before_is_kept() -> None:
    assert sse.Parser("7-1").feed(b"data: a\n\n") == [message("message", "a", "7-1")]


_texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=8)
_blocks = st.lists(st.tuples(_texts.filter(bool), _texts, _texts.filter(bool)), max_size=4)


@given(_blocks, st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(1, 12), max_size=30))
def test_cuts_and_line_ends_do_not_matter(
    blocks: list[tuple[str, str, str]], line_end: str, cuts: list[int]
) -> None:
    lines = [[f"event: {kind}", f"data: {data}", f"id: {event_id}", ""] for kind, data, event_id in blocks]
    stream = "".join(line + line_end for block in lines for line in block).encode()
    expected = [message(*block) for block in blocks]
    parser, found = sse.Parser(), []
    for cut in cuts:
        found += parser.feed(stream[:cut])
        stream = stream[cut:]
    found += parser.feed(stream)
    found += parser.feed(b"\n")  # a carriage return at the very end waits for what follows
    assert found == expected


@pytest.mark.parametrize("piece", [b"x", b"data: x\n"])
def test_endless_message_is_refused(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MOST_BYTES", 1000)
    parser = sse.Parser()
    parser.feed(piece * 100)
    with pytest.raises(Unavailable, match="more than 1000 bytes"):
        parser.feed(piece * 1000)


def test_long_line_in_small_pieces_is_read_in_linear_time() -> None:
    parser = sse.Parser()
    parser.feed(b"data: ")
    for _time in range(20_000):
        assert parser.feed(b"x" * 100) == []
    assert len(parser.feed(b"\n\n")[0].data) == 2_000_000

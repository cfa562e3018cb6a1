# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Server-sent events (WHATWG HTML, 9.2), taken out of bytes as they come. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import Unavailable

MOST_BYTES = 64 * 1024 * 1024
"""The most of one message that is kept: a snapshot of 10,000 peers is a quarter of it."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Message:
    """One event; ``id`` is the last that the server gave, with this message or before."""

    type: str
    data: str
    id: str


class Parser:
    """Takes chunks of any size and gives the messages that they complete.

    Args:
        last_id: id to begin with, of the connection before.
    """

    def __init__(self, last_id: str = "") -> None:
        self._line: list[bytes] = []  # pieces of a line that has not ended
        self._line_bytes = 0
        self._began = False
        self._last_id = last_id
        self._type = ""
        self._data: list[str] = []
        self._data_bytes = 0

    def feed(self, chunk: bytes) -> list[Message]:
        """The messages that end in this chunk.

        Raises:
            Unavailable: a message is larger than any that a controller sends.
        """
        found = [self._take_line(line) for line in self._lines(chunk)]
        if self._line_bytes + self._data_bytes > MOST_BYTES:
            raise Unavailable(f"The event stream has a message of more than {MOST_BYTES} bytes.")
        return [message for message in found if message is not None]

    def _lines(self, chunk: bytes) -> list[bytes]:
        """Whole lines. A carriage return at the end waits, for a line feed may follow."""
        ends_line = b"\n" in chunk or b"\r" in chunk or b"\r" in b"".join(self._line[-1:])[-1:]
        self._line.append(chunk)
        self._line_bytes += len(chunk)
        if not chunk or not ends_line:
            return []
        lines = b"".join(self._line).splitlines(keepends=True)
        rest = [] if lines[-1].endswith(b"\n") else [lines.pop()]
        self._line, self._line_bytes = rest, sum(map(len, rest))
        return [line.rstrip(b"\r\n") for line in lines]

    def _take_line(self, line: bytes) -> Message | None:
        if not self._began:
            self._began, line = True, line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            return self._dispatch()
        name, _colon, content = line.decode(errors="replace").partition(":")
        self._take_field(name, content.removeprefix(" "))
        return None

    def _take_field(self, name: str, content: str) -> None:
        if name == "event":
            self._type = content
        elif name == "data":
            self._data.append(content)
            self._data_bytes += len(content)
        elif name == "id" and "\0" not in content:
            self._last_id = content

    def _dispatch(self) -> Message | None:
        message = Message(self._type or "message", "\n".join(self._data), self._last_id)
        has_data = bool(self._data)
        self._type, self._data, self._data_bytes = "", [], 0
        return message if has_data else None

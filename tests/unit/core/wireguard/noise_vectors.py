# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Handshakes, packets and cookies that other implementations computed; see tests/vectors/noise/README.md."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from cladnet.core.wireguard.suite import SUITES, Suite

_FILE = Path(__file__).resolve().parents[3] / "vectors" / "noise" / "vectors.json"
VectorT = TypeVar("VectorT")


@dataclass(frozen=True)
class PacketVector:
    """One transport message."""

    from_initiator: bool
    counter: int
    plaintext: bytes
    datagram: bytes


@dataclass(frozen=True)
class HandshakeVector:
    """Both messages of a handshake with their macs, all that went into them, and what came out."""

    name: str
    construction: str
    initiator_private: bytes
    responder_private: bytes
    initiator_ephemeral_private: bytes
    responder_ephemeral_private: bytes
    preshared_key: bytes
    timestamp: bytes
    initiator_index: int
    responder_index: int
    initiation: bytes
    response: bytes
    initiator_to_responder_key: bytes
    responder_to_initiator_key: bytes
    packets: list[PacketVector]

    @property
    def suite(self) -> Suite:
        [suite] = [suite for suite in SUITES if suite.construction == self.construction.encode()]
        return suite


@dataclass(frozen=True)
class CookieVector:
    """A handshake message, the cookie that a loaded receiver answers, and the message with it."""

    name: str
    receiver_private: bytes
    source: str
    secret: bytes
    nonce: bytes
    asking: bytes
    reply: bytes
    asked_again: bytes


def _read(kind: type[VectorT], document: dict[str, Any]) -> VectorT:
    """Takes the fields as they are annotated: as text, numbers or bytes."""
    values = {field.name: _READ[field.type](document[field.name]) for field in fields(kind)}
    return kind(**values)


def _read_packets(documents: list[dict[str, Any]]) -> list[PacketVector]:
    return [_read(PacketVector, document) for document in documents]


_READ = {
    "str": str,
    "int": int,
    "bool": bool,
    "bytes": bytes.fromhex,
    "list[PacketVector]": _read_packets,
}
_DOCUMENT = json.loads(_FILE.read_text())
HANDSHAKES = [_read(HandshakeVector, document) for document in _DOCUMENT["handshakes"]]
COOKIES = [_read(CookieVector, document) for document in _DOCUMENT["cookies"]]
